"""Secrets by file: `ANSWERLOOP_<NAME>_FILE` names a file that holds the setting `ANSWERLOOP_<NAME>`.

A secret in a file stands neither in a compose file nor in the environment that every child and every crash report
sees. Settings that are secrets are known by their type.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource, PydanticBaseSettingsSource

from answerloop.errors import ConfigurationError

MOUNTED = Path("/run/secrets")
"""Container engines lay their secrets here, often readable for everybody inside: nobody else is there."""
LARGEST_BYTES = 64_000


class SecretFiles(PydanticBaseSettingsSource):
    """The settings that are named by a file, in the environment or in `.env`. Calling it raises ConfigurationError."""

    def __init__(self, settings: type[BaseSettings], env: EnvSettingsSource, dotenv: DotEnvSettingsSource) -> None:
        super().__init__(settings)
        prefix = str(settings.model_config.get("env_prefix", "")).lower()
        names = {f"{prefix}{name}_file": name for name, field in settings.model_fields.items() if is_secret(field)}
        given = {**dotenv.env_vars, **env.env_vars}
        self._files = {names[key]: path for key, path in given.items() if key in names and path}
        self._given = {name for key, name in names.items() if given.get(key.removesuffix("_file"))}
        dotenv.env_vars = {key: value for key, value in dotenv.env_vars.items() if key not in names}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = self._files.get(field_name)
        return (None if path is None else read_secret(variable(field_name), Path(path))), field_name, False

    def __call__(self) -> Mapping[str, Any]:  # type: ignore[override]  # the base class asks for a dict of its own
        for name in sorted(self._files.keys() & self._given):
            raise ConfigurationError(f"{variable(name)} is set twice: by itself and by {variable(name)}_FILE.")
        return {name: read_secret(variable(name), Path(path)) for name, path in self._files.items()}


def is_secret(field: FieldInfo) -> bool:
    return "SecretStr" in str(field.annotation)


def variable(name: str) -> str:
    return f"ANSWERLOOP_{name.upper()}"


def read_secret(name: str, path: Path) -> str:
    """Without the line break at its end. Raises ConfigurationError, which never quotes what stands in the file."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_BYTES:
            raise ConfigurationError(f"{name}_FILE={path} is not a file with a secret.")
        if status.st_mode & stat.S_IRWXO and MOUNTED not in path.absolute().parents:
            raise ConfigurationError(f"{name}_FILE={path} is open to everybody on this machine: chmod o= {path}")
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
    except FileNotFoundError:
        raise ConfigurationError(f"{name}_FILE={path}: there is no such file.") from None
    except PermissionError:
        raise ConfigurationError(f"{name}_FILE={path} may not be read by the user of this process.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{name}_FILE={path} cannot be read: {type(error).__name__}.") from None
    if not text.strip():
        raise ConfigurationError(f"{name}_FILE={path} is empty.")
    return text

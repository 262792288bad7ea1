"""What must not be readable in the database."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from answerloop.errors import ConfigurationError

HOW_TO_MAKE_ONE = (
    'make one with `python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"`'
)

KEY_BYTES = 32


def key_of(path: Path) -> bytes:
    """The key in this file, made on first use: complete or absent, and readable by its owner alone. Raises
    ConfigurationError."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        with suppress(FileExistsError):  # another process was faster: its key counts
            os.link(draft, path)
        draft.unlink()
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{path} is damaged: delete it, a new one is made at the next start.")
    return key


class Sealer:
    """Encrypts with the first key and reads what any of them has encrypted, so that keys can be replaced."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        """Raises ConfigurationError."""
        if not keys:
            raise ConfigurationError(f"ANSWERLOOP_SECRET_KEYS is empty, but tokens are to be stored: {HOW_TO_MAKE_ONE}")
        try:
            self._fernet = MultiFernet([Fernet(key.get_secret_value()) for key in keys])
        except ValueError:
            raise ConfigurationError(f"ANSWERLOOP_SECRET_KEYS has a key that is none: {HOW_TO_MAKE_ONE}") from None

    def seal(self, text: str) -> bytes:
        return self._fernet.encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """Raises ConfigurationError when no key of ours has sealed it."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise ConfigurationError(
                "A stored token cannot be read: ANSWERLOOP_SECRET_KEYS lacks the key that encrypted it."
            ) from None

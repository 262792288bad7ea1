"""The app package, as an operator uploads it, against Microsoft's own schemas (`make simulator` installs them)."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft7Validator, ValidationError
from PIL import Image
from typer.testing import CliRunner

from answerloop.cli import app
from answerloop.testing.installation import CHECKOUT

pytestmark = pytest.mark.stack

SCHEMAS = CHECKOUT / ".e2e" / "node_modules" / "@microsoft" / "app-manifest" / "build" / "json-schemas" / "teams"
APP_ID = "0b7c0000-1111-2222-3333-444455556666"
ICONS = {"color": (192, 192), "outline": (32, 32)}


def packed(tmp_path: Path, *options: str) -> zipfile.ZipFile:
    out = tmp_path / "package.zip"
    command = ["teams", "manifest", "--out", str(out), "--app-id", APP_ID, "--website", "https://ask.example.com"]
    result = CliRunner().invoke(app, [*command, *options])
    assert result.exit_code == 0, result.output
    return zipfile.ZipFile(out)


def manifest_of(package: zipfile.ZipFile) -> dict[str, Any]:
    return dict(json.loads(package.read("manifest.json")))


def schema_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """The one that the manifest itself names."""
    version = Path(manifest["$schema"]).parts[-2]
    assert version == f"v{manifest['manifestVersion']}"
    return dict(json.loads((SCHEMAS / version / "MicrosoftTeams.schema.json").read_text()))


def validate(manifest: dict[str, Any]) -> None:
    schema = schema_of(manifest)
    validator = Draft4Validator if "draft-04" in schema["$schema"] else Draft7Validator
    validator.check_schema(schema)
    validator(schema).validate(manifest)


@pytest.mark.parametrize("options", [(), ("--hear-everything",), ("--name", "Ask Orrenby")])
def test_the_manifest_is_valid_by_microsofts_schema(tmp_path, options):
    with packed(tmp_path, *options) as package:
        assert set(package.namelist()) == {"manifest.json", "color.png", "outline.png"}
        validate(manifest_of(package))


@pytest.mark.parametrize("key", ["id", "icons", "developer", "description"])
def test_a_manifest_that_lacks_something_is_not(tmp_path, key):
    with packed(tmp_path) as package:
        manifest = manifest_of(package)
    del manifest[key]
    with pytest.raises(ValidationError):
        validate(manifest)


def test_both_icons_are_there_in_the_sizes_that_teams_wants(tmp_path):
    with packed(tmp_path) as package:
        named = manifest_of(package)["icons"]
        for kind, size in ICONS.items():
            icon = Image.open(io.BytesIO(package.read(named[kind])))
            assert (icon.format, icon.size) == ("PNG", size)


def test_the_outline_is_white_on_nothing(tmp_path):
    """Microsoft: "a white icon with a transparent background"."""
    with packed(tmp_path) as package:
        icon = Image.open(io.BytesIO(package.read("outline.png"))).convert("RGBA")
    painted = {pixel[:3] for pixel in icon.get_flattened_data() if pixel[3]}
    assert painted == {(255, 255, 255)}
    assert icon.getpixel((0, 0))[3] == 0

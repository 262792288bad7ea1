"""Docs that drift are worse than none: the tree, the tables and the settings are compared with the code."""

import re
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from answerloop.settings import Settings
from workers.schedule import beat_schedule
from workers.serving import GROUPS

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = ("answerloop", "bot", "workers", "review", "benchmarks")


def modules() -> set[str]:
    files = (path.relative_to(ROOT) for program in PROGRAMS for path in (ROOT / program).rglob("*.py"))
    return {path.as_posix() for path in files if path.name != "__init__.py" and "versions" not in path.parts}


def tree() -> set[str]:
    """The paths that the README's tree names, rebuilt from its indentation."""
    block = (ROOT / "README.md").read_text().split("```tree\n")[1].split("```")[0]
    paths: set[str] = set()
    folders: list[str] = []
    for line in block.splitlines():
        depth, name = (len(line) - len(line.lstrip())) // 2, line.split()[0]
        folders = folders[:depth]
        if name.endswith("/"):
            folders.append(name)
        else:
            paths.add("".join(folders) + name)
    return paths


def test_every_module_has_its_line_in_the_readme_and_no_line_lacks_its_file():
    named = {path for path in tree() if path.endswith(".py")}
    assert modules() - named == set(), "files without a line in the README"
    assert named - modules() == set(), "lines in the README without a file"


def test_every_setting_stands_in_its_page_with_its_default_and_meaning():
    rows = {
        cells[1].strip().strip("`"): (cells[2].strip().strip("`"), cells[3].strip())
        for line in (ROOT / "docs" / "settings.md").read_text().splitlines()
        if line.startswith("| `") and (cells := line.split("|"))
    }
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "" if default is None or isinstance(default, SecretStr) else default
        shown = ",".join(shown) if isinstance(shown, tuple) else str(shown)
        assert rows.pop(f"ANSWERLOOP_{name.upper()}") == (shown, field.description or ""), name
        assert field.description, f"{name} says nothing about itself"
    assert rows == {}, "settings that are gone"


def test_every_name_in_the_example_file_is_a_setting():
    names = re.findall(r"^#?(ANSWERLOOP_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert names
    known = {f"ANSWERLOOP_{name.upper()}" for name in Settings.model_fields}
    assert set(names) <= known


def test_the_table_of_queues_is_the_code():
    text = (ROOT / "docs" / "architecture.md").read_text()
    table = text.split("## The queues")[1].split("##")[0]
    for group, (queues, threads) in GROUPS.items():
        if group != "all":
            assert f"| `{group}` | {', '.join(f'`{queue}`' for queue in queues)} | {threads} |" in table, group
    for entry in beat_schedule(300).values():
        assert f"`{entry['task']}`" in table


@pytest.mark.parametrize(
    "path", [*sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md")), "README.md"]
)
def test_every_link_within_the_documents_leads_somewhere(path):
    source = ROOT / path
    for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", source.read_text()):
        assert (source.parent / target).exists(), f"{path}: {target}"


def test_the_lock_covers_every_dependency():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    locked = {
        line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "requirements.lock").read_text().split()
    }
    names = {re.split(r"[\[<>=;\s]", name)[0].lower().replace("_", "-") for name in wanted}
    assert names - locked == {"torch"}, "torch comes first and alone, from the Makefile"


def test_the_makefile_explains_every_target():
    makefile = (ROOT / "Makefile").read_text()
    helped = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("run", "setup", "test", "test-all", "quality", "lint", "bench", "help"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
        assert f"make {target} " in helped

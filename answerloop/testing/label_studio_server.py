"""A real Label Studio for tests: started on a copy of a prepared database, with people who sign in as people do."""

from __future__ import annotations

import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from answerloop.auditing import Fault, Grounded, Verdict
from answerloop.label_studio import LabelStudioFolder, is_up, own_secrets, server_environment
from answerloop.testing.fake_review_queue import Opinion
from answerloop.testing.installation import CHECKOUT, free_port, until

PREPARED = LabelStudioFolder(CHECKOUT / ".e2e" / "ls" / "label-studio")
"""Made by `make label-studio`."""
CALL_SECONDS = 30


def prepare(folder: LabelStudioFolder) -> None:
    """As a first start of ours has left it, without the minutes that this takes."""
    assert PREPARED.complete.exists(), "Label Studio is missing: `make label-studio` installs it"
    folder.root.mkdir(parents=True)
    folder.venv.symlink_to(PREPARED.venv)
    for name in ("secrets.json", "installed", "complete"):
        shutil.copy(PREPARED.root / name, folder.root / name)
    shutil.copytree(PREPARED.data, folder.data)


class RunningLabelStudio:
    """Its database lies in `folder`, where it is also found after a restart."""

    def __init__(self, folder: Path) -> None:
        assert PREPARED.complete.exists(), "Label Studio is missing: `make label-studio` installs it"
        self.folder = folder
        self._secrets = own_secrets(PREPARED)
        self.token = self._secrets.token
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.passwords: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None
        shutil.copytree(PREPARED.data, folder)

    def start(self) -> None:
        command = [str(PREPARED.program), "start", "--no-browser", "--internal-host", "127.0.0.1"]
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port)],
                env=server_environment(self.folder, self._secrets),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(lambda: is_up(self.url), 120)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As if the machine had lost its power."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
            self.process.kill()
            self.process.wait()
            self.process = None

    def backup(self) -> Path:
        """While it is stopped."""
        assert self.process is None
        target = self.folder.with_suffix(".backup")
        shutil.rmtree(target, ignore_errors=True)
        return shutil.copytree(self.folder, target)

    def restore(self, backup: Path) -> None:
        assert self.process is None
        shutil.rmtree(self.folder)
        shutil.copytree(backup, self.folder)


class LabelStudioPeople:
    """Reviewers, by their e-mail addresses; each is invited when first needed. As `People` of the conformance suite."""

    def __init__(self, server: RunningLabelStudio, title: str) -> None:
        self._server = server
        self._title = title
        self._browsers: dict[str, httpx.Client] = {}
        self.owner = httpx.Client(
            base_url=server.url, headers={"Authorization": f"Token {server.token}"}, timeout=CALL_SECONDS
        )

    def account(self, by: str) -> str:
        from answerloop.backends.reviewers_label_studio import LabelStudioAccounts  # noqa: PLC0415 - takes seconds

        access = LabelStudioAccounts(self._server.url, self._server.token).invite(by)
        if access.password:
            self._server.passwords[by] = access.password
        return access.account

    def judge(self, task_id: str, by: str, opinion: Opinion) -> None:
        self._call(by, "POST", f"/api/tasks/{task_id}/annotations/", {"result": _result(opinion), "lead_time": 12.5})

    def edit(self, task_id: str, by: str, opinion: Opinion) -> None:
        self._call(by, "PATCH", f"/api/annotations/{self._first(task_id)}/", {"result": _result(opinion)})

    def take_back(self, task_id: str) -> None:
        self._owner("DELETE", f"/api/annotations/{self._first(task_id)}/")

    def skip(self, task_id: str, by: str) -> None:
        unchanged = _result(Opinion(verdict=None, grounded=None, correction="It is as it was."))
        body = {"result": unchanged, "was_cancelled": True, "lead_time": 1.0}
        self._call(by, "POST", f"/api/tasks/{task_id}/annotations/", body)

    def delete_task(self, task_id: str) -> None:
        self._owner("DELETE", f"/api/tasks/{task_id}/")

    def delete_project(self) -> None:
        for project in self.projects():
            self._owner("DELETE", f"/api/projects/{project}/")

    def projects(self) -> list[int]:
        found = self._owner("GET", "/api/projects/?page_size=1000").json()["results"]
        return [project["id"] for project in found if project["title"] == self._title]

    def tasks(self) -> dict[str, str]:
        """Task → audit, straight from the server."""
        return {
            str(task["id"]): task["data"]["audit_id"]
            for project in self.projects()
            for task in self._owner("GET", f"/api/tasks/?project={project}&page_size=5000").json()["tasks"]
        }

    def close(self) -> None:
        for browser in (self.owner, *self._browsers.values()):
            browser.close()
        self._browsers.clear()

    # --- within

    def _first(self, task_id: str) -> int:
        found = self._owner("GET", f"/api/tasks/{task_id}/annotations/").json()
        return min(int(annotation["id"]) for annotation in found)

    def _owner(self, method: str, path: str) -> httpx.Response:
        response = self.owner.request(method, path)
        response.raise_for_status()
        return response

    def _call(self, by: str, method: str, path: str, body: dict[str, Any]) -> None:
        browser = self._browsers.get(by) or self.sign_in(by)
        token = browser.cookies.get("csrftoken") or ""
        browser.request(method, path, json=body, headers={"X-CSRFToken": token}).raise_for_status()

    def sign_in(self, by: str) -> httpx.Client:
        if by not in self._server.passwords:
            self.account(by)
        browser = self._browsers[by] = httpx.Client(base_url=self._server.url, timeout=CALL_SECONDS)
        browser.get("/user/login/")
        token = browser.cookies.get("csrftoken") or ""
        form = {"email": by, "password": self._server.passwords[by], "csrfmiddlewaretoken": token}
        signed = browser.post("/user/login/", data=form, headers={"Referer": f"{self._server.url}/user/login/"})
        assert signed.status_code == httpx.codes.FOUND, "the reviewer could not sign in"
        return browser


def _result(opinion: Opinion) -> list[dict[str, Any]]:
    """As the screen would send it."""
    choices = {
        "verdict": _named(opinion.verdict),
        "grounded": _named(opinion.grounded),
        "reasons": [fault.value for fault in opinion.faults],
        "documents": [f"{number} · A title" for number in opinion.documents],
    }
    texts = {"correction": opinion.correction, "missing_document": opinion.missing_document}
    items: list[dict[str, Any]] = [
        {"id": name, "from_name": name, "to_name": "answer", "type": "choices", "value": {"choices": chosen}}
        for name, chosen in choices.items()
        if chosen
    ]
    items += [
        {"id": name, "from_name": name, "to_name": "answer", "type": "textarea", "value": {"text": [text]}}
        for name, text in texts.items()
        if text
    ]
    return [{**item, "origin": "manual"} for item in items]


def _named(word: Verdict | Grounded | Fault | None) -> list[str]:
    return [word.value] if word else []

"""The review queue on Label Studio, open source edition: no roles, no approval, no memory of what was deleted.

A task's id and an annotation's id may be used again after a restore, so neither stands alone: an annotation is named
with its task and the moment it was made, a project with the moment it was made.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from label_studio_sdk.label_interface import LabelInterface

from answerloop.auditing import AuditedTask, AuditTask, QueueIdentity
from answerloop.backends.label_studio_api import ONCE, Missing, client, connections, importing, translated
from answerloop.backends.label_studio_forms import (
    ALL,
    FIELDS,
    VIEWS,
    Account,
    audited,
    form,
    last_hand,
    moment,
)
from answerloop.errors import TaskRefused
from answerloop.label_studio import HINT_HEADER

log = logging.getLogger(__name__)

TITLE = "Answers to judge"
DESCRIPTION = "answerloop keeps this project in step with its own records. State {mark}; please leave this line."
MARK = re.compile(r"State (\d+);")
PAGE = 100
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"  # any other one is answered with an error 500
ACTIONS = ["ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED", "TASKS_DELETED"]


class LabelStudioReviewQueue:
    """`webhook` is where Label Studio tells us that there is news, and the secret that it is to bring along."""

    def __init__(
        self,
        url: str,
        token: str,
        label_config: str,
        overlap: int = 1,
        webhook: tuple[str, str] | None = None,
        title: str = TITLE,
    ) -> None:
        self._connections = connections()
        self._client = client(url, token, self._connections)
        self._config = label_config
        self._interface = LabelInterface(label_config)
        self._overlap = overlap
        self._webhook = webhook
        self._title = title
        self._equipped: set[str] = set()
        self._accounts: dict[int, Account] = {}

    def close(self) -> None:
        self._connections.close()

    # --- the project

    def open(self, known: str | None) -> QueueIdentity:
        with translated():
            project = self._known(known) or self._titled() or self._create()
            name = _name(project)
            if name not in self._equipped:
                self._equip(project)
                self._equipped.add(name)
        found = MARK.search(project.description or "")
        return QueueIdentity(name, int(found.group(1)) if found else -1)

    def leave_mark(self, project: str, mark: int) -> None:
        with translated():
            self._client.projects.update(
                _number(project), description=DESCRIPTION.format(mark=mark), request_options=ONCE
            )

    def _known(self, name: str | None) -> Any | None:
        if name is None:
            return None
        with suppress(Missing), translated():
            project = self._client.projects.get(_number(name), request_options=ONCE)
            return project if _name(project) == name else None
        return None

    def _titled(self) -> Any | None:
        """Titles are not unique: the oldest one, which is also what a start that died half-way has left."""
        found = self._client.projects.list(title=self._title, page_size=PAGE, request_options=ONCE)
        ours = [project for project in found if project.title == self._title]
        return self._client.projects.get(min(project.id for project in ours), request_options=ONCE) if ours else None

    def _create(self) -> Any:
        made = self._client.projects.create(
            title=self._title,
            label_config=self._config,
            description=DESCRIPTION.format(mark=0),
            request_options=ONCE,
        )
        return self._client.projects.get(made.id, request_options=ONCE)

    def _equip(self, project: Any) -> None:
        wanted = {
            "label_config": self._config,
            "maximum_annotations": self._overlap,
            "show_collab_predictions": True,
            "show_skip_button": True,
            "enable_empty_annotation": False,
        }
        if any(getattr(project, field) != value for field, value in wanted.items()):
            self._client.projects.update(project.id, **wanted, request_options=ONCE)
        titles = {view.data.get("title") for view in self._client.views.list(project=project.id, request_options=ONCE)}
        for view in _views():
            if view["title"] not in titles:
                self._client.views.create(project=project.id, data=view, request_options=ONCE)
        if self._webhook:
            self._hang_webhook(project.id, *self._webhook)

    def _hang_webhook(self, project_id: int, url: str, secret: str) -> None:
        wanted: dict[str, Any] = {
            "url": url,
            "actions": ACTIONS,
            "headers": {HINT_HEADER: secret},
            "send_for_all_actions": False,
            "send_payload": False,
            "is_active": True,
        }
        hooks = self._client.webhooks.list(project=str(project_id), request_options=ONCE)
        ours = [hook for hook in hooks if hook.project == project_id and hook.url == url]
        if not ours:
            self._client.webhooks.create(project=project_id, **wanted, request_options=ONCE)
        elif any(getattr(ours[0], field) != value for field, value in wanted.items()):
            self._client.webhooks.update(ours[0].id, **wanted, request_options=ONCE)

    # --- tasks out

    def push(self, project: str, tasks: Sequence[AuditTask]) -> Mapping[str, str]:
        forms = {task.audit_id: form(task) for task in tasks}
        for sheet in forms.values():
            self._check(sheet)
        there = self._there(project, list(forms))
        new = [audit_id for audit_id in forms if audit_id not in there]
        if new:
            with importing():
                made = self._client.projects.import_tasks(
                    _number(project),
                    request=[forms[audit_id] for audit_id in new],
                    return_task_ids=True,
                    request_options=ONCE,
                )
            there |= zip(new, map(str, made.task_ids or ()), strict=True)
        return there

    def _check(self, sheet: Mapping[str, Any]) -> None:
        """The server takes predictions that fit nothing, and never shows them."""
        for prediction in sheet["predictions"]:
            problems = self._interface.validate_prediction(prediction, return_errors=True)
            if problems:
                raise TaskRefused(f"The pre-filled correction does not fit the screen: {problems}")

    def _there(self, project: str, audit_ids: Sequence[str]) -> dict[str, str]:
        if not audit_ids:
            return {}
        tasks = self._tasks(project, [_where("data.audit_id", "in_list", list(audit_ids), "String")], "id", PAGE * 20)
        return {task.data["audit_id"]: str(task.id) for task in reversed(tasks)}  # the oldest one counts

    def withdraw(self, project: str, task_ids: Sequence[str]) -> None:
        for task_id in task_ids:
            with suppress(Missing), translated():
                self._client.tasks.delete(task_id, request_options=ONCE)

    # --- judgements back

    def changes(self, project: str, since: datetime | None) -> Iterator[Sequence[AuditedTask]]:
        """Always the first page after the last moment seen: what changes meanwhile shifts all later pages."""
        size, since = PAGE, since or datetime(2000, 1, 1, tzinfo=UTC)
        self._accounts = {}
        while True:
            after = _where("updated_at", "greater_or_equal", since.astimezone(UTC).strftime(TIME_FORMAT), "Datetime")
            tasks = self._tasks(project, [after], "updated_at", size)
            yield self._audited(tasks)
            if len(tasks) < size:
                return
            last = moment(tasks[-1].updated_at)
            since, size = last, PAGE if last > since else size * 2

    def everything(self, project: str) -> Iterator[Sequence[AuditedTask]]:
        last = 0
        self._accounts = {}
        while True:
            tasks = self._tasks(project, [_where("id", "greater", last, "Number")], "id", PAGE * 5)
            yield self._audited(tasks)
            if len(tasks) < PAGE * 5:
                return
            last = tasks[-1].id

    def _tasks(self, project: str, filters: list[dict[str, Any]], order: str, size: int) -> list[Any]:
        query = {"filters": {"conjunction": "and", "items": filters}, "ordering": [f"tasks:{order}"]}
        with translated():
            pager = self._client.tasks.list(
                project=_number(project),
                page=1,
                page_size=size,
                fields="all",
                include=list(FIELDS),
                query=json.dumps(query),
                request_options=ONCE,
            )
        return list(pager.items or ())

    def _audited(self, tasks: Sequence[Any]) -> list[AuditedTask]:
        hands = {last_hand(annotation) for task in tasks for annotation in task.annotations or ()}
        if hands - self._accounts.keys():
            with translated():
                self._accounts = accounts(self._client)
        found = (audited(task, self._accounts) for task in tasks)
        return [task for task in found if task is not None]


def accounts(ls: Any) -> dict[int, Account]:
    return {
        user.id: Account(user.email, f"{user.id}@{moment(user.date_joined).isoformat()}")
        for user in ls.users.list(request_options=ONCE)
    }


def _name(project: Any) -> str:
    return f"{project.id}@{moment(project.created_at).isoformat()}"


def _number(name: str) -> int:
    return int(name.partition("@")[0])


def _where(column: str, operator: str, value: object, kind: str) -> dict[str, Any]:
    return {"filter": f"filter:tasks:{column}", "operator": operator, "value": value, "type": kind}


def _views() -> list[dict[str, Any]]:
    one_each = {title: [_where("data.priority", "equal", name.value, "String")] for name, title in VIEWS.items()}
    return [_view(title, filters) for title, filters in {ALL: [], **one_each}.items()]


def _view(title: str, filters: list[dict[str, Any]]) -> dict[str, Any]:
    hidden = [f"tasks:{column}" for column in _HIDDEN]
    return {
        "title": title,
        "filters": {"conjunction": "and", "items": filters},
        "ordering": ["tasks:data.rank" if not filters else "tasks:id"],
        "hiddenColumns": {"explore": hidden, "labeling": hidden},
        "columnsWidth": {"tasks:data.question": 420, "tasks:data.answer": 520},
    }


_HIDDEN = (
    *("data.audit_id", "data.answer_id", "data.priority", "data.rank", "data.said_html", "data.passages_html"),
    *("data.documents", "total_predictions", "predictions_score", "predictions_model_versions", "predictions_results"),
    *("file_upload", "storage_filename", "inner_id", "avg_lead_time", "draft_exists", "annotations_ids"),
    *("annotations_results", "created_at", "updated_at", "updated_by", "completed_at", "data.meta"),
)

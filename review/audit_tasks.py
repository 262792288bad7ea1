"""What reviewers are shown of an answer, and what they must not be shown."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from answerloop.auditing import AuditPassage, AuditTask
from answerloop.db.repositories.audit_pushes import Waiting, describe
from answerloop.placeholders import Placeholders
from answerloop.ports import Redactor

log = logging.getLogger(__name__)

NOT_MASKED = "It could not be masked."
NOT_READABLE = "Reviewers in general may not read its sources."


@dataclass(slots=True)
class Sorted:
    """`in_house`: audit id → why it is for our own page alone. `withdrawn`: nobody is to judge these."""

    tasks: list[AuditTask] = field(default_factory=list)
    in_house: dict[str, str] = field(default_factory=dict)
    withdrawn: list[str] = field(default_factory=list)


class TaskWriter:
    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def sort(self, audits: Iterable[Waiting]) -> Sorted:
        out = Sorted()
        for audit in audits:
            if audit.withdrawn:
                out.withdrawn.append(audit.audit_id)
            elif not audit.readable:
                out.in_house[audit.audit_id] = NOT_READABLE
            elif task := self._task(audit):
                out.tasks.append(task)
            else:
                out.in_house[audit.audit_id] = NOT_MASKED
        return out

    def _task(self, audit: Waiting) -> AuditTask | None:
        """None when it cannot be masked."""
        if audit.masked_question is None or audit.masked_text is None:
            return None
        said = self._said(audit)
        if said is None:
            return None
        lines, better = said
        return AuditTask(
            audit_id=audit.audit_id,
            answer_id=audit.answer_id,
            priority=audit.priority,
            question=audit.masked_question,
            answer=audit.masked_text,
            suggestion=audit.proposed or better or ("" if audit.abstained else audit.masked_text),
            passages=tuple(
                AuditPassage(row.number, row.document_id, row.title, row.text, row.url, row.cited)
                for row in audit.sources
            ),
            channel=audit.channel,
            model=audit.model,
            adapter=audit.adapter,
            confidence=audit.confidence,
            answered_at=audit.answered_at,
            flags=audit.flags,
            said=lines,
        )

    def _said(self, audit: Waiting) -> tuple[tuple[str, ...], str] | None:
        """A line for each who said something, and the latest better answer, masked. The placeholders are those of the
        answer: the same name is the same placeholder everywhere on the screen."""
        lines = [line for said in audit.said if (line := describe(said))]
        better = audit.better
        if not lines and not better:
            return (), ""
        passages = [row.text for row in audit.sources if row.cited]
        try:
            known = self._redactor.mask(audit.question, Placeholders()).placeholders
            known = self._redactor.mask(audit.text, known).placeholders
            masked = []
            for text in (*lines, better):
                done = self._redactor.mask(text, known)
                known = done.placeholders
                masked.append(known.restore_published(done.text, passages))
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing leaves the house; its message may quote the text
            log.warning("masking failed", extra={"audit_id": audit.audit_id, "error": type(error).__name__})
            return None
        return tuple(masked[:-1]), masked[-1]

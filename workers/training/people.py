"""No one person decides what an adapter learns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from workers.training.drafts import Draft, LeftOut
from workers.training.split import order

AUTHOR_SHARE, APPROVER_SHARE = 0.34, 0.67
"""Of all rows from people: three authors and two reviewers at least, if all of them are to be learned."""
LEAST = 20
"""So many may come from one person in any case, or a small company could not begin. Not measured."""
TOO_MANY_WRITTEN = "too many rows were written by one person"
TOO_MANY_APPROVED = "too many rows were approved by one person"


def capped(drafts: Sequence[Draft], left_out: LeftOut) -> list[Draft]:
    """In the given order. Whatever more people stand by is kept first, the rest by lot."""
    written, approved = (max(LEAST, int(share * len(drafts))) for share in (AUTHOR_SHARE, APPROVER_SHARE))
    authors: Counter[str] = Counter()
    approvers: Counter[str] = Counter()
    kept = set()
    for draft in sorted(drafts, key=lambda each: (-each.weight, order(each.id))):
        if draft.author and authors[draft.author] >= written:
            left_out(TOO_MANY_WRITTEN)
        elif draft.approvers and all(approvers[person] >= approved for person in draft.approvers):
            left_out(TOO_MANY_APPROVED)
        else:
            kept.add(draft.id)
            authors[draft.author] += 1
            approvers.update(draft.approvers)
    return [draft for draft in drafts if draft.id in kept]

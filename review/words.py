"""What operators are told about the review queue."""

from __future__ import annotations

KIND = "review queue"
DOWN_KEY = "review.down"
DOWN = (
    "Label Studio has not answered since {since:%d %b %H:%M} UTC ({why}). Nothing is lost: what waits is pushed later."
)
REFUSED = "Label Studio refuses us: {why} Nothing is pushed or read until this is mended."
GONE_PROJECT = (
    "The project of the review queue was deleted, or the server was set up anew. A new one was made, and {again} "
    "answers go there again. What had been judged stands."
)
RESTORED = (
    "Label Studio was put back to an earlier state, or the description of its project was changed. What had been "
    "judged since then stands in our records; answers that are missing there are pushed again."
)
OLDER_RECORDS = (
    "Label Studio knows more than our own database, which was probably restored from a backup. Everything that can be "
    "read there is read again."
)
GONE_TASKS = "{again} tasks were deleted in Label Studio before they were judged, and are pushed again."
REFUSED_TASK = "Label Studio does not take a task ({why}). The answer is judged on our own page."
UNKNOWN_TASKS = (
    "{unknown} tasks in Label Studio belong to answers that our database does not know. They were left alone: delete "
    "them there if they were erased here."
)

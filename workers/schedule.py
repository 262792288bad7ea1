"""What beat sends, and how often. A tick that nobody took before the next one is due expires."""

from __future__ import annotations

from typing import Any, Literal

from answerloop.tasks import HOUSEKEEPING, INDEX, REVIEW, TRAIN

RECOVER_SECONDS = 3.0
SAMPLE_SECONDS = 10.0
FINISH_SECONDS = 300.0
RETAIN_SECONDS = 24 * 3600.0
PUSH_SECONDS, PULL_SECONDS, SWEEP_SECONDS = 10.0, 10.0, 600.0
CATCH_UP_SECONDS, GAPS_SECONDS = 30.0, 3600.0
CURATED_SECONDS = 60.0
ALARM_SECONDS, WATCH_SECONDS, NIGHT_SECONDS = 60.0, 60.0, 60.0


def beat_schedule(
    sync_interval_seconds: float,
    review: Literal["label-studio", "page", "off"] = "label-studio",
    *,
    nightly: bool = True,
) -> dict[str, dict[str, Any]]:
    """`review`: where people judge. Where nobody does, and where nothing is trained, nobody takes these jobs."""
    label_studio = {
        "push audits": _every("review.push", PUSH_SECONDS, REVIEW),
        "pull judgements": _every("review.pull", PULL_SECONDS, REVIEW),
        "sweep the review queue": _every("review.sweep", SWEEP_SECONDS, REVIEW),
    }
    reviewing = {
        "catch up with verdicts": _every("review.catch_up", CATCH_UP_SECONDS, REVIEW),
        "report gaps": _every("review.gaps", GAPS_SECONDS, REVIEW),
    }
    return {
        "recover": _every("housekeeping.recover", RECOVER_SECONDS, HOUSEKEEPING),
        "sample answers": _every("audit.sample", SAMPLE_SECONDS, HOUSEKEEPING),
        "finish erasures": _every("housekeeping.finish_erasures", FINISH_SECONDS, HOUSEKEEPING),
        "erase what is old": _every("housekeeping.retain", RETAIN_SECONDS, HOUSEKEEPING),
        "watch the canary": _every("train.watch", WATCH_SECONDS, HOUSEKEEPING),
        "keep curated answers": _every("housekeeping.curated", CURATED_SECONDS, HOUSEKEEPING),
        "tell alarms": _every("housekeeping.alarms", ALARM_SECONDS, HOUSEKEEPING),
        "sync sources": _every("index.sync_all", sync_interval_seconds, INDEX),
        **(reviewing if review != "off" else {}),
        **({"look whether it is night": _every("train.night", NIGHT_SECONDS, TRAIN)} if nightly else {}),
        **(label_studio if review == "label-studio" else {}),
    }


def _every(task: str, seconds: float, queue: str) -> dict[str, Any]:
    return {"task": task, "schedule": seconds, "options": {"queue": queue, "expires": seconds}}

"""A night of training as its page shows it, out of JSON that ends where the night ended."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from answerloop.db.repositories.training_runs import Night, Run
from review.dashboard import charts
from review.dashboard.tolerant import Figure, figure, lines, mapping, number, pairs, said, sentences

RUNNING = "running"
TONES = {
    "canary": "good",
    "live": "good",
    "refused": "warn",
    "not tonight": "still",
    "failed": "bad",
    "rolled back": "bad",
    RUNNING: "busy",
}
STEPS = {"dataset": "Dataset", "train": "Training", "evaluate": "Test and decision", "promote": "Promotion"}
EXAMPLES = ("better", "worse")
F1 = "F1 of the direct answer"
MEASURES = {"f1": F1, "F1": F1, "correct": "Correctness"}
FIGURES = {
    "questions": "Test questions",
    "unanswerable": "Of them without an answer",
    "decision": "Decisions on this test version, with this one",
    "error": "Chance of an error that this one may spend",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """The candidate against an arm. `bound`: what the gate goes by, at the error that this decision may spend."""

    arm: str
    measure: str
    figure: Figure
    bound: float | None = None
    span: charts.Span | None = None


@dataclass(frozen=True, slots=True)
class Floor:
    name: str
    said: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Split:
    """Rows of one part of the dataset. `parts`: kind, number, and where its bar begins and how long it is."""

    name: str
    total: int
    parts: tuple[tuple[str, int, float, float], ...]


@dataclass(frozen=True, slots=True)
class Dataset:
    splits: list[Split]
    kinds: list[str]
    left_out: list[tuple[str, int]]
    suspicions: list[str]
    new_rows: int | None


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Learning:
    """`epochs`: epoch, step, validation loss, perplexity."""

    curves: charts.Curves
    epochs: list[charts.Row]
    facts: list[tuple[str, str]]


def outcome(night: Night) -> str:
    """In a word. A run that ended without one has failed."""
    return night.outcome or (RUNNING if night.state == RUNNING else "failed")


def tone(word: str) -> str:
    return TONES.get(word, "still")


def step_name(step: str) -> str:
    return STEPS.get(step, step.replace("_", " ").capitalize())


def steps(night: Night) -> list[Step]:
    """What is done, what is under way and what is to come."""
    names = list(STEPS)
    here = night.step
    at = names.index(here) if here in names else len(names)
    states = ["done" if place < at else "now" if place == at else "later" for place in range(len(names))]
    known = [Step(STEPS[name], state) for name, state in zip(names, states, strict=True)]
    return known if here in names else [Step(step_name(here), "now")]


def share_done(night: Night) -> float | None:
    done, of = number(night.progress.get("done")), number(night.progress.get("of"))
    return None if done is None or not of else min(max(done / of, 0.0), 1.0)


def new_rows(night: Night) -> int | None:
    rows = number(night.manifest.get("new_rows"))
    return None if rows is None else int(rows)


# --- decision --------------------------------------------------------------------------------------------------------


def differences(decision: Mapping[str, Any]) -> list[Difference]:
    """Against every other arm, the F1 first; all on one scale."""
    figures = mapping(decision.get("figures"))
    found = [
        Difference(str(arm), MEASURES.get(measure, measure), known, number(mapping(value).get("bound")))
        for arm, measures in mapping(figures.get("against")).items()
        for measure, value in mapping(measures).items()
        if (known := figure(value))
    ]
    for name, value in figures.items():
        measure, against, arm = name.partition(" against ")
        if against and (known := figure(value)):
            found.append(Difference(arm, MEASURES.get(measure, measure), known, number(mapping(value).get("bound"))))
    found.sort(key=lambda each: each.measure != F1)
    places = charts.spans([each.figure.ends for each in found], zero=True)
    return [
        Difference(each.arm, each.measure, each.figure, each.bound, place)
        for each, place in zip(found, places, strict=True)
    ]


def by_measure(found: Sequence[Difference]) -> dict[str, list[Difference]]:
    groups: dict[str, list[Difference]] = {}
    for each in found:
        groups.setdefault(each.measure, []).append(each)
    return groups


def gain(night: Night) -> Difference | None:
    """In F1, against the arm that comes nearest to the candidate."""
    of_f1 = [each for each in differences(night.decision) if each.measure == F1]
    return min(of_f1, key=lambda each: each.figure.value, default=None)


def floors(decision: Mapping[str, Any]) -> list[Floor]:
    found = lines(mapping(decision.get("figures")).get("floors"))
    return [
        Floor(
            str(each.get("floor", "")),
            f"{said(each.get('candidate'))}, at {each.get('at', 'least')} {said(each.get('limit'))}",
            bool(each.get("holds")),
        )
        for each in found
    ]


def plain_figures(decision: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The other figures of a decision, such as how much of the error budget it may spend."""
    return [
        (
            FIGURES.get(name, str(name).replace("_", " ").capitalize()),
            _chance(value) if name == "error" else said(value),
        )
        for name, value in mapping(decision.get("figures")).items()
        if name not in ("against", "arms", "floors") and " against " not in name
    ]


def _chance(value: Any) -> str:
    share = number(value)
    if share is None:
        return "–"
    return f"{100 * share:.0f} %" if share > 0.1 else f"{100 * share:.2g} %"  # noqa: PLR2004


def watched(watch: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How a canary fares: by signal how many of its conversations and of the rest were heard, and how likely so much
    harm is by luck alone."""
    known = mapping(watch.get("known"))
    signals = []
    for signal, luck in mapping(watch.get("luck")).items():
        heard, chance = known.get(signal), number(luck)
        if isinstance(heard, list | tuple) and chance is not None:
            signals.append((str(signal), f"{' and '.join(map(said, heard))} · {_chance(chance)}"))
    return [*signals, *pairs(watch.get("figures"))]


# --- dataset and learning --------------------------------------------------------------------------------------------


def dataset(manifest: Mapping[str, Any]) -> Dataset:
    named = mapping(manifest.get("counts")) or _of_files(manifest)
    counts = {str(name): _counts(found) for name, found in named.items()}
    most = max((sum(found.values()) for found in counts.values()), default=0) or 1
    left_out = _counts(manifest.get("left_out"))
    rows = number(manifest.get("new_rows"))
    return Dataset(
        [_split(name, found, most) for name, found in counts.items()],
        list(dict.fromkeys(kind for found in counts.values() for kind in found if found[kind])),
        sorted(left_out.items(), key=lambda each: (-each[1], each[0])),
        sentences(manifest.get("suspicions")),
        None if rows is None else int(rows),
    )


def _of_files(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The same counts from a manifest that has them by file, as it lies beside the rows."""
    counts = {name.removesuffix(".jsonl"): kinds for name, kinds in mapping(manifest.get("kinds")).items()}
    asked, answerable = number(mapping(manifest.get("rows")).get("test.jsonl")), number(manifest.get("answerable"))
    if asked is None or answerable is None:
        return counts
    return {**counts, "test": {"answerable": answerable, "unanswerable": asked - answerable}}


def _split(name: str, counts: Mapping[str, int], most: int) -> Split:
    parts, x = [], 0.0
    for kind, count in counts.items():
        width = round(count / most * charts.SIZE, 3)
        parts.append((kind, count, round(x, 3), width))
        x += width
    return Split(name, sum(counts.values()), tuple(parts))


def learning(record: Mapping[str, Any]) -> Learning:
    epochs = lines(record.get("epochs") or record.get("validations"))
    series = {
        "training": _points(record.get("curves") or record.get("steps"), "loss"),
        "validation": _points(epochs, "validation_loss"),
    }
    rows = [
        charts.Row(
            f"Epoch {said(each.get('epoch'))}",
            (said(each.get("step")), said(each.get("validation_loss")), said(each.get("perplexity"))),
        )
        for each in epochs
    ]
    return Learning(charts.curves(series, "validation"), rows, _facts(record))


def _facts(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    speed = number(record.get("tokens_per_second", record.get("tokens_per_s")))
    gigabytes = number(record.get("peak_memory_gb"))
    peak = number(record.get("peak_memory_bytes")) or (gigabytes or 0.0) * 1e9
    rows = number(record.get("trained_rows", record.get("rows")))
    best = number(record.get("best_step"))
    facts = [
        ("Rows learned from", f"{rows:,.0f}" if rows else ""),
        ("Best step", f"{best:,.0f}" if best is not None else ""),
        ("Tokens a second", f"{speed:,.0f}" if speed else ""),
        ("Most memory", f"{peak / 1e9:.1f} GB" if peak else ""),
    ]
    return [(name, value) for name, value in facts if value]


def documents_of(run: Run) -> set[str]:
    """Of all examples."""
    return {str(id_) for which in EXAMPLES for each in _examples(run, which) for id_ in each.get("documents") or ()}


def examples(run: Run, which: str, readable: Container[str]) -> list[Mapping[str, Any]]:
    """Those of which every document that they name may be read."""
    return [
        each
        for each in _examples(run, which)
        if all(str(document) in readable for document in each.get("documents") or ())
    ]


def _examples(run: Run, which: str) -> list[Mapping[str, Any]]:
    return [each for each in lines(mapping(run.ladder.get("examples")).get(which)) if each.get("question")]


def _points(found: Any, name: str) -> list[tuple[float, float]]:
    points = [(number(each.get("step")), number(each.get(name))) for each in lines(found)]
    return [(step, value) for step, value in points if step is not None and value is not None]


def _counts(value: Any) -> dict[str, int]:
    if (total := number(value)) is not None:
        return {"rows": int(total)}
    return {str(name): int(count) for name, each in mapping(value).items() if (count := number(each)) is not None}

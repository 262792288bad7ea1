"""The figures on the screen."""

from __future__ import annotations

from typing import Any

from rich.table import Table

_PLAIN = {
    "correct": "right answers",
    "f1": "F1 of the direct answer",
    "hallucinated": "wrong or made-up answers",
}


def figures(result: dict[str, Any]) -> Table:
    table = Table("figure", "value", "95 %", "n", title="evaluation")
    for part in ("retrieval", "answers", "abstention"):
        for name, figure in result.get(part, {}).items():
            if isinstance(figure, dict):
                interval = f"{figure['low']:.3f} – {figure['high']:.3f}"
                table.add_row(f"{part}: {name}", f"{figure['value']:.3f}", interval, str(figure["n"]))
    return table


def comparison(compared: dict[str, Any]) -> Table:
    """In percent and points, for somebody who has no use for three decimals."""
    table = Table(
        "what retrieval brings",
        "with documents",
        "model alone",
        "difference in points",
        "n",
        caption="In brackets the 95 % interval. Wrong or made-up: said although it is wrong, or although no document "
        "that the asker may read answers the question.",
    )
    for name, sides in compared.items():
        difference = sides["difference"]
        table.add_row(
            _PLAIN[name],
            f"{sides['with']['value']:.0%}",
            f"{sides['without']['value']:.0%}",
            f"{_points(difference['value'])} ({_points(difference['low'])} to {_points(difference['high'])})",
            str(difference["n"]),
        )
    return table


def _points(share: float) -> str:
    return f"{100 * share:+.0f}"

"""Made-up results with known figures."""

from collections.abc import Collection

from benchmarks.quality.result import Row, SetResult

ABOUT = {"generator": "transformers", "model": "tiny", "dtype": "float32", "machine": "2 cores"}


def result(wrong: Collection[int] = (), answered: Collection[int] = (), n: int = 60, model: str = "tiny") -> SetResult:
    """`n` answerable questions a0, a1, … that are right but for `wrong`, and 20 unanswerable ones u0, u1, … that are
    refused but for `answered`."""
    right = (
        Row(f"a{i}", True, 0.9 - i / 1000, 1.0, True, i not in wrong, float(i not in wrong), 0.5) for i in range(n)
    )
    refused = (Row(f"u{i}", False, 0.4 - i / 1000, None, i in answered) for i in range(20))
    return SetResult(ABOUT | {"model": model}, {"answer_p50_s": 1.0, "first_text_p50_s": 0.5}, (*right, *refused))

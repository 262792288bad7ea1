"""Who may learn what: people × documents × surfaces × index backends, on companies made up by Hypothesis.

Nothing of a document that somebody may not read reaches them, all that they may read is found, and a change holds for
the next question. A new index backend is a line in `BACKENDS`, a new surface one in the house's list.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings

from answerloop.backends.index_lancedb import LanceDocumentIndex
from answerloop.db.session import Database
from answerloop.ports import DocumentIndex
from answerloop.testing.audience import HOME, Company, judge, two_days
from answerloop.testing.fakes import FakeDocumentIndex, FakeEmbedder
from tests.contracts.audience_house import CHECKED_AFTERWARDS, FOR_ANY_AUDIENCE, House, Surface

EMBEDDER = FakeEmbedder()
BACKENDS: dict[str, tuple[Callable[[Path], DocumentIndex], int]] = {  # and how many companies each is tried on
    "lancedb": (lambda folder: LanceDocumentIndex(folder / "index", EMBEDDER.name, EMBEDDER.dimension), 3),
    "fake": (lambda folder: FakeDocumentIndex(EMBEDDER.dimension), 6),
}


@contextmanager
def a_house(backend: str) -> Iterator[House]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        database = Database(f"sqlite:///{folder / 'test.db'}")
        database.migrate()
        yield House(folder, database, BACKENDS[backend][0](folder))
        database.dispose()


def inspect(house: House, *surfaces: Surface, index_is_current: bool = True) -> None:
    """Show everything to everybody."""
    for readers in house.company.audiences():
        alone_at_home = len(readers.people) == 1 and readers.tenant == HOME
        for surface in surfaces:
            if surface in FOR_ANY_AUDIENCE or alone_at_home:
                for shown in surface(house, readers):
                    judge(house.company, shown, house.document_ids, complete=index_is_current)


@pytest.mark.parametrize("backend", BACKENDS)
def test_nobody_learns_what_they_may_not_read_and_everybody_finds_what_they_may(backend: str) -> None:
    @settings(
        max_examples=BACKENDS[backend][1],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(two_days())
    def in_any_company(days: tuple[Company, Company]) -> None:
        with a_house(backend) as house:
            house.becomes(days[0])
            house.late.catch_up()
            inspect(house, *FOR_ANY_AUDIENCE, House.document_page, House.web_chat)
            house.becomes(days[1])
            inspect(house, *CHECKED_AFTERWARDS, index_is_current=False)
            house.late.catch_up()
            inspect(house, *FOR_ANY_AUDIENCE)

    in_any_company()

"""`answerloop doctor` notices what a restore has left to do."""

from types import SimpleNamespace

from answerloop.settings import Settings
from answerloop.testing.past import document
from workers.health import _index

SETTINGS = Settings(_env_file=None)
WHERE = f"LanceDB in {SETTINGS.state.index}"


def found(database, chunks: dict[str, int]) -> list[tuple[bool, str]]:
    index = SimpleNamespace(count=lambda tenant: chunks.get(tenant, 0))
    workshop = SimpleNamespace(database=database, index=index, settings=SETTINGS)
    return [(finding.healthy, finding.text) for finding in _index(workshop)]


def test_an_index_that_lacks_what_the_rows_have_is_not_healthy(database):
    with database.writing() as session:
        document(session, "Leave", "27 days")
        document(session, "Travel", "First class", tenant="other")
    assert found(database, {"default": 7}) == [(False, "empty: run `answerloop ingest --rebuild --tenant other`")]
    assert found(database, {"default": 7, "other": 2}) == [
        (True, f"LanceDB in {Settings(_env_file=None).state.index}, 9 chunks")
    ]


def test_without_documents_nothing_is_missing(database):
    assert found(database, {}) == [(True, f"{WHERE}, 0 chunks")]

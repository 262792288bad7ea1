"""What a person sees of the assistant: what they may read and what they asked; of nobody else, nothing taken back."""

from datetime import UTC, datetime

import pytest

from answerloop.db.tables import DocumentRow, ReaderSetRow, SourceRow
from answerloop.domain import Outcome
from answerloop.home import LAST_QUESTIONS, Home
from tests.unit.bot.slack.slack_kit import ALICE, BOB, TEAM, SlackKit, click, mention

PERSON = f"slack:{TEAM}:{ALICE}"
READERS = {
    1: ("default", ["everyone"]),
    2: ("default", ["hr"]),
    3: ("default", ["public"]),
    4: ("other", ["everyone"]),
}


@pytest.fixture
def home(kit: SlackKit) -> Home:
    return Home(kit.database, kit.directory, "default")


@pytest.fixture
def documents(kit: SlackKit) -> None:
    """One for each set of readers, one that is replaced by a newer one, and one of another tenant."""
    rows = [("default", 1, False, 1), ("default", 2, False, 3), ("default", 3, False, 2), ("default", 1, True, 9),
            ("other", 4, False, 8)]  # fmt: skip
    with kit.database.writing() as session:
        for tenant in ("default", "other"):
            session.add(SourceRow(id=tenant, tenant=tenant, location=f"/srv/{tenant}", allow=[]))
        for readers, (tenant, groups) in READERS.items():
            session.add(ReaderSetRow(id=readers, tenant=tenant, key=str(readers), groups=groups))
        for number, (tenant, readers, superseded, day) in enumerate(rows):
            session.add(
                DocumentRow(
                    id=f"d{number}",
                    source_id=tenant,
                    key=str(number),
                    tenant=tenant,
                    title="T",
                    reader_set_id=readers,
                    superseded=superseded,
                    indexed_at=datetime(2026, 11, day, tzinfo=UTC),
                )
            )


@pytest.mark.parametrize(
    ("groups", "count", "day"),
    [({"everyone", "public", "hr"}, 3, 3), ({"everyone", "public"}, 2, 2), ({"public"}, 1, 2), (set(), 0, None)],
)
def test_only_what_somebody_may_read_is_counted(kit, home, documents, groups, count, day):
    kit.directory.groups[PERSON] = frozenset(groups)
    facts = home.facts("slack", PERSON)
    assert (facts.documents, facts.updated_at and facts.updated_at.day) == (count, day)


def test_rights_that_change_hold_the_next_time_it_is_opened(kit, home, documents):
    kit.directory.groups[PERSON] = frozenset({"everyone", "hr"})
    assert home.facts("slack", PERSON).documents == 2
    kit.directory.groups[PERSON] = frozenset()
    assert home.facts("slack", PERSON).documents == 0


def test_the_last_questions_are_ones_own_the_latest_first(kit, home):
    for number in range(LAST_QUESTIONS + 2):
        kit.send(mention(f"How many {number}?", event_id=f"Ev{number}", ts=f"1700.{number:04}"))
    kit.send(mention("What does Bob ask?", event_id="Ev-bob", user=BOB, ts="1700.0100"))
    asked = home.facts("slack", PERSON).questions
    assert [question.text for question in asked] == [f"How many {number}?" for number in (6, 5, 4, 3, 2)]
    assert {question.outcome for question in asked} == {None}
    assert home.facts("slack", "slack:T02:" + ALICE).questions == ()
    assert home.facts("web", PERSON).questions == ()


def test_what_was_answered_says_so_and_tells_nothing_of_the_answer(kit, home):
    kit.send(mention())
    kit.answer("The secret is 90 days [1]")
    [question] = home.facts("slack", PERSON).questions
    assert question.outcome is Outcome.ANSWERED
    assert "secret" not in repr(question)


def test_what_was_taken_back_is_gone(kit, home):
    kit.send(mention())
    answer = kit.answer()
    kit.send(click("answer_retract", answer))
    kit.send(mention(event_id="Ev2", ts="1700.0002"))
    kit.intake.withdraw(f"slack:{TEAM}:C01:1700.0002")
    assert home.facts("slack", PERSON).questions == ()


def test_rooms_are_limited_to_sources_of_this_tenant(home, documents):
    assert home.sources() == ("/srv/default",)

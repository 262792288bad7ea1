"""Who may learn what: people × documents × surfaces × index backends, on companies made up by Hypothesis.

Nothing of a document that somebody may not read reaches them, all that they may read is found, and a change holds for
the next question. A new index backend is a line in `BACKENDS`, a new surface one in the house's list.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from answerloop.backends.index_lancedb import LanceDocumentIndex
from answerloop.db.session import Database
from answerloop.ports import DocumentIndex
from answerloop.testing.audience import HOME, PEOPLE, STRANGER, Company, Readers, judge, two_days
from answerloop.testing.fakes import FakeDocumentIndex, FakeEmbedder
from tests.contracts.audience_house import CHECKED_AFTERWARDS, FOLLOW_UP, FOR_ANY_AUDIENCE, House, Surface
from tests.contracts.slack_office import HELPERS, INVITED, OPEN, PRIVATE, SHARED, USERS, SlackOffice, an_office
from tests.unit.bot.slack.slack_kit import BOT

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


# --- Slack: the same companies, in channels of every kind


def rooms(office: SlackOffice, joined: Sequence[str] = ()) -> None:
    """Whoever has `joined` was in none of the small channels the day before."""
    staff = [name for name in PEOPLE if name != STRANGER]
    office.channel("COPEN", staff, OPEN)
    office.channel("CALL", staff, PRIVATE)
    office.channel("CALONE", staff, PRIVATE)
    office.channel("CSHARED", PEOPLE, SHARED)
    office.channel("CINVITED", staff, INVITED)
    office.channel(HELPERS, staff[:1], PRIVATE)
    for name in staff:
        office.channel(f"C{USERS[name]}", [name, *joined], PRIVATE)
        office.channel(f"D{USERS[name]}", [name], {"is_im": True})


def askers(office: SlackOffice) -> Iterator[tuple[str, str]]:
    """Each channel with somebody who asks there; in the one where answers are private each of them, in the shared one
    the stranger too."""
    present = [person.id for person in office.company.people if person.id != STRANGER]
    for name in present:
        yield f"C{USERS[name]}", name
        yield f"D{USERS[name]}", name
        yield "CALONE", name
    for channel in ("COPEN", "CALL", "CSHARED", "CINVITED") if present else ():
        yield channel, present[0]
    if any(person.id == STRANGER for person in office.company.people):
        yield "CSHARED", STRANGER


def who_reads(office: SlackOffice, channel: str, asker: str, *, alone: bool) -> Readers:
    return office.alone(asker) if alone or channel.startswith("D") else office.readers(channel)


def ask_everywhere(office: SlackOffice, *, deliver: bool = True) -> dict[tuple[str, str], str]:
    """And whoever gets an answer gets one that tells something exactly when there is something that all may know."""
    asked = {}
    for channel, asker in askers(office):
        question = asked[channel, asker] = office.write(channel, asker)
        office.answer(question, deliver=deliver)
        readers = who_reads(office, channel, asker, alone=channel == "CALONE")
        office.judge_history(readers)
        told = "".join(shown.text for shown in office.judge())
        if deliver:
            assert ("zq" in told) is bool(office.company.findable(readers)), (channel, readers, told)
    return asked


def ask_privately(office: SlackOffice) -> dict[str, str]:
    asked = {}
    for person in office.company.people:
        if person.id != STRANGER:
            asked[person.id] = office.command("CALL", person.id)
            office.answer(asked[person.id])
            office.judge(office.open_home(person.id))
    return asked


def go_on(office: SlackOffice, asked: dict[tuple[str, str], str], private: dict[str, str]) -> None:
    """The next day, in what was begun the day before: clicks, reminders, follow-ups, sharing, the App Home."""
    here = {person.id for person in office.company.people}
    office.remind()
    office.judge()
    for (channel, asker), question in asked.items():
        if asker in here:
            office.click("answer_human", question, asker, channel)
            office.deliver()
            office.judge(office.open_home(asker))
            follow_up = office.write(channel, asker, f"<@{BOT}> {FOLLOW_UP}", office.threads[question])
            office.answer(follow_up)
            office.judge_history(who_reads(office, channel, asker, alone=False))
            office.judge()
    for asker, question in private.items():
        if asker in here:
            office.click("answer_human", question, asker, "CALL")
            office.deliver()
            office.judge()
            office.click("answer_share", question, asker, "CALL")
            office.answer(office.newest())
            office.judge_history(office.readers("CALL"))
            office.judge()


def test_nobody_learns_in_slack_what_they_may_not_read() -> None:
    @settings(
        max_examples=4,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(two_days())
    def in_any_company(days: tuple[Company, Company]) -> None:
        with a_house("fake") as house, an_office(house) as office:
            rooms(office)
            office.answer_alone_in("CALONE", alone=True)
            office.becomes(days[0])
            house.late.catch_up()
            asked, private = ask_everywhere(office), ask_privately(office)
            ask_everywhere(office, deliver=False)
            office.becomes(days[1])
            rooms(office, joined=PEOPLE[:1])
            office.answer_alone_in("CALONE", alone=False)
            office.deliver()
            office.judge()
            go_on(office, asked, private)

    in_any_company()

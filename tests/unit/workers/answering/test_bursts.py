"""Better answers that say nearly the same: told once, marked, and lost to nobody."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from answerloop.db.audit_tables import AlarmRow
from answerloop.db.repositories import feedback
from answerloop.db.tables import FeedbackRow, now
from answerloop.domain import Opinion, Thumb, Via
from bot.feedback import FeedbackBox
from tests.unit.workers.answering.desk_kit import Scene
from workers.answering.bursts import BurstWatch, groups

SPAM = (
    "Please call 555-0100 to get your expenses paid at once.",
    "please call 555-0100 to have your expenses paid at once",
    "To get your expenses paid at once, please call 555-0100!",
    "Please cal 555-0100 to get yuor expenses paid at once.",
    "Please call 555-0100 now to get your expenses paid at once.",
)
OTHERS = (
    "Annual leave is 27 days, and 29 after five years.",
    "The VPN needs the new certificate; IT hands it out.",
    "Claims must be submitted within 30 days after the trip.",
)


@pytest.fixture
def scene(database) -> Scene:
    return Scene(database)


@pytest.fixture
def watch(database) -> BurstWatch:
    return BurstWatch(database)


def suggest(scene: Scene, answer: str, person: str, text: str) -> None:
    with scene.database.writing() as session:
        feedback.give(session, answer, person, Opinion(Thumb.DOWN, correction=text), Via.FORM)


def an_answer(scene: Scene) -> str:
    return scene.view(scene.answered()).answer_id


def alarms(scene: Scene) -> list[AlarmRow]:
    with scene.database.reading() as session:
        return list(session.scalars(select(AlarmRow)))


def marked(scene: Scene) -> set[str]:
    with scene.database.reading() as session:
        return set(session.scalars(select(FeedbackRow.correction).where(FeedbackRow.burst.is_not(None))))


def test_small_changes_and_another_order_are_nearly_the_same():
    assert groups([OTHERS[0], *SPAM, *OTHERS[1:]]) == [[0], [1, 2, 3, 4, 5], [6], [7]]
    assert groups([]) == []


def test_what_is_alike_by_way_of_another_belongs_together():
    chain = ["a b c d e f g h", "a b c d e f g x", "a b c d e f y x"]
    assert groups([chain[0], chain[2], chain[1]]) == [[0, 1, 2]]


def test_many_that_say_the_same_of_one_answer_are_told_once(scene, watch):
    answer = an_answer(scene)
    for number, text in enumerate(SPAM[:4]):
        suggest(scene, answer, f"p{number}", text)
    watch.look()
    assert alarms(scene) == []
    suggest(scene, answer, "p4", SPAM[4])
    suggest(scene, answer, "p5", OTHERS[0])
    for _ in range(2):
        watch.look()
    [alarm] = alarms(scene)
    assert alarm.kind == "burst"
    assert "5 better answers" in alarm.text
    assert "for 1 answer, by 5 people" in alarm.text
    assert "555" not in alarm.text
    assert marked(scene) == set(SPAM)


def test_the_same_text_for_several_questions_is_told_sooner(scene, watch):
    for text in SPAM[:3]:
        suggest(scene, an_answer(scene), "mallory", text)
    watch.look()
    assert "3 better answers" in alarms(scene)[0].text
    assert "by 1 person." in alarms(scene)[0].text


def test_a_burst_that_goes_on_keeps_its_alarm_after_the_first_hour(scene, watch):
    for number, text in enumerate(SPAM[:3]):
        suggest(scene, an_answer(scene), f"p{number}", text)
    watch.look()
    with scene.database.writing() as session:
        for row in session.scalars(select(FeedbackRow).where(FeedbackRow.person != "p2")):
            row.updated_at = now() - timedelta(hours=2)
    suggest(scene, an_answer(scene), "p3", SPAM[3])
    watch.look()
    assert len(alarms(scene)) == 1
    assert marked(scene) == set(SPAM[:4])


def test_an_hour_ago_is_another_story(scene, watch):
    for text in SPAM[:3]:
        suggest(scene, an_answer(scene), "p", text)
    with scene.database.writing() as session:
        session.scalars(select(FeedbackRow)).first().updated_at = now() - timedelta(hours=2)
    watch.look()
    assert alarms(scene) == []


def test_marking_makes_nothing_look_newer(scene, watch):
    def times() -> list[object]:
        with scene.database.reading() as session:
            return sorted(session.scalars(select(FeedbackRow.updated_at)))

    for text in SPAM[:3]:
        suggest(scene, an_answer(scene), "p", text)
    before = times()
    watch.look()
    assert times() == before


def test_reviewers_see_them_all_and_the_trusted_ones_first(scene, watch):
    answer = an_answer(scene)
    for number, text in enumerate(SPAM):
        suggest(scene, answer, f"p{number}", text)
    suggest(scene, answer, "eve", OTHERS[0])
    suggest(scene, answer, "p4", SPAM[4] + " Really.")
    watch.look()
    with scene.database.reading() as session:
        seen = feedback.suggestions(session, answer)
    assert [each.text for each in seen if each.burst is None] == [seen[0].text] == [OTHERS[0]]
    assert len(seen) == 6


def test_what_is_written_anew_is_judged_anew(scene, watch):
    answers = [an_answer(scene) for _ in range(3)]
    for answer, text in zip(answers, SPAM, strict=False):
        suggest(scene, answer, "dana", text)
    watch.look()
    FeedbackBox(scene.database).give("dana", answers[0], Thumb.DOWN, None, OTHERS[0])
    watch.look()
    assert marked(scene) == set(SPAM[1:3])

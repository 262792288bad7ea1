"""Every finished answer is drawn for once, whatever is flagged is looked at, and a crash loses and doubles nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select

from answerloop.auditing import AuditState, Flag, Priority, Verdict
from answerloop.db.audit_tables import AuditRow, BookmarkRow, CorrectionRow, QuestionVectorRow, SampleRow
from answerloop.db.repositories import documents, leases, sample_history, samples
from answerloop.db.tables import AnswerRow, DocumentRow, FeedbackRow, QuestionRow, now
from answerloop.domain import Action, CitedSource, Decision, Thumb
from answerloop.estimates import LookedAt
from answerloop.testing.fakes import FakeEmbedder, FakeRedactor
from bot.feedback import FeedbackBox
from bot.people import Call
from tests.unit.bot.web.web_kit import source
from tests.unit.workers.answering.desk_kit import Scene, ScriptedPipeline, a_draft, says
from workers.answering.sample import LEASE, Plan, Sampler, draw

PLAN = Plan(0.1, 0.5, 100, budget=50, overlap=2, reviewers_group="reviewers")
"""The first two answers of a kind are always looked at."""


@pytest.fixture
def scene(database) -> Scene:
    scene = Scene(database)
    scene.embedder = FakeEmbedder()
    return scene


@pytest.fixture
def sampler(database) -> Sampler:
    return Sampler(database, PLAN)


def samples_of(scene: Scene) -> dict[str, SampleRow]:
    with scene.database.reading() as session:
        return {row.answer_id: row for row in session.scalars(select(SampleRow))}


def audits_of(scene: Scene) -> dict[str, AuditRow]:
    with scene.database.reading() as session:
        return {row.answer_id: row for row in session.scalars(select(AuditRow))}


def not_chosen(scene: Scene, sampler: Sampler) -> tuple[str, str]:
    """A question and its answer, for which the draw said no."""
    question = scene.answered()
    sampler.sample()
    with scene.database.writing() as session:
        for audit in session.scalars(select(AuditRow)):
            session.delete(audit)
        for sample in session.scalars(select(SampleRow)):
            sample.chosen, sample.probability = False, 0.1
    return question, scene.view(question).answer_id


def document(scene: Scene, key: str, *groups: str) -> str:
    with scene.database.writing() as session:
        row = DocumentRow(
            source_id=documents.register_source(session, "default", "handbook", ["everyone"]),
            key=key,
            tenant="default",
            title=key,
            reader_set_id=documents.reader_set(session, "default", groups),
        )
        session.add(row)
        session.flush()
        return row.id


# --- each answer once


def test_every_finished_answer_is_drawn_for_once(scene, sampler):
    answered = [scene.view(scene.answered()).answer_id for _ in range(4)]
    scene.ask(key="not answered yet")
    assert sampler.sample() == 4
    assert sampler.sample() == 0
    drawn = samples_of(scene)
    assert drawn.keys() == set(answered)
    assert audits_of(scene).keys() == {answer for answer, row in drawn.items() if row.chosen}
    assert all(row.chosen == (row.draw < row.probability) for row in drawn.values())


def test_an_audit_is_opened_with_what_the_settings_say(scene, sampler):
    answer = scene.view(scene.answered()).answer_id
    sampler.sample()
    audit = audits_of(scene)[answer]
    assert (audit.state, audit.priority, audit.overlap, audit.in_house) == ("waiting", "sample", 2, False)


def test_an_answer_waits_a_minute_for_its_masked_text_and_is_judged_in_house_without(scene, sampler):
    question = scene.ask()
    scene.desk(ScriptedPipeline(says("90 days")), FakeRedactor(failure=RuntimeError("no model"))).answer(question)
    assert sampler.sample() == 0
    with scene.database.writing() as session:
        session.scalars(select(AnswerRow)).one().finished_at -= timedelta(seconds=61)
    assert sampler.sample() == 1
    [audit] = audits_of(scene).values()
    assert audit.in_house is True


def test_the_vector_is_of_the_masked_question(scene):
    question = scene.ask("Can Marta Doe work from home?")
    scene.desk(ScriptedPipeline(says("Yes.")), FakeRedactor("Marta Doe")).answer(question)
    with scene.database.reading() as session:
        row = session.get_one(QuestionVectorRow, question)
    expected = scene.embedder.embed([scene.masked()[0]])[0]
    assert row.embedder == "fake-embedder"
    assert np.array_equal(np.frombuffer(row.vector, dtype="<f4"), expected)
    assert "Marta" not in scene.masked()[0]


def test_an_embedder_that_fails_costs_the_vector_alone(scene):
    class Broken(FakeEmbedder):
        def embed(self, texts):
            raise RuntimeError("out of memory")

    scene.embedder = Broken()
    question = scene.answered()
    assert scene.masked()[1] == "90 days [1]"
    with scene.database.reading() as session:
        assert session.get(QuestionVectorRow, question) is None


# --- kinds of answers


def test_the_topic_is_the_first_folder_of_the_best_source(scene, sampler):
    hr, it, bare = (document(scene, key, "everyone") for key in ("hr/leave/annual.md", "it/vpn.md", "readme.md"))
    cited = [source(hr, 1, cited=False), source(it, 2), source(hr, 3)]
    topics = {
        scene.view(scene.answered(sources=sources)).answer_id: topic
        for sources, topic in (
            (cited, "it"),
            ([source(hr, 1, cited=False)], "hr"),
            ([source(bare)], "general"),
            ([], "general"),
            ([source("gone")], "general"),
        )
    }
    sampler.sample()
    assert {answer: row.topic for answer, row in samples_of(scene).items()} == topics
    assert {row.stratum for row in samples_of(scene).values()} == {
        "web/it/sure",
        "web/hr/sure",
        "web/general/sure",
    }


@pytest.mark.parametrize(
    ("groups", "in_house"),
    [(("everyone",), False), (("public",), False), (("hr", "reviewers"), False), (("hr",), True), ((), True)],
)
def test_what_reviewers_may_not_read_stays_in_house(scene, sampler, groups, in_house):
    """One source of several is enough, cited or not."""
    sources: list[CitedSource] = [source(document(scene, "hr/open.md", "everyone"))]
    sources.append(source(document(scene, "hr/other.md", *groups), 2, cited=False))
    scene.answered(sources=sources)
    sampler.sample()
    [audit] = audits_of(scene).values()
    assert audit.in_house is in_house


# --- flags


def test_what_is_flagged_before_the_draw_is_looked_at(scene, sampler):
    for _ in range(3):
        scene.answered()
    sampler.sample()
    unsafe = replace(a_draft(), decision=Decision(Action.REFUSED, "unsafe: legal"))
    question = scene.ask("Can I sue?", "k9")
    scene.desk(ScriptedPipeline(lambda asked, show: unsafe)).answer(question)
    thumbed = scene.view(scene.answered()).answer_id
    FeedbackBox(scene.database).give("dana", thumbed, Thumb.DOWN, None, "95 days")
    sampler.sample()
    drawn, audits = samples_of(scene), audits_of(scene)
    refused = scene.view(question).answer_id
    assert (drawn[refused].flags, drawn[refused].probability) == ([Flag.UNSAFE], 1.0)
    assert audits[refused].priority == Priority.URGENT
    assert drawn[thumbed].flags == [Flag.THUMB_DOWN, Flag.SUGGESTION]
    assert audits[thumbed].priority == Priority.FLAGGED


def test_a_thumb_down_that_comes_later_is_looked_at_and_no_thumb_up_is(scene, sampler):
    _, answer = not_chosen(scene, sampler)
    box = FeedbackBox(scene.database)
    box.give("dana", answer, Thumb.UP)
    sampler.sample()
    assert audits_of(scene) == {}
    box.give("dana", answer, Thumb.DOWN)
    for _ in range(2):
        sampler.sample()
    row = samples_of(scene)[answer]
    assert (row.flags, row.probability, row.chosen) == ([Flag.THUMB_DOWN], 1.0, True)
    assert [audit.priority for audit in audits_of(scene).values()] == [Priority.FLAGGED]


def test_a_call_for_a_person_makes_an_open_audit_urgent(scene, sampler):
    question = scene.answered()
    answer = scene.view(question).answer_id
    sampler.sample()
    assert audits_of(scene)[answer].priority == Priority.SAMPLE
    scene.actions(Call({}, ("finn",))).ask_human(answer, "dana", None)
    sampler.sample()
    assert audits_of(scene)[answer].priority == Priority.URGENT
    assert samples_of(scene)[answer].flags == [Flag.HUMAN]


def test_a_flag_that_was_taken_back_still_counts(scene, sampler):
    """It was seen, whatever the draw said; and so the estimate stays right."""
    _, answer = not_chosen(scene, sampler)
    box = FeedbackBox(scene.database)
    box.give("dana", answer, Thumb.DOWN)
    sampler.sample()
    box.give("dana", answer, Thumb.UP)
    sampler.sample()
    assert samples_of(scene)[answer].probability == 1.0


def test_what_is_said_of_a_corrected_text_flags_nothing(scene, sampler):
    _, answer = not_chosen(scene, sampler)
    with scene.database.writing() as session:
        fields = {"tenant": "default", "question": "q", "text": "t", "suggested_by": "eve", "suggested_via": "page"}
        session.add(CorrectionRow(id="c1", answer_id=answer, **fields))
        session.get_one(AnswerRow, answer).correction_id = "c1"
    FeedbackBox(scene.database).give("dana", answer, Thumb.DOWN)
    sampler.sample()
    assert samples_of(scene)[answer].probability == 0.1


def test_a_judged_audit_is_not_opened_again(scene, sampler):
    answer = scene.view(scene.answered()).answer_id
    sampler.sample()
    with scene.database.writing() as session:
        session.scalars(select(AuditRow)).one().state = AuditState.JUDGED
    FeedbackBox(scene.database).give("dana", answer, Thumb.DOWN)
    sampler.sample()
    [audit] = audits_of(scene).values()
    assert (audit.state, audit.priority) == (AuditState.JUDGED, Priority.SAMPLE)
    assert samples_of(scene)[answer].flags == [Flag.THUMB_DOWN]


# --- taken back


def test_what_was_taken_back_is_not_looked_at(scene, sampler):
    before, after = scene.answered(), scene.answered()
    scene.actions().retract(scene.view(before).answer_id, "dana")
    sampler.sample()
    answer = scene.view(after).answer_id
    assert samples_of(scene).keys() == {answer}
    scene.actions().retract(answer, "dana")
    sampler.sample()
    assert audits_of(scene)[answer].state == AuditState.CLOSED


def test_a_thumb_of_somebody_else_does_not_open_what_was_taken_back(scene, sampler):
    _, answer = not_chosen(scene, sampler)
    with scene.database.writing() as session:
        session.add(FeedbackRow(answer_id=answer, person="eve", thumb="down"))
    scene.actions().retract(answer, "dana")
    sampler.sample()
    assert audits_of(scene) == {}


# --- crashes, and two at once


class Stumbling(Sampler):
    """Dies at the second audit."""

    opened = 0

    def _open(self, session, answer_id, priority) -> None:
        self.opened += 1
        if self.opened == 2:
            raise KeyboardInterrupt
        super()._open(session, answer_id, priority)


def passes(scene: Scene, by: timedelta) -> None:
    """The leases of whoever died run out."""
    with scene.database.writing() as session:
        for row in session.scalars(select(BookmarkRow)):
            row.lease_until = row.lease_until and row.lease_until - by


def test_a_crash_in_the_middle_loses_and_doubles_nothing(scene, database):
    answers = {scene.view(scene.answered()).answer_id for _ in range(3)}
    with pytest.raises(KeyboardInterrupt):
        Stumbling(database, PLAN).sample()
    assert samples_of(scene) == audits_of(scene) == {}
    sampler = Sampler(database, PLAN)
    assert sampler.sample() == 0, "whoever died may still be at it"
    passes(scene, LEASE)
    assert sampler.sample() == 3
    drawn = samples_of(scene)
    assert drawn.keys() == answers
    assert audits_of(scene).keys() == {answer for answer, row in drawn.items() if row.chosen}


def test_whoever_lost_the_right_writes_nothing(scene, database):
    class Slow(Sampler):
        def _flag_late(self, since) -> None:
            passes(scene, LEASE)
            Sampler(database, PLAN).sample()

    scene.answered()
    Slow(database, PLAN).sample()
    assert len(samples_of(scene)) == 1


def test_one_run_at_a_time(scene, database, sampler):
    scene.answered()
    with database.writing() as session:
        leases.take(session, "audit.sample", LEASE)
    assert sampler.sample() == 0


def test_the_seed_is_made_once_and_the_one_of_the_settings_wins(scene, database, sampler):
    first = scene.view(scene.answered()).answer_id
    sampler.sample()
    with database.reading() as session:
        kept = session.get_one(BookmarkRow, "audit.sample").details["seed"]
    for seed in ("", "ours"):
        with database.writing() as session:
            session.delete(session.scalars(select(AuditRow)).one())
            session.delete(session.get_one(SampleRow, first))
        Sampler(database, replace(PLAN, seed=seed)).sample()
        assert samples_of(scene)[first].draw == draw(seed or kept, first)


# --- what was drawn before


def test_the_rest_of_the_day_is_guessed_from_the_days_before(scene, database, sampler):
    """Of the last seven days from this hour on: the median of 0, 0, 0, 2, 2, 2, 2; flagged ones apart."""
    scene.answered()
    sampler.sample()
    noon = now().replace(hour=12, minute=0, second=0, microsecond=0)
    times = [noon - timedelta(days=day) + timedelta(hours=hour) for day in (1, 3, 4, 6) for hour in (-1, 1, 2)]
    with database.writing() as session:
        [sample] = session.scalars(select(SampleRow))
        fields = {column.key: getattr(sample, column.key) for column in SampleRow.__table__.columns}
        conversation = session.scalars(select(QuestionRow)).one().conversation_id
        sample.created_at = noon - timedelta(days=30)
        for number, at in enumerate([*times, noon - timedelta(days=1, hours=-3)]):
            session.add(QuestionRow(
                id=f"q{number}", conversation_id=conversation, channel="web", tenant="t", asker="d", text="x"
            ))  # fmt: skip
            session.flush()
            session.add(AnswerRow(id=f"a{number}", question_id=f"q{number}"))
            session.flush()
            flagged = number == len(times)
            session.add(SampleRow(**fields | {
                "answer_id": f"a{number}", "created_at": at, "wanted": 1.0, "probability": 1.0 if flagged else 0.5
            }))  # fmt: skip
    with database.reading() as session:
        past = sample_history.past(session, noon)
    assert (past.wanted_ahead, past.flagged_ahead) == (2.0, 0.0)
    assert past.answers == {"web/general/sure": 13}


def test_what_was_looked_at_is_what_the_estimate_takes(scene, database, sampler):
    answers = [scene.view(scene.answered()).answer_id for _ in range(3)]
    sampler.sample()
    with database.writing() as session:
        for answer, chosen, verdict in zip(answers, (True, True, False), ("correct", None, None), strict=True):
            sample = session.get_one(SampleRow, answer)
            sample.chosen, sample.probability = chosen, 0.5
            audit = session.scalar(select(AuditRow).where(AuditRow.answer_id == answer))
            if audit is None and chosen:
                session.add(AuditRow(answer_id=answer, priority="sample", verdict=verdict))
            elif audit is not None:
                audit.verdict = Verdict(verdict) if verdict else None
            if audit is not None and not chosen:
                session.delete(audit)
    day = timedelta(days=1)
    with database.reading() as session:
        chosen, all_of_them = samples.looked_at(session, "default", now() - day, now() + day)
        assert samples.looked_at(session, "another", now() - day, now() + day) == ([], {})
    assert sorted(chosen, key=lambda each: each.value is None) == [
        LookedAt(0.5, "sample", 1.0),
        LookedAt(0.5, "sample", None),
    ]
    assert all_of_them == {"sample": 3}

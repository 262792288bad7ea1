"""What a person finds on the App Home: their last questions, and the answers that nobody else was shown."""

import json
from typing import Any

import pytest

from answerloop.db.tables import DocumentRow, ReaderSetRow, SourceRow, now
from answerloop.domain import CitedSource, Passage
from answerloop.home import Home
from answerloop.slack.address import Mode, SlackAddress
from answerloop.slack.rendered import Rendered, problems
from answerloop.testing.fake_chat import FakeChat
from bot.slack import views
from tests.unit.workers.answering.desk_kit import Scene


def a_scene(database, mode: Mode) -> Scene:
    scene = Scene(database, FakeChat("slack"), SlackAddress("T01", "C01", "U01DANA", mode).as_json())
    with database.writing() as session:
        source = SourceRow(id="s1", tenant="default", location="/docs", allow=["hr"])
        readers = ReaderSetRow(id=1, tenant="default", key="k", groups=["hr"])
        session.add_all([source, readers, DocumentRow(
            id="d1", source_id="s1", key="leave", tenant="default", title="Leave", reader_set=readers
        )])  # fmt: skip
    return scene


@pytest.fixture
def private(database) -> Scene:
    return a_scene(database, Mode.EPHEMERAL)


LEAVE = CitedSource(1, Passage("d1", "c1", "Leave", (), "", 0, 0, None, None, 0.9, 1.0, 0.9), cited=True)


def the_home(scene: Scene) -> dict[str, Any]:
    facts = Home(scene.database, scene.directory, "default").facts("slack", scene.asker)
    return views.home(facts, now(), admin=False)


def written(scene: Scene) -> str:
    return json.dumps(the_home(scene), ensure_ascii=False)


def test_a_private_answer_that_got_lost_is_read_there(private):
    private.answered("**90 days**\n*each* year [1]", sources=[LEAVE])
    [asked] = [block["text"]["text"] for block in the_home(private)["blocks"] if "How many" in str(block)]
    assert asked.splitlines()[1:] == ["> *90 days*", "> ∗each∗ year [1]"]


def test_an_answer_that_others_read_too_is_looked_up_where_it_stands(database):
    scene = a_scene(database, Mode.THREAD)
    scene.answered("90 days [1]")
    assert "How many days?" in written(scene)
    assert "90 days" not in written(scene)


def test_an_answer_on_a_document_that_was_closed_is_not_shown_again(private):
    private.answered("90 days [1]", sources=[LEAVE])
    private.directory.groups["dana"] = frozenset({"everyone"})
    assert "How many days?" in written(private)
    assert "90 days" not in written(private)


def test_an_answer_that_was_taken_back_is_not_there(private):
    question = private.answered("90 days [1]")
    private.actions().retract(private.view(question).answer_id, "dana")
    assert "How many days?" not in written(private)


def test_what_waits_has_no_answer_yet(private):
    private.ask()
    assert "waiting" in written(private)


def test_long_questions_and_answers_break_no_limit_of_slacks(private):
    for _ in range(5):
        private.answered("&<" * 5000)
    blocks = [block for block in the_home(private)["blocks"] if block["type"] != "divider"]
    assert len(blocks) == 9
    assert problems(Rendered("home", blocks)) == []

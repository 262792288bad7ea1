from dataclasses import replace

import pytest

from answerloop.teams.activity import message
from answerloop.teams.address import Kind, TeamsAddress, parts, person_id, room_id
from answerloop.teams.card import actions, card, execute, is_web_address, line, paragraphs, problems, run, toggle, words
from answerloop.testing.adaptive_card import flaws


@pytest.mark.parametrize(
    ("url", "is_one"),
    [
        ("https://docs.example/page?a=1&b=2#x", True),
        ("http://intranet/page", True),
        ("https://docs.example/" + "x" * 979, True),
        ("https://docs.example/" + "x" * 980, False),
        ("javascript:alert(1)", False),
        ("https:docs.example", False),
        ("https://", False),
        ("https://[", False),
        ("https://docs.example/a b", False),
        ("https://docs.example\\@evil.example/", False),
        (" https://docs.example/", False),
        ("https://docs.example/\n", False),
        ("https://docs.example/\u202efdp.exe", False),
        ("https://docs.example/\ud83d", False),
    ],
)
def test_links_are_addresses_of_the_web(url, is_one):
    assert is_web_address(url) is is_one
    assert ("selectAction" in run("x", url=url)) is is_one


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain *text* <at>x</at>", "plain *text* <at>x</at>"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("a\u200bb\ufeff\x00\x1b[31m", "ab[31m"),
        ("\ud83d half", " half"),
        ("", "…"),
        ("\u200b \u2060", "…"),
    ],
)
def test_a_run_shows_what_can_be_seen_and_never_nothing(text, shown):
    assert run(text)["text"] == shown


def test_a_paragraph_for_each_line_until_there_are_many():
    assert [each["inlines"][0]["text"] for each in paragraphs("a\n\n  b\r\n\u2028c")] == ["a", "b", "c"]
    many = paragraphs("\n".join(f"line {number}" for number in range(100)))
    assert len(many) == 60
    assert many[-1]["inlines"][0]["text"].startswith("line 59 line 60")
    assert [each["inlines"][0]["text"] for each in paragraphs(" \n")] == ["…"]


def test_limits_are_told():
    assert problems(message(card(line(run("x" * 50_000))), "x"))[0].endswith("bytes")
    assert problems(message(card(words(""), actions()), "x")) == ["a block without text", "a row without buttons"]


@pytest.mark.parametrize(
    ("element", "flaw"),
    [
        ({"type": "Image", "url": "x"}, "Image is no element"),
        ({"type": "TextBlock"}, "TextBlock without text"),
        ({"type": "TextBlock", "text": "x", "onclick": "y"}, "TextBlock has no onclick"),
        ({"type": "TextBlock", "text": "x", "weight": "bolder"}, "TextBlock.weight cannot be 'bolder'"),
        ({"type": "TextBlock", "text": "x", "wrap": 1}, "TextBlock.wrap is no bool"),
        ({"type": "RichTextBlock", "inlines": []}, "RichTextBlock.inlines is empty"),
        ({"type": "RichTextBlock", "inlines": [words("x")]}, "TextBlock is no run"),
        ({"type": "Container", "items": line(run("x"))}, "Container.items is no list"),
        (actions(execute("", "up", {})), "Action.Execute.title is empty"),
        (actions(toggle("x", "nowhere")), "nothing is called nowhere"),
        ({"type": "Input.Text", "label": "x"}, "Input.Text without id"),
    ],
)
def test_the_schema_is_told(element, flaw):
    assert flaws(message(card(element), "x")) == [flaw]


def test_names_are_given_once():
    twice = {"type": "Input.Text", "id": "better"}
    assert flaws(message(card(twice, twice), "x")) == ["two are called better"]


ASKED = TeamsAddress("t1", "https://smba.trafficmanager.net/", "28:bot", "19:c@thread.tacv2;messageid=7", Kind.CHANNEL,
                     "dana", "29:dana", "8", language="de")  # fmt: skip


def test_an_address_comes_back_from_the_database_as_it_was():
    assert TeamsAddress.parse(ASKED.as_json()) == ASKED


def test_all_threads_of_a_channel_are_one_room():
    assert ASKED.room == room_id("t1", "19:c@thread.tacv2") == "teams:t1:19:c@thread.tacv2"
    assert ASKED.room_key == "t1:19:c@thread.tacv2"
    assert parts(ASKED.room) == ("t1", "19:c@thread.tacv2")


def test_what_is_private_is_read_in_no_room():
    assert replace(ASKED, private=True).room is None
    assert ASKED.personal().room is None
    assert ASKED.personal().conversation == ""
    assert replace(ASKED, kind=Kind.GROUP).room == ASKED.room
    here = replace(ASKED, kind=Kind.PERSONAL, conversation="a:1")
    assert here.personal() is here


def test_people_are_named_by_tenant_and_user():
    assert ASKED.person == person_id("t1", "dana") == "teams:t1:dana"
    for other in ("slack:T01:U1", "dana", "teams:t1"):
        with pytest.raises(ValueError, match=r"teams|unpack"):
            parts(other)

"""Pieces fit, cover the text and know where they stand; sentences can be quoted alone."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.indexing.chunk import TINY_WORDS, Piece, embedding_text, sentences, split


def count(text: str) -> int:
    """Words and marks, and two special tokens, as a word-piece model would count short words."""
    return len(re.findall(r"\w+|[^\w\s]", text)) + 2


def pieces_of(text: str, max_tokens: int = 64, title: str = "Handbook") -> list[Piece]:
    return split(text, title, count, max_tokens)


def prose(words: int) -> str:
    return " ".join("word" if number % 10 else "Next." for number in range(1, words + 1))


MARKDOWN = st.lists(
    st.sampled_from(
        ["# One", "## Two", "### Three", "```", "# in code?", "- item one", "- item two", "| a | b |", "|---|---|",
         "| 1 | 2 |", "", "", "> quote", "---", "Some plain words here.", "Ünïcode “text” 漢字.", prose(90)]
    )
    | st.text(max_size=40),
    max_size=25,
).map("\n".join)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(MARKDOWN)
def test_pieces_are_slices_in_order_that_cover_every_word_and_fit(text: str) -> None:
    end = 0
    for piece in pieces_of(text):
        assert piece.text == text[piece.start : piece.end]
        assert piece.text.strip()
        assert not text[end : piece.start].strip()
        assert count(embedding_text("Handbook", piece.headings, piece.text)) <= 64
        end = piece.end
    assert not text[end:].strip()


@settings(max_examples=100, deadline=None)
@given(MARKDOWN)
def test_sentences_are_single_lines_that_say_something(text: str) -> None:
    for sentence in sentences(text):
        assert "\n" not in sentence
        assert len(sentence.split()) >= 3 or any(character.isdigit() for character in sentence)


def test_pieces_start_at_headings_and_know_their_path() -> None:
    text = f"# Leave\n\n{prose(50)}\n\n## Booking\n\n{prose(50)}\n\n### Late\n\n{prose(50)}\n\n## Other\n\n{prose(50)}"
    assert [piece.headings for piece in pieces_of(text)] == [
        ("Leave",),
        ("Leave", "Booking"),
        ("Leave", "Booking", "Late"),
        ("Leave", "Other"),
    ]


def test_a_piece_in_the_middle_of_a_section_keeps_its_path() -> None:
    text = f"# Leave\n\n## Booking\n\n{prose(45)}\n\n{prose(45)}"
    first, second = pieces_of(text)
    assert first.headings == second.headings == ("Leave", "Booking")


def test_headings_in_code_are_no_headings_and_underlined_ones_are() -> None:
    text = f"Leave\n=====\n\n```\n# not this\n```\n\n{prose(40)}\n\n{prose(40)}"
    assert {piece.headings for piece in pieces_of(text)} == {("Leave",)}


def test_the_embedded_text_says_once_where_it_stands() -> None:
    assert embedding_text("Leave", ("Leave", "Booking"), "# Leave\n\n## Booking\n\nAsk.") == "Leave > Booking\nAsk."
    assert embedding_text("Leave", (), "Ask.") == "Leave\nAsk."
    long = embedding_text("Leave", ("Outer " * 40, "Inner"), "Ask.")
    assert long == "Leave > Inner\nAsk."


def test_tiny_leftovers_join_their_neighbour() -> None:
    text = f"{prose(40)}\n\nA few words more."
    assert len(pieces_of(text)) == 1
    for piece in pieces_of(f"# A\n\n{prose(100)}\n\n# B\n\nTiny.\n\n# C\n\n{prose(30)}"):
        assert len(piece.text.split()) >= TINY_WORDS


def test_text_without_spaces_is_cut_to_fit() -> None:
    for piece in split("漢字" * 500, "T", lambda text: len(text) + 2, 64):
        assert len(embedding_text("T", (), piece.text)) + 2 <= 64


def test_a_table_in_several_pieces_keeps_its_header_for_quoting() -> None:
    rows = "\n".join(f"| City {number} | EUR {number} |" for number in range(40))
    pieces = pieces_of(f"# Hotels\n\n| City | Limit |\n|---|---|\n{rows}\n\nNo table any more, only a few more words.")
    assert len(pieces) > 2
    assert pieces[0].table_header == ""
    assert {piece.table_header for piece in pieces[1:]} <= {"| City | Limit |\n|---|---|", ""}
    quotes = [quote for piece in pieces for quote in sentences(piece.text, piece.table_header)]
    assert quotes[:40] == [f"City: City {number}; Limit: EUR {number}" for number in range(40)]


def test_a_long_document_is_split_in_time_that_grows_with_its_length() -> None:
    text = f"## Part\n\n{prose(150)}\n\n" * 1000
    began = time.perf_counter()
    assert len(pieces_of(text, 256)) >= 500
    assert time.perf_counter() - began < 10


# --- sentences


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("Mr. Smith pays EUR 5.50 today. See you there, e.g. at\nnoon.",
         ["Mr. Smith pays EUR 5.50 today.", "See you there, e.g. at noon."]),
        ("# Leave\n\nYou get **27 days** of [leave](https://x.example \"t\"), `code` and ![pic](p.png) more.",
         ["You get 27 days of leave, code and more."]),
        ("Please note this. Employees must:\n\n- wear a badge\n- lock the *door*",
         ["Please note this.", "Employees must: wear a badge", "Employees must: lock the door"]),
        ("- one thing here\n- in case of fire:\n  1. leave the house\n  2. call for help",
         ["one thing here", "in case of fire: leave the house", "in case of fire: call for help"]),
        ("The limits are these:\n\n| City | Limit | Note |\n|---|---|---|\n| Paris | EUR 200 |  |",
         ["The limits are these:", "City: Paris; Limit: EUR 200"]),
        ("|  |  |\n|---|---|\n| Moving house | 1 day |", ["Moving house: 1 day"]),
        ("| Lot | *Fee* |\n|---|---|\n| A | [free of charge](x) |", ["Lot: A; Fee: free of charge"]),
        ("Too short.\n\nAt 9:00.\n\n```\nrun the thing --now\n```", ["At 9:00.", "run the thing --now"]),
        ("<div>Some <b>raw</b> markup here</div><script>alert('never shown')</script>", ["Some raw markup here"]),
        ("> A quoted rule applies.", ["A quoted rule applies."]),
    ],
)  # fmt: skip
def test_sentences_make_sense_alone(text: str, units: list[str]) -> None:
    assert list(sentences(text)) == units


def test_sentences_of_too_many_words_are_divided_at_clauses() -> None:
    clause = "the traveller keeps the receipt and hands it in with the claim before the month is over"
    units = sentences("; ".join([clause] * 6) + ".")
    assert len(units) > 1
    assert all(len(unit.split()) <= 60 for unit in units)
    assert " ".join(units) == "; ".join([clause] * 6) + "."

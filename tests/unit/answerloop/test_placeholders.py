import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerloop.domain import Finding, PersonalDataType
from answerloop.placeholders import Masked, Placeholders, replace

ANNA = Placeholders({"<PERSON_1>": "Anna Lindqvist"})
TWO = Placeholders({"<PERSON_1>": "Anna Lindqvist", "<PERSON_2>": "Olaf Lindqvist"})


def mask(text: str, *values: str, known: Placeholders | None = None, type_: str = "PERSON") -> Masked:
    found = [
        Finding(PersonalDataType(type_), *match.span())
        for value in values
        for match in re.finditer(re.escape(value), text)
    ]
    return replace(text, found, known or Placeholders())


def test_values_are_numbered_as_they_come():
    masked = mask("Ann met Bob and Ann.", "Ann", "Bob")
    assert masked.text == "<PERSON_1> met <PERSON_2> and <PERSON_1>."
    assert masked.placeholders.values == {"<PERSON_1>": "Ann", "<PERSON_2>": "Bob"}


@pytest.mark.parametrize("other", ["ANNA LINDQVIST", "anna  lindqvist", "Anna\nLindqvist", "Lindqvist", "Anna"])
def test_another_spelling_or_part_of_a_known_name_is_the_same_person(other):
    assert mask(f"Is {other} in?", other, known=ANNA).text == "Is <PERSON_1> in?"


def test_a_surname_that_two_people_have_is_a_third_placeholder():
    assert mask("Is Lindqvist in?", "Lindqvist", known=TWO).text == "Is <PERSON_3> in?"


def test_a_full_name_is_not_the_person_of_whom_only_the_surname_is_known():
    known = Placeholders({"<PERSON_1>": "Lindqvist"})
    assert mask("Anna Lindqvist", "Anna Lindqvist", known=known).text == "<PERSON_2>"


def test_a_number_is_the_same_however_it_is_grouped():
    masked = mask("0494 92 82 32 or 0494-928232", "0494 92 82 32", "0494-928232", type_="PHONE_NUMBER")
    assert masked.text == "<PHONE_NUMBER_1> or <PHONE_NUMBER_1>"


def test_addresses_that_differ_in_a_dot_are_two():
    masked = mask("a.b@c.example ab@c.example", "a.b@c.example", "ab@c.example", type_="EMAIL_ADDRESS")
    assert masked.text == "<EMAIL_ADDRESS_1> <EMAIL_ADDRESS_2>"


def test_masking_does_not_change_what_was_known():
    before = dict(ANNA.values)
    mask("Bob", "Bob", known=ANNA)
    assert ANNA.values == before


def test_restoring_is_one_pass_over_the_text():
    known = Placeholders({"<PERSON_1>": "<PERSON_2>", "<PERSON_2>": "Bob"})
    assert known.restore("<PERSON_1> <PERSON_3>") == "<PERSON_2> <PERSON_3>"


@given(st.lists(st.sampled_from(["Ann ", "Bob ", "<PERSON_1> ", "<PERSON_2>", "<QUOTED_1>", "leave, "]), max_size=12))
def test_whatever_was_written_comes_back(pieces):
    text = "".join(pieces)
    masked = mask(text, "Ann", "Bob")
    assert "Ann" not in masked.text
    assert masked.placeholders.restore(masked.text) == text


def test_only_what_a_document_shows_as_a_word_is_published():
    known = Placeholders({"<PERSON_1>": "Ann", "<PERSON_2>": "Bob Stone"})
    text = "<PERSON_1> or <PERSON_2>"
    assert known.restore_published(text, ["Annual leave", "BOB\nSTONE, People"]) == "<PERSON_1> or Bob Stone"
    assert known.restore_published(text, []) == text

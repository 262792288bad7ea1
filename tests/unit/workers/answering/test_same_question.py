"""Which questions are the same in other words."""

import pytest

from workers.answering.same_question import difference, parsed


def between(one, other):
    assert difference(parsed(one), parsed(other)) == difference(parsed(one), parsed(other))
    assert bool(difference(parsed(one), parsed(other))) == bool(difference(parsed(other), parsed(one)))
    return difference(parsed(one), parsed(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How many days of parental leave do I get?", "number of parental leave days I get"),
        ("How much parental leave am I entitled to in days?", "How many days of parental leave do I get?"),
        ("I have been here for 11 years.", "I have been here for eleven years"),
        ("How many offers for an order of 25,000 euros?", "how many offers for an order of EUR 25 000"),
        ("What does error VPN-4471 mean?", "what does the vpn 4471 error mean"),
        ("When is the fire alarm tested in Leeds?", "when do they test the fire alarm in leeds"),
        ("What present do I get?", "Which gift do I get?"),
        ("Can I paste it into Magpie on 1 July?", "May I paste this into Magpie on July 1st?"),
        ("Who is the compliance officer?", "What is the name of our compliance officer?"),
        ("canteen price hot meal", "What's the price of a hot meal in the canteen?"),
    ],
)
def test_other_words_for_the_same_question_do_not_matter(one, other):
    assert between(one, other) == ""


@pytest.mark.parametrize(
    ("one", "other", "because"),
    [
        ("Is 400 mg too much?", "Is 800 mg too much?", "number"),
        ("What is error VPN-4471?", "What is error VPN-4417?", "number"),
        ("What do I get after 10 years?", "What do I get after 10 months?", "number"),
        ("Form for a trip on 1 July?", "Form for a trip on 2 July?", "number"),
        ("Can I bring my dog?", "Can't I bring my dog?", "negation"),
        ("Who is in charge?", "Who is not in charge?", "negation"),
        ("What does parking cost in Leeds?", "what does parking cost in porto", "words leed, porto"),
        ("How long is the visa valid for Brazil?", "How long is the visa valid?", "words brazil"),
        ("How often may employees travel?", "How often may contractors travel?", "words contractor, employe"),
        ("Flights below five hours?", "Flights above five hours?", "limit"),
        ("Up to what flight time can I fly?", "From what flight time can I fly?", "limit"),
        (
            "How long can I delay the restart after an update?",
            "How long can I delay the update after a restart?",
            "limit",
        ),
        ("Do I need a paper to go to Germany?", "Do I need a paper to come from Germany?", "words come"),
        ("Is there a train from Ghent to Leeds?", "Is there a train from Leeds to Ghent?", "direction"),
        ("When is my account switched on?", "When is my account switched off?", "direction"),
        ("How do I challenge my rating?", "How long do I have to challenge my rating?", "asks for manner and duration"),
        ("Where is the alarm tested?", "When is the alarm tested?", "asks for where and when"),
    ],
)
def test_another_question_is_told_apart_however_near_it_is(one, other, because):
    assert between(one, other) == because


def test_questions_without_a_word_that_says_something_are_never_the_same():
    assert between("What is it?", "What is it?") == "says nothing"

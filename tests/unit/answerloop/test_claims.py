"""Hand-made pairs of a source and a sentence: what must be found to contradict it, and what must not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerloop.claims import carriers, mismatches, source_sentences

CARRIED = [
    ("Employees may carry over up to 5 days of annual leave.", "You may carry over up to five days of leave."),
    ("Employees may carry over 5 days of leave until 31 March.", "You can carry over at most 5 days."),
    ("The new policy applies from 1 July 2026.", "The new policy applies from 2026-07-01."),
    ("The new policy applies from 1 July 2026.", "It applies from July 1st, 2026."),
    ("The daily allowance is EUR 1,500.", "The daily allowance is 1500 EUR."),
    ("The allowance is €40 per day.", "The allowance is 40 euros a day."),
    ("Parental leave is twenty-five days.", "Parental leave is 25 days."),
    ("The fund holds two million dollars.", "The fund holds $2,000,000."),
    ("You get 80 percent of your salary.", "You get 80% of your salary."),
    ("Smoking is prohibited in the building.", "Smoking is not allowed in the building."),
    ("Smoking is not permitted indoors.", "Smoking is forbidden indoors."),
    ("You cannot share your password.", "You can't share your password."),
    ("You may not travel without approval.", "Travel needs approval."),
    ("You may not install software unless IT approves it.", "You may install software if IT approves it."),
    ("Expenses must not exceed 50 EUR.", "Expenses must be at most 50 EUR."),
    ("Submit the form no later than 15 March.", "Submit the form before 15 March."),
    ("You need no less than 3 quotes.", "You need at least three quotes."),
    ("Receipts are needed for 25 EUR or more.", "Receipts are needed for at least 25 EUR."),
    ("The help desk opens at 10am.", "The help desk opens at 10 a.m."),
    ("The help desk opens at 10:00.", "The help desk opens at 10:00 every day."),
    ("Ask the Food and Drug Administration.", "Ask the FDA."),
    ("Paid time off is 20 days.", "You get 20 days of PTO."),
    ("Contact Maria's team in Berlin.", "The team is in Berlin and led by Maria."),
    ("Connect the VPN with AnyConnect before you open the intranet.", "Before you open the intranet, connect the VPN."),
    ("One of the directors signs. Contracts run for 2 years.", "One director signs and contracts run 2 years."),
    ("Yes. Overtime is paid.", "Yes, overtime is paid."),
    ("Laptops are replaced every 4 years. Phones are replaced every 2 years.", "Phones are replaced every 2 years."),
    ("You don't need a receipt under 10 EUR.", "No receipt is needed under 10 EUR."),
    ("A desk may be booked 14 days ahead. Bookings end at 6 pm.", "Book a desk 14 days ahead; bookings end at 6pm."),
]
CONTRADICTED = [
    ("Parental leave is 25 days.", "Parental leave is 30 days.", "number 30"),
    ("Parental leave is twenty-five days.", "Parental leave is twenty days.", "number 20"),
    ("Grade 5 gets 30 days. Grade 6 gets 25 days.", "Grade 5 gets 25 days.", "number"),
    ("The notice period is 3 months.", "The notice period is 3 weeks.", "unit of number 3"),
    ("The budget is 50 EUR per month.", "The budget is 50 EUR per year.", "unit of number 50"),
    ("The limit is 500 EUR.", "The limit is 500 USD.", "unit of number 500"),
    ("The bonus is 5 percent.", "The bonus is 5 EUR.", None),
    ("The help desk opens at 10am.", "The help desk opens at 10pm.", "unit of number 10"),
    ("Mailboxes hold 50 GB.", "Mailboxes hold 50 MB.", "unit of number 50"),
    ("Expenses under 50 EUR need no receipt.", "Expenses over 50 EUR need no receipt.", "lower limit at number 50"),
    ("You need at least 3 quotes.", "You need at most 3 quotes.", "upper limit at number 3"),
    ("You need no more than 3 quotes.", "You need more than 3 quotes.", "lower limit at number 3"),
    ("Claims of 100 EUR or more need approval.", "Claims below 100 EUR need approval.", "upper limit at number 100"),
    ("Book the trip before 1 June.", "Book the trip after 1 June.", "lower limit at date 1 June"),
    ("Ask your manager before the trip.", "Ask your manager after the trip.", "lower limit at trip"),
    ("The policy applies from 1 July 2026.", "The policy applies from 2 July 2026.", "date 2 July"),
    ("The policy applies from 1 July 2026.", "The policy applies from 1 July 2025.", "number 2025"),
    ("The policy applies from 2026-07-01.", "The policy applies from 7 January 2026.", "date 7 January"),
    ("Unused days may not be carried over.", "Unused days may be carried over.", "negation of carried"),
    ("Unused days may be carried over.", "Unused days may not be carried over.", "negation of carried"),
    ("You must never share your password.", "You must share your password.", "negation of share"),
    ("Smoking is prohibited indoors.", "Smoking is allowed indoors.", "negation of allowed"),
    ("Smoking is permitted on the roof.", "Smoking is forbidden on the roof.", "negation of allowed"),
    ("Contractors can't use the VPN.", "Contractors can use the VPN.", "negation of use"),
    ("You may not travel without approval.", "You may travel without approval.", "negation of travel"),
    ("Staff except interns get a laptop.", "Interns get a laptop.", "negation of interns"),
    ("No employee may accept gifts.", "An employee may accept gifts.", "negation of employee"),
    (
        "Interns may not carry over leave. Managers may carry over leave.",
        "An intern may carry over leave.",
        "negation of carry",
    ),
    ("Ask the office in Berlin.", "Ask the office in Munich.", "name Munich"),
    ("Expenses are approved by Maria Lopez.", "Expenses are approved by Maria Schmidt.", "name Schmidt"),
    ("Use AnyConnect for the VPN.", "For the VPN use OpenVPN.", "name OpenVPN"),
    ("Leave may be taken until March.", "Leave may be taken until April.", "name April"),
]


def found(source: str, sentence: str) -> tuple[str, ...]:
    return mismatches(sentence, carriers(sentence, source_sentences([source])))


@pytest.mark.parametrize(("source", "sentence"), CARRIED)
def test_what_the_source_carries_is_not_accused(source, sentence):
    assert found(source, sentence) == ()


@pytest.mark.parametrize(("source", "sentence", "finding"), CONTRADICTED)
def test_what_contradicts_the_source_is_named(source, sentence, finding):
    assert any((finding or "") in one for one in found(source, sentence)), found(source, sentence)


@pytest.mark.parametrize("source", [source for source, _ in CARRIED] + [source for source, *_ in CONTRADICTED])
def test_a_source_never_contradicts_itself(source):
    assert all(found(source, sentence) == () for sentence in source_sentences([source]))


def test_a_number_of_another_sentence_carries_nothing():
    passage = "Parental leave is 90 days. The cafeteria opens at 8 and seats 30 guests."
    assert found(passage, "Parental leave is 30 days.") == ("number 30",)


def test_a_sentence_may_stand_on_two():
    sources = source_sentences(["Laptops are replaced every four years.", "Broken phones are repaired in Berlin."])
    sentence = "Laptops are replaced every 4 years and broken phones repaired in Berlin."
    assert set(carriers(sentence, sources)) == set(sources)
    assert mismatches(sentence, carriers(sentence, sources)) == ()


def test_without_a_shared_word_there_is_no_carrier():
    assert carriers("Cats purr.", source_sentences(["Parental leave is 90 days."])) == []


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_can_be_judged(sentence, source):
    assert all(isinstance(one, str) for one in found(source, sentence))

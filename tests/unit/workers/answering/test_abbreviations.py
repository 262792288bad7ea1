import pytest

from workers.answering.abbreviations import definitions, expansion

TEXT = "Employees get Paid Time Off (PTO). Contracting Officers of the United States (US) sign."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Everyone gets Paid Time Off (PTO).", [("PTO", "Paid Time Off")]),
        ("Ask the account managers (AMs).", [("AM", "account managers")]),
        ("Statement of Work (SOW)", [("SOW", "Statement of Work")]),
        (
            "the Federal Information Technology Acquisition Reform Act\n(FITARA)",
            [("FITARA", "Federal Information Technology Acquisition Reform Act")],
        ),
        ("Only in one country (USA).", []),
        ("Call us (NOW)", []),
    ],
)
def test_definitions_are_read_from_the_text(text, expected):
    assert list(definitions([text])) == expected


@pytest.mark.parametrize(
    ("question", "also"),
    [
        ("How much pto do I get?", "Paid Time Off"),
        ("How much paid time off do I get?", "PTO"),
        ("Is paid time off (PTO) paid?", ""),
        ("Can you tell us?", ""),
        ("Who signs in the US?", "United States"),
        ("How do I get a laptop?", ""),
    ],
)
def test_a_question_is_searched_in_both_forms(question, also):
    assert expansion(question, [TEXT]) == also

import pytest

from bot.doorstep import Refused, parse_object


def test_an_object_comes_through_as_it_was_written():
    assert parse_object('{"text": "\\ud83d\\udc4d", "value": [1, {"a": null}]}', 3) == {
        "text": "👍",
        "value": [1, {"a": None}],
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "1",
        '{"a": 1',
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"text": "\\ud83d"}',  # half a character, which no database takes
        '{"n": ' + "9" * 5000 + "}",
        '{"a": [[[]]]}',
        '{"a": ' + "[" * 5000 + "]" * 5000 + "}",
        '{"a": [' + ",".join(["[]"] * 50_000) + "]}",
    ],
)
def test_what_is_no_object_that_can_be_stored_is_refused(text):
    with pytest.raises(Refused) as refused:
        parse_object(text, 3)
    assert refused.value.status == 400

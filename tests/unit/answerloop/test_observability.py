"""Every line that is logged has passed the exact recognisers."""

import json
import logging
from collections.abc import Callable

import pytest

from answerloop.domain import PersonalDataType
from answerloop.exact_recognisers import ExactRecognisers
from answerloop.observability import configure_logging

log = logging.getLogger("test")


@pytest.fixture
def logged(capsys):
    """Starts logging in a format, within the test; returns what reads the lines written since."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def start(log_format: str, log_level: str = "INFO") -> Callable[[], str]:
        configure_logging("test", log_format, log_level, ExactRecognisers(PersonalDataType, ("US",)))
        return lambda: capsys.readouterr().err

    yield start
    root.handlers[:], root.level = handlers, level


both_formats = pytest.mark.parametrize("log_format", ["json", "text"])


@both_formats
def test_the_message_and_its_arguments_are_blanked(logged, log_format):
    lines = logged(log_format)
    log.info("asked by %s from %s", "anna@corp.example", "10.1.20.3")
    assert "asked by <EMAIL_ADDRESS> from <IP_ADDRESS>" in lines()


@both_formats
def test_a_line_break_hides_nothing(logged, log_format):
    lines = logged(log_format)
    log.info("number:\n212-555-0187\tanna@corp.example")
    written = lines()
    assert "555" not in written
    assert "anna" not in written


@both_formats
def test_an_exception_is_blanked_with_its_cause(logged, log_format):
    lines = logged(log_format)

    def read(card: str) -> None:
        try:
            {}["anna@corp.example"]
        except KeyError as error:
            raise ValueError(f"card {card}") from error

    try:
        read("4111 1111 1111 1111")
    except ValueError:
        log.exception("failed")
    written = lines()
    assert "Traceback" in written
    assert "<CREDIT_CARD>" in written
    assert "card 4111" not in written
    assert "corp.example" not in written


@both_formats
def test_a_record_that_cannot_be_formatted_is_named_and_not_quoted(logged, log_format):
    lines = logged(log_format)
    log.info("%d questions", "anna@corp.example")
    written = lines()
    assert "a record of test could not be logged" in written
    assert "anna" not in written


@both_formats
def test_other_handlers_get_the_record_as_it_was(logged, log_format, caplog):
    lines = logged(log_format)
    logging.getLogger().addHandler(caplog.handler)
    log.warning("from %s", "anna@corp.example", extra={"mail": "anna@corp.example"})
    assert "anna" not in lines()
    assert caplog.records[-1].getMessage() == "from anna@corp.example"
    assert caplog.records[-1].mail == "anna@corp.example"


def test_extra_fields_are_blanked_at_every_depth_and_numbers_stay(logged):
    lines = logged("json")
    extra = {"seconds": 1763956789.123, "open": 2125550187, "by": {"anna@corp.example": ["10.1.20.3", None, True]}}
    log.info("done", extra=extra)
    line = json.loads(lines())
    assert line["seconds"] == 1763956789.123
    assert line["open"] == 2125550187
    assert line["by"] == {"<EMAIL_ADDRESS>": ["<IP_ADDRESS>", None, True]}


@pytest.mark.parametrize(
    "library",
    ["slack_sdk.web.base_client", "slack_bolt.App", "msal.application", "httpx", "httpcore.http11", "botbuilder.core",
     "botframework.connector", "msrest.pipeline"],
)  # fmt: skip
def test_what_libraries_send_is_not_logged_even_when_everything_is(logged, library):
    lines = logged("json", "DEBUG")
    sender = logging.getLogger(library)
    sender.setLevel(logging.root.level)  # as Bolt does it for each of its own
    sender.debug("Sending a request - body: token=xoxb-1, text=Leave is 90 days")
    sender.warning("no answer")
    log.debug("ours")
    assert [json.loads(line)["message"] for line in lines().splitlines()] == ["no answer", "ours"]
    sender.setLevel(logging.NOTSET)


def test_clients_of_models_never_log_what_they_send(logged):
    lines = logged("json", "DEBUG")
    for name in ("openai._base_client", "httpx2", "httpcore2.http11"):
        logging.getLogger(name).debug("Request options: %s", {"messages": "how long is leave"})
        logging.getLogger(name).info("Request options: %s", {"messages": "how long is leave"})
    assert lines() == ""

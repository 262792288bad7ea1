"""The real redactor passes the suite of its port, without a network."""

from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket, enable_socket

from answerloop.backends.redaction.models import model_of
from answerloop.errors import ConfigurationError
from answerloop.placeholders import Placeholders
from answerloop.ports import Redactor
from answerloop.settings import Settings
from answerloop.testing.port_suites import RedactorSuite


def test_an_unknown_language_is_told_which_there_are():
    with pytest.raises(ConfigurationError, match="use one of en, de"):
        model_of("tlh")


def test_a_missing_model_is_told_how_to_get_it():
    with pytest.raises(ConfigurationError, match="spacy download it_core_news_sm"):
        model_of("it")


@pytest.mark.model
class TestPresidio(RedactorSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def redactor(cls) -> Iterator[Redactor]:
        disable_socket()
        from answerloop.backends.redactor_presidio import PresidioRedactor

        defaults = Settings(_env_file=None)  # type: ignore[call-arg]
        yield PresidioRedactor(defaults.masked_types, defaults.redaction_language, defaults.redaction_regions)
        enable_socket()

    @pytest.mark.parametrize(
        ("text", "masked"),
        [
            ("hi, this is mary smith from finance", "hi, this is <PERSON_1> from finance"),
            ("PLEASE ASK JOHN MILLER ABOUT MY LAPTOP", "PLEASE ASK <PERSON_1> ABOUT MY LAPTOP"),
            (
                "Dear Ms. Okonkwo,\nplease help.\nBest regards,\nToshimi Arata",
                "Dear Ms. <PERSON_1>,\nplease help.\nBest regards,\n<PERSON_2>",
            ),
            ("Employee name: Wacława Adamska\nStart: 1 May", "Employee name: <PERSON_1>\nStart: 1 May"),
            ("Priya Raghunathan left Paris; ask Raghunathan.", "<PERSON_1> left Paris; ask <PERSON_1>."),
            ("Mail https://people.example/anna?id=7 today", "Mail <URL_1> today"),
        ],
    )
    def test_names_of_many_kinds(self, redactor: Redactor, text: str, masked: str) -> None:
        assert redactor.mask(text, Placeholders()).text == masked

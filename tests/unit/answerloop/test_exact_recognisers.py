import subprocess
import sys

import pytest

from answerloop.domain import Finding, PersonalDataType
from answerloop.errors import ConfigurationError
from answerloop.exact_recognisers import ExactRecognisers, without_overlaps

EVERYWHERE = ExactRecognisers(PersonalDataType, ("US", "GB", "IE", "BE", "DE", "ES", "FR", "IT", "PL"))


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        ("mail anna.b+hr@corp.co.uk.", "mail <EMAIL_ADDRESS>."),
        ("see https://People.example/a?b=c, or", "see <URL>, or"),
        ("redis://:secret@localhost:6379/0", "<URL>"),
        ("on www.corp.example/x and corp.de", "on <URL> and <URL>"),
        ("from 10.1.20.3:8080", "from <IP_ADDRESS>:8080"),
        ("from 2001:db8::8a2e:370:7334", "from <IP_ADDRESS>"),
        ("to DE89 3704 0044 0532 0130 00 please", "to <IBAN_CODE> please"),
        ("to gb82west12345698765432.", "to <IBAN_CODE>."),
        ("card 4111 1111 1111 1111.", "card <CREDIT_CARD>."),
        ("card 340376792748116", "card <CREDIT_CARD>"),
        ("SSN 514-69-0360", "SSN <IDENTITY_NUMBER>"),
        ("my ssn is 514690360", "my ssn is <IDENTITY_NUMBER>"),
        ("NI AB 12 34 56 C", "NI <IDENTITY_NUMBER>"),
        ("rijksregister 85.07.30-033 28", "rijksregister <IDENTITY_NUMBER>"),
        ("DNI 54362315K, NIE X-2482300W", "DNI <IDENTITY_NUMBER>, NIE <IDENTITY_NUMBER>"),
        ("NIR 2 95 10 99 126 111 93", "NIR <IDENTITY_NUMBER>"),
        ("PPS 6433435F", "PPS <IDENTITY_NUMBER>"),
        ("CF RCCMNL83S18D969H", "CF <IDENTITY_NUMBER>"),
        ("PESEL 44051401359", "PESEL <IDENTITY_NUMBER>"),
        ("call +32 (0)494 92 82 32 now", "call <PHONE_NUMBER> now"),
        ("(212) 555-0187 ext. 12, or", "<PHONE_NUMBER>, or"),
        ("01.84.17.61.18", "<PHONE_NUMBER>"),
        ("450 0840 or 416 60 039", "<PHONE_NUMBER> or <PHONE_NUMBER>"),
        ("0494928232", "<PHONE_NUMBER>"),
        ("Phone: 92541224", "Phone: <PHONE_NUMBER>"),
        ("2125550187", "<PHONE_NUMBER>"),
    ],
)
def test_what_has_a_form_is_found(text, blanked):
    assert EVERYWHERE.blank(text) == blanked


@pytest.mark.parametrize(
    "text",
    [
        "ISO 27001:2022, version 3.11.4, room 2.03.115",
        "EUR 12 000 000, $1,500,000 and 1.250.000",
        "100 000 000 people",
        "2020-2024, 24.11.2026, 2026-11-24 10:20:30, 4/12/2026",
        "VPN-4471, INC0012345, ticket 4471234567, pid 4123456",
        "0.123456789012 and 1763956789.123",
        "3f8a9c12e4b14d7f8a1b2c3d4e5f6a7b",
        "550e8400-e29b-41d4-a716-446655440000",
        "4111 1111 1111 1112",  # a card that fails its checksum
        "GB82 WEST 1234 5698 7654 33",  # an account that fails its checksum
        "http://127.0.0.1:8000/chat, http://weaviate:8080, ::1, 0.0.0.0",
        "answerloop.db.session, README.md, deliver.py and std::map",
        "10:20:30",
    ],
)
def test_what_only_looks_like_it_stays(text):
    assert EVERYWHERE.blank(text) == text


def test_only_the_given_types_and_regions_are_looked_for():
    mails = ExactRecognisers([PersonalDataType.EMAIL_ADDRESS], ("US",))
    assert mails.blank("a@b.example 514-69-0360") == "<EMAIL_ADDRESS> 514-69-0360"
    at_home = ExactRecognisers(PersonalDataType, ("US",))
    assert at_home.blank("PESEL 44051401359, corp.pl") == "PESEL 44051401359, corp.pl"


def test_an_unknown_region_is_told_which_there_are():
    with pytest.raises(ConfigurationError, match=r"ANSWERLOOP_REDACTION_REGIONS: UK is no region.* GB, "):
        ExactRecognisers(PersonalDataType, ("US", "UK"))


def test_findings_that_overlap_become_one_of_the_longest_ones_type():
    person, url = PersonalDataType.PERSON, PersonalDataType.URL
    found = without_overlaps([Finding(person, 8, 14), Finding(url, 0, 10), Finding(person, 20, 22)])
    assert found == [Finding(url, 0, 14), Finding(person, 20, 22)]


def test_it_needs_neither_presidio_nor_a_model():
    code = "import sys, answerloop.exact_recognisers as _; print({'spacy', 'presidio_analyzer'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

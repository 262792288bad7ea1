import pytest

from answerloop.backends.groundedness_mixed import MixedGroundednessDetector
from answerloop.domain import Sentence
from workers.answering import guard
from workers.answering.credentials import REMOVED, without_credentials


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("password: hunter2", "hunter2"),
        ("The admin password is Tr0ub4dor&3.", "Tr0ub4dor"),
        ("Pwd=Sup3rS3cret!;", "Sup3rS3cret"),
        ("Server=db;User Id=sa;Password=letmein", "letmein"),
        ("The PIN is 4711", "4711"),
        ("api_key = 'abcdef1234567890'", "abcdef1234567890"),
        ("The AWS key is AKIAIOSFODNN7EXAMPLE.", "AKIAIOSFODNN7EXAMPLE"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
        ("Use ghp_abcdefghijklmnopqrstuvwxyz0123456789 there", "ghp_abcdef"),
        ("Use glpat-abcdefghij1234567890 there", "abcdefghij1234567890"),
        ("Use xoxb-123456789012-123456789012-abcdefghijklmnopqrstuvwx", "xoxb"),
        ("Use sk_live_4eC39HqLyjWDarjtT1zdp7dc", "4eC39HqLyjWDarjtT1zdp7dc"),
        ("Use sk-proj-abcdefghijklmnopqrstuvwxyz0123", "abcdefghijklm"),
        ("Use AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY", "AIza"),
        ("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N", "dozjgNry"),
        ("Bearer abcdef1234567890abcdef1234567890", "abcdef1234567890"),
        ("-----BEGIN RSA PRIVATE KEY----- MIIEpAIBAAKCAQEA -----END RSA PRIVATE KEY-----", "MIIEpAIB"),
        ("postgresql://app:s3cr3tpw@db.example/prod", "s3cr3tpw"),
    ],
)
def test_a_secret_is_removed_from_what_is_quoted(text, secret):
    assert secret not in without_credentials(text)
    assert secret not in guard.quote(Sentence(f"Write this down: {text}", 1, 0.9, 0.9))


def test_a_secret_passes_no_other_way_either():
    evidence = (Sentence("The door password: hunter2 is new.", 1, 0.9, 0.9),)
    assert (
        guard.Guard(MixedGroundednessDetector(), 0.6).check("hunter2", "What is the door password?", evidence).carrier
        is None
    )


@pytest.mark.parametrize(
    "text",
    [
        "The password is changed every 90 days.",
        "Password: at least 12 characters",
        "The PIN is 4 digits long.",
        "The key is in room 1204.",
        "Key: red means stop, green means go",
        "An access token is valid for 3600 seconds.",
        "Form HR-17 and error VPN-4471 are explained on page 12345678.",
        "The IBAN of the company is BE71 0961 2345 6769.",
        "The server is 10.0.0.1.",
    ],
)
def test_a_sentence_about_secrets_stays(text):
    assert without_credentials(text) == text


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "piece", ["a1A", "key: ", "eyJ", "eyJ.", "password is ", "_-", "pass", "https://a:", "-----BEGIN "]
)
def test_a_hostile_text_is_read_in_no_time(piece):
    assert without_credentials(piece * 2_000 + " password: hunter2").endswith(REMOVED)

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from answerloop.errors import ConfigurationError
from answerloop.secrets import Sealer

OLD, NEW = (SecretStr(Fernet.generate_key().decode()) for _ in range(2))


def test_what_is_sealed_is_unreadable_and_comes_back():
    sealed = Sealer([NEW]).seal("xoxb-secret")
    assert b"xoxb" not in sealed
    assert Sealer([NEW]).open(sealed) == "xoxb-secret"


def test_a_new_key_writes_and_the_old_one_still_reads():
    both = Sealer([NEW, OLD])
    assert both.open(Sealer([OLD]).seal("before")) == "before"
    with pytest.raises(ConfigurationError, match="lacks the key"):
        Sealer([OLD]).open(both.seal("after"))


def test_no_key_and_a_key_that_is_none_are_clear_errors_that_do_not_tell_it():
    with pytest.raises(ConfigurationError, match="ANSWERLOOP_SECRET_KEYS is empty"):
        Sealer([])
    with pytest.raises(ConfigurationError, match="a key that is none") as raised:
        Sealer([SecretStr("hunter2")])
    assert "hunter2" not in str(raised.value)

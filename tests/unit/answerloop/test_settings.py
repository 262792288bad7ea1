import pytest

from answerloop.domain import Concern
from answerloop.errors import ConfigurationError
from answerloop.settings import load_settings


@pytest.fixture(autouse=True)
def _clean(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("ANSWERLOOP_HOST", "ANSWERLOOP_PORT", "ANSWERLOOP_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_a_wrong_value_names_its_variable_and_what_it_takes(monkeypatch):
    monkeypatch.setenv("ANSWERLOOP_PORT", "ninety")
    with pytest.raises(ConfigurationError, match=r"ANSWERLOOP_PORT.*integer"):
        load_settings()


def test_an_unknown_name_in_the_env_file_is_an_error(tmp_path):
    (tmp_path / ".env").write_text("ANSWERLOOP_PROT=8000\n")
    with pytest.raises(ConfigurationError, match="PROT"):
        load_settings()


def test_lists_are_separated_by_commas(monkeypatch):
    monkeypatch.setenv("ANSWERLOOP_TRUSTED_PROXIES", "10.0.0.1, 10.0.0.2")
    assert load_settings().trusted_proxies == ("10.0.0.1", "10.0.0.2")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "chat.example.com"])
def test_listening_elsewhere_needs_an_identity(host):
    with pytest.raises(ConfigurationError, match="ANSWERLOOP_IDENTITY_HEADER"):
        load_settings(host=host).require_identity()
    load_settings(host=host, web_token="a-long-token").require_identity()
    load_settings(host=host, identity_header="X-User", trusted_proxies="10.0.0.1").require_identity()


def test_a_header_without_a_trusted_proxy_is_refused():
    with pytest.raises(ConfigurationError, match="ANSWERLOOP_TRUSTED_PROXIES"):
        load_settings(identity_header="X-User").require_identity()


def test_a_copy_in_another_folder_shares_no_state(tmp_path):
    first = load_settings(home=tmp_path / "a")
    assert first.state.root.name == "a"
    assert first.model_copy(update={"home": tmp_path / "b"}).state.root.name == "b"


def test_without_a_broker_the_sentence_says_how_to_get_one(tmp_path):
    with pytest.raises(ConfigurationError, match="answerloop up"):
        _ = load_settings(home=tmp_path).effective_broker_url


def test_a_contact_for_a_kind_of_question():
    contacts = load_settings(contacts="self_harm = Ann (room 4),legal=law@example.com").contacts_by_concern
    assert contacts == {Concern.SELF_HARM: "Ann (room 4)", Concern.LEGAL: "law@example.com"}


@pytest.mark.parametrize("value", ["sadness=Ann", "self_harm", "self_harm=", "legal=Ann, room 4"])
def test_a_contact_of_no_kind_is_refused(value):
    with pytest.raises(ConfigurationError, match="self_harm, harassment"):
        load_settings(contacts=value)


def test_thresholds_out_of_order_are_refused():
    with pytest.raises(ConfigurationError, match="SURE_THRESHOLD"):
        load_settings(answer_threshold=0.9, sure_threshold=0.5)


def test_places_and_dates_are_not_masked_unless_somebody_says_so(monkeypatch):
    assert {"LOCATION", "DATE_TIME", "ORGANIZATION"}.isdisjoint(load_settings().masked_types)
    monkeypatch.setenv("ANSWERLOOP_MASKED_TYPES", "PERSON, LOCATION")
    assert load_settings().masked_types == ("PERSON", "LOCATION")


def test_an_unknown_type_is_told_which_there_are(monkeypatch):
    monkeypatch.setenv("ANSWERLOOP_MASKED_TYPES", "PERSON,SHOE_SIZE")
    with pytest.raises(ConfigurationError, match=r"ANSWERLOOP_MASKED_TYPES.*'PERSON', 'EMAIL_ADDRESS'"):
        load_settings()


def endpoint(url="https://models.example/v1", **more):
    return load_settings(generator="openai", openai_url=url, openai_model="m", **more)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example/v1", "http://8.8.8.8/v1", "http://134744072/v1", "http://ai/v1", "ftp://vllm/v1",
        "vllm:8000",
        "https://user:key@models.example/v1", "https://models.example/v1?key=1", "http://[2001:db8::1]/v1", "",
        "http://127.0.0.1.example/v1", "http://169.254.169.254/v1", "http://vllm:port/v1",
    ],
)  # fmt: skip
def test_nothing_is_sent_in_the_clear_beyond_the_own_network(url):
    with pytest.raises(ConfigurationError, match="ANSWERLOOP_OPENAI_URL") as caught:
        endpoint(url, openai_api_key="sk-secret")
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://vllm:8000/v1", "http://127.0.0.1:11434/v1", "http://10.1.2.3/v1", "http://llm.corp.internal/v1"]
)
def test_the_own_network_needs_no_encryption(url):
    assert endpoint(url, openai_leaves_the_house=False).openai_url == url


@pytest.mark.parametrize("host", ["api.anthropic.com", "generativelanguage.googleapis.com", "api.openai.com"])
def test_a_vendor_is_never_in_the_house(host):
    assert endpoint(f"https://{host}/v1").leaves_the_house
    with pytest.raises(ConfigurationError, match="LEAVES_THE_HOUSE"):
        endpoint(f"https://{host}/v1", openai_leaves_the_house=False)


def test_an_endpoint_counts_as_outside_unless_said_otherwise():
    assert endpoint("http://localhost:11434/v1").leaves_the_house
    assert not endpoint("http://localhost:11434/v1", openai_leaves_the_house=False).leaves_the_house
    assert not load_settings().leaves_the_house


def test_an_adapter_never_leaves_the_house():
    with pytest.raises(ConfigurationError, match="made of the company's documents"):
        endpoint("http://vllm:8000/v1", openai_adapters="vllm")
    endpoint("http://vllm:8000/v1", openai_adapters="vllm", openai_leaves_the_house=False)


@pytest.mark.parametrize("field", ["messages", "model", "stream"])
def test_what_a_request_is_made_of_is_no_setting(field):
    with pytest.raises(ConfigurationError, match="ANSWERLOOP_OPENAI_EXTRA"):
        endpoint(openai_extra={field: "x"})


def test_who_speaks_in_the_house_while_a_model_outside_is_configured():
    assert endpoint().house_generator == "reader"
    assert endpoint(inside_generator="extractive").house_generator == "extractive"
    assert load_settings(generator="transformers").house_generator == "transformers"

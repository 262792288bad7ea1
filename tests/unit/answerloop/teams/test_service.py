import pytest

from answerloop.teams.service import is_trusted

HOSTS = ("smba.trafficmanager.net", "*.botframework.com")


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("https://smba.trafficmanager.net/emea/0000/", True),
        ("https://smba.trafficmanager.net", True),
        ("https://smba.trafficmanager.net:443/amer/", True),
        ("HTTPS://SMBA.TrafficManager.NET/amer/", True),
        ("https://europe.webchat.botframework.com/", True),
        ("https://BotFramework.com/", False),  # `*.` is what is below it
        ("http://smba.trafficmanager.net/", False),
        ("https://smba.trafficmanager.net:8443/", False),
        ("https://smba.trafficmanager.net:x/", False),
        ("https://smba.trafficmanager.net:99999/", False),
        ("https://evil.example/", False),
        ("https://smba.trafficmanager.net.evil.example/", False),
        ("https://evilsmba.trafficmanager.net/", False),
        ("https://evil.trafficmanager.net/", False),
        ("https://evilbotframework.com/", False),
        ("https://.botframework.com/", False),
        ("https://evil.example.botframework.com.evil.example/", False),
        ("https://smba.trafficmanager.net./", False),
        ("https://user@smba.trafficmanager.net/", False),
        ("https://smba.trafficmanager.net@evil.example/", False),
        ("https://:@smba.trafficmanager.net/", False),
        ("https://evil.example\\@smba.trafficmanager.net/", False),
        ("https://evil.example\\.botframework.com/", False),
        ("https://evil.example%2f.botframework.com/", False),
        ("https://evil.example#.botframework.com/", False),
        ("https://evil.example?.botframework.com/", False),
        ("https://smba.trafficmanager.net/?", False),
        ("https://smba.trafficmanager.net/?to=x", False),
        ("https://smba.trafficmanager.net/#x", False),
        ("https://smba.trafficmanager。net/", False),
        ("https://evil.example／.botframework.com/", False),
        ("https://ｓmba.trafficmanager.net/", False),
        ("https://smbа.trafficmanager.net/", False),
        ("https://xn--smb-7cd.trafficmanager.net/", False),
        ("https://smba.traffic\nmanager.net/", False),
        (" https://smba.trafficmanager.net/", False),
        ("https://smba.trafficmanager.net/\x00", False),
        ("https://smba.trafficmanager.net/a b", False),
        ("https://[::1]/", False),
        ("https://[", False),
        ("https://127.0.0.1/", False),
        ("https:smba.trafficmanager.net/", False),
        ("//smba.trafficmanager.net/", False),
        ("file://smba.trafficmanager.net/", False),
        ("https://", False),
        ("", False),
    ],
)
def test_answers_go_to_hosts_that_the_operator_trusts_and_nowhere_else(url, trusted):
    assert is_trusted(url, HOSTS, development=False) is trusted


def test_upper_case_in_the_settings_is_no_other_host():
    assert is_trusted("https://smba.trafficmanager.net/", ("SMBA.trafficmanager.NET",), development=False)
    assert is_trusted("https://a.botframework.com/", ("*.BotFramework.com",), development=False)


@pytest.mark.parametrize("hosts", [(), ("",), ("*",), ("*.",), ("net",)])
def test_no_setting_lets_everything_in(hosts):
    assert not is_trusted("https://smba.trafficmanager.net/", hosts, development=False)


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("http://127.0.0.1:56150/_connector", True),
        ("http://localhost:56150/", True),
        ("http://[::1]:56150/", True),
        ("https://127.0.0.1:56150/", False),
        ("https://smba.trafficmanager.net/", False),
        ("http://127.0.0.1@evil.example/", False),
        ("http://127.0.0.1.evil.example/", False),
        ("http://10.0.0.1/", False),
        ("http://localhost:x/", False),
    ],
)
def test_in_development_it_is_this_machine_alone(url, trusted):
    assert is_trusted(url, HOSTS, development=True) is trusted

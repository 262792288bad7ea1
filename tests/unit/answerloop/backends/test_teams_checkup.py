import pytest

from answerloop.backends.teams_checkup import TeamsCheckup
from answerloop.settings import Settings


@pytest.mark.parametrize("url", ["http://graph.example.com/v1.0/", "graph.example.com"])
def test_no_token_goes_to_a_graph_that_anybody_on_the_way_can_read(database, url):
    settings = Settings(
        _env_file=None,
        teams="single_tenant",
        teams_app_id="app",
        teams_app_password="secret",
        teams_tenant_id="tenant",
        teams_graph_url=url,
    )
    checkup = TeamsCheckup(settings, database, lambda scope: lambda: pytest.fail("asked for a token"))
    [found] = checkup._graph()
    assert (found.healthy, "https" in found.text) == (False, True)

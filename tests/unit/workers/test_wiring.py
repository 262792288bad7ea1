"""Settings that would make workers guess are refused by them too, not by the bot alone."""

import pytest

from answerloop.errors import ConfigurationError
from answerloop.settings import Settings
from workers.wiring import Workshop

WHOLE = {"teams_app_id": "app", "teams_app_password": "secret", "teams_tenant_id": "tenant"}


@pytest.mark.parametrize("missing", WHOLE)
def test_nobody_is_an_employee_because_a_worker_does_not_know_the_companys_tenant(tmp_path, missing):
    settings = Settings(_env_file=None, home=tmp_path, teams="single_tenant", **{**WHOLE, missing: ""})
    workshop = Workshop(settings, "test")
    with pytest.raises(ConfigurationError, match=f"ANSWERLOOP_{missing.upper()}"):
        _ = workshop.directory
    workshop.database.dispose()

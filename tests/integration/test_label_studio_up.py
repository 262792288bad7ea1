"""`answerloop up` brings Label Studio along, behind the chat's back and in a clean environment, and takes it down."""

from contextlib import suppress

import httpx
import psutil
import pytest
from typer.testing import CliRunner

from answerloop.db.repositories import reviewers
from answerloop.label_studio import LabelStudioFolder, is_up, lets_in, own_secrets
from answerloop.testing.installation import RunningInstallation, free_port, until
from answerloop.testing.label_studio_server import prepare
from review.reviewers import app

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def installation(tmp_path_factory, few_documents):
    home = tmp_path_factory.mktemp("reviewing") / "state"
    prepare(LabelStudioFolder(home / "label-studio"))
    installation = RunningInstallation(home, few_documents, review="label-studio", label_studio_port=str(free_port()))
    installation.start()
    yield installation
    if installation.is_running():
        installation.stop()
    installation.database.dispose()


@pytest.fixture
def folder(installation) -> LabelStudioFolder:
    return LabelStudioFolder(installation.home / "label-studio")


@pytest.fixture
def url(folder) -> str:
    return until(lambda: folder.url.exists() and folder.url.read_text(), 180)


def servers(installation: RunningInstallation) -> list[psutil.Process]:
    found = []
    for child in installation.children():
        with suppress(psutil.NoSuchProcess):  # a zombie counts as none
            found += [child] if "--internal-host" in child.cmdline() else []
    return found


def is_over(process: psutil.Process) -> bool:
    """Also where nobody has asked how it ended yet."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_it_is_ready_a_moment_after_the_chat_and_says_where(installation, folder, url):
    until(lambda: f"Label Studio is ready: {url}" in installation.log.read_text())
    said = installation.log.read_text()
    assert said.index("answerloop is ready") < said.index(f"Label Studio is ready: {url}")
    assert url == f"http://127.0.0.1:{installation.environment['ANSWERLOOP_LABEL_STUDIO_PORT']}"
    assert lets_in(url, own_secrets(folder).token)
    assert not lets_in(url, "0" * 40)


def test_it_sees_nothing_of_our_environment_and_listens_to_this_machine_alone(installation, url):
    (server,) = servers(installation)
    assert not [name for name in server.environ() if name.startswith("ANSWERLOOP_")]
    listening = [c.laddr.ip for c in server.net_connections() if c.status == psutil.CONN_LISTEN]
    assert set(listening) == {"127.0.0.1"}


def test_nobody_signs_up_without_an_invitation(url):
    with httpx.Client(base_url=url) as browser:
        browser.get("/user/signup/")
        form = {"email": "eve@x.example", "password": "a-long-password-1"}
        token = browser.cookies.get("csrftoken") or ""
        refused = browser.post("/user/signup/", data={**form, "csrfmiddlewaretoken": token}, headers={"Referer": url})
    assert refused.status_code == 403


def test_a_reviewer_is_invited_and_may_sign_in(installation, url, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, value in installation.environment.items():
        if name.startswith("ANSWERLOOP_"):
            monkeypatch.setenv(name, value)
    done = CliRunner().invoke(app, ["invite", "Rosa@Orrenby.example", "--person", "rosa"])
    assert done.exit_code == 0, done.output
    password = done.output.split("Password: ")[1].split(" ")[0]
    with httpx.Client(base_url=url) as browser:
        browser.get("/user/login/")
        form = {"email": "rosa@orrenby.example", "password": password}
        token = browser.cookies.get("csrftoken") or ""
        entered = browser.post("/user/login/", data={**form, "csrfmiddlewaretoken": token}, headers={"Referer": url})
    assert entered.status_code == 302
    again = CliRunner().invoke(app, ["invite", "rosa@orrenby.example", "--person", "slack:T1:U1"])
    assert "its password is as it was" in again.output
    assert "rosa@orrenby.example" in CliRunner().invoke(app, ["list"]).output
    with installation.database.reading() as session:
        (rosa,) = reviewers.everybody(session)
    assert (rosa.id, rosa.people) == ("rosa@orrenby.example", ("rosa", "slack:T1:U1"))
    assert rosa.account


def test_killed_it_comes_back_with_what_it_knew(installation, folder, url):
    (server,) = servers(installation)
    server.kill()
    until(lambda: servers(installation) not in ([], [server]), 60)
    until(lambda: is_up(url), 120)
    assert lets_in(url, own_secrets(folder).token)


def test_it_ends_with_us(installation, folder, url):
    (server,) = servers(installation)
    assert installation.stop() == 0
    assert is_over(server)
    assert not is_up(url)
    assert not folder.url.exists()

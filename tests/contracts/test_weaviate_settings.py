"""Which index the settings choose, what `answerloop doctor` says of it, and the command that moves it."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from answerloop.backends.index_lancedb import LanceDocumentIndex
from answerloop.backends.index_weaviate import WeaviateDocumentIndex
from answerloop.cli.console import EXIT_CONFIGURATION
from answerloop.domain import Audience
from answerloop.errors import ConfigurationError
from answerloop.settings import Settings
from answerloop.testing.fakes import FakeEmbedder
from answerloop.testing.port_suites import a_chunk, unit
from tests.contracts.weaviate_kit import index_at, own_server
from workers import health
from workers.__main__ import app
from workers.wiring import IndexKind, Workshop, check_index


def workshop(home: Path, **settings: object) -> Workshop:
    workshop = Workshop(Settings(_env_file=None, home=home, **settings), "test")  # type: ignore[arg-type]
    workshop.__dict__["embedder"] = FakeEmbedder()
    return workshop


def test_the_url_alone_chooses_weaviate(tmp_path):
    embedded = workshop(tmp_path)
    assert isinstance(embedded.index, LanceDocumentIndex)
    with pytest.raises(ConfigurationError, match="ANSWERLOOP_WEAVIATE_URL"):
        embedded.index_in(IndexKind.WEAVIATE)
    embedded.close()
    served = workshop(tmp_path, weaviate_url="http://127.0.0.1:9")
    assert isinstance(served.index, WeaviateDocumentIndex)
    assert isinstance(served.index_in(IndexKind.LANCEDB), LanceDocumentIndex)
    served.close()


def test_the_doctor_says_which_index_it_is_and_whether_it_answers(tmp_path):
    assert check_index(Settings(_env_file=None, home=tmp_path)) == f"LanceDB in {tmp_path / 'index'}"
    with own_server() as (server, _):
        settings = {"weaviate_url": server.url, "weaviate_grpc_port": server.grpc_port}
        assert check_index(Settings(_env_file=None, home=tmp_path, **settings)) == f"Weaviate 1.32.0 at {server.url}"
    gone = workshop(tmp_path, **settings)
    [finding] = [each for each in health.examine(gone) if each.check == "index"]
    assert not finding.healthy
    gone.close()


def test_the_command_moves_every_tenant_and_says_what_to_set(tmp_path, few_documents, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANSWERLOOP_HOME", str(tmp_path / "home"))
    ingested = CliRunner().invoke(app, ["ingest", str(few_documents / "it"), "--allow", "everyone"])
    assert ingested.exit_code == 0, ingested.output
    assert CliRunner().invoke(app, ["migrate-index", "--to", "weaviate"]).exit_code == EXIT_CONFIGURATION
    with own_server() as (server, _):
        monkeypatch.setenv("ANSWERLOOP_WEAVIATE_URL", server.url)
        monkeypatch.setenv("ANSWERLOOP_WEAVIATE_GRPC_PORT", str(server.grpc_port))
        moved = CliRunner().invoke(app, ["migrate-index", "--to", "weaviate", "--json"])
        assert moved.exit_code == 0, moved.output
        [report] = json.loads(moved.stdout)
        assert report["tenant"] == "default"
        assert report["documents"] == report["copied"] == 1
        served = Workshop(Settings(_env_file=None), "test")
        audience = Audience.of_person("default", {"everyone"})
        assert served.retriever.retrieve("What does VPN-4471 mean?", (), audience).passages
        served.close()
        back = CliRunner().invoke(app, ["migrate-index", "--to", "lancedb"])
        assert back.exit_code == 0, back.output
        assert "ANSWERLOOP_WEAVIATE_URL" in back.output
        assert f"--drop weaviate --at {server.url}" in back.output


def test_the_old_index_can_be_dropped_and_the_one_in_use_cannot(tmp_path, few_documents, monkeypatch):
    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, list(arguments))
        return done.exit_code, " ".join(done.output.split())

    def answers() -> bool:
        served = Workshop(Settings(_env_file=None), "test")
        passages = served.retriever.retrieve(
            "What does VPN-4471 mean?", (), Audience.of_person("default", {"everyone"})
        )
        served.close()
        return bool(passages.passages)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANSWERLOOP_HOME", str(tmp_path / "home"))
    assert run("ingest", str(few_documents / "it"), "--allow", "everyone")[0] == 0
    code, said = run("migrate-index", "--drop", "lancedb")
    assert (code, "Lancedb is the index that the settings use" in said) == (EXIT_CONFIGURATION, True)
    with own_server() as (server, address):
        monkeypatch.setenv("ANSWERLOOP_WEAVIATE_GRPC_PORT", str(server.grpc_port))
        monkeypatch.setenv("ANSWERLOOP_WEAVIATE_URL", server.url)
        code, said = run("migrate-index", "--drop", "lancedb")
        assert (code, "Weaviate holds 0 of" in said) == (EXIT_CONFIGURATION, True)
        assert went_well(run("migrate-index", "--to", "weaviate"), "--drop lancedb")
        code, said = run("migrate-index", "--drop", "weaviate", "--at", server.url)
        assert (code, "Weaviate is the index that the settings use" in said) == (EXIT_CONFIGURATION, True)
        assert went_well(run("migrate-index", "--drop", "lancedb"), "LanceDB in")
        assert not (tmp_path / "home" / "index").exists()
        assert answers()

        assert run("migrate-index", "--to", "lancedb")[0] == 0
        monkeypatch.delenv("ANSWERLOOP_WEAVIATE_URL")
        with closing(index_at(address, "Another")) as others:
            others.replace_documents("default", {"d1": [a_chunk("d1", "Not ours.", unit(1))]})
        assert went_well(run("migrate-index", "--drop", "weaviate", "--at", server.url), "collections Answerloop_…")
        assert {name.split("_")[0] for name in server.store.collections} == {"Another"}
        assert [name.split("_")[0] for name in server.store.aliases] == ["Another"]
        assert answers()


def went_well(ended: tuple[int, str], words: str) -> bool:
    return ended[0] == 0 and words in ended[1]


@pytest.mark.parametrize("arguments", [(), ("--drop", "weaviate"), ("--drop", "lancedb", "--at", "http://x")])
def test_it_is_said_which_index_and_where(arguments):
    assert CliRunner().invoke(app, ["migrate-index", *arguments]).exit_code == 2

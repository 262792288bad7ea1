"""`answerloop plan` explains a GPU on a machine that has none."""

import json

import pytest
import torch
from typer.testing import CliRunner

from tests.unit.answerloop.backends.tiny_models import tiny_llama
from workers.__main__ import app


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANSWERLOOP_HOME", str(tmp_path / "home"))
    tiny_llama().config.save_pretrained(tmp_path / "model")
    return str(tmp_path / "model")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_dry_run_for_cuda_says_what_is_missing_and_succeeds(folder):
    done = CliRunner().invoke(app, ["plan", "--device", "cuda", "--model", folder, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["chosen"]["device"] == "cuda"
    assert "a CUDA GPU" in found["missing"][0]
    assert found["serving"]["embedder"] > 50e6


def test_the_tables_name_both_sums(folder):
    done = CliRunner().invoke(app, ["plan", "--device", "cpu", "--model", folder])
    assert done.exit_code == 0, done.output
    assert done.stdout.count("in all") == 2
    assert "Nothing is missing" in done.stdout


def test_a_model_that_is_not_there_is_an_error_of_the_settings(folder):
    done = CliRunner().invoke(app, ["plan", "--model", "./nothing"])
    assert done.exit_code == 4

import json
from pathlib import Path

import pytest

from answerloop.errors import ConfigurationError
from workers.training.params import DEFAULTS, Params, load_params


def test_the_file_of_defaults_names_every_parameter() -> None:
    assert set(json.loads(DEFAULTS.read_text())) == set(Params.model_fields)
    assert load_params().targets == "all-linear"


def test_a_file_of_ones_own_changes_single_values(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text('{"rank": 8, "alpha": 8, "targets": ["q_proj", "v_proj"]}')
    params = load_params(own, seed=3)
    assert (params.rank, params.alpha, params.targets, params.seed) == (8, 8.0, ["q_proj", "v_proj"], 3)
    assert params.epochs == load_params().epochs


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"rnak": 8}', r"there is no parameter rnak; known are alpha, .*rank"),
        ('{"rank": 0}', r"rank is 0: input should be greater than or equal to 1"),
        ('{"rank": "eight"}', r"rank is \"eight\": input should be a valid integer"),
        ('{"epochs": true}', r"epochs is true: input should be a valid integer"),
        ('{"schedule": "zigzag"}', r"schedule is \"zigzag\": input should be 'constant', 'linear' or 'cosine'"),
        ('{"learning_rate": 5}', r"learning_rate is 5: input should be less than 1"),
        ('{"targets": "q_proj"}', r"targets is .*should be 'all-linear'; targets is .*should be a valid list"),
        ("[8]", r"must hold one JSON object"),
        ("rank = 8", r"cannot be read as JSON"),
    ],
)
def test_a_wrong_file_is_refused_by_name_and_expectation(tmp_path: Path, text: str, said: str) -> None:
    own = tmp_path / "own.json"
    own.write_text(text)
    with pytest.raises(ConfigurationError, match=said) as refused:
        load_params(own)
    assert "own.json" in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_params(tmp_path / "none.json")

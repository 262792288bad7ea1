"""What a training run is told: `params/default.json`, and a file of one's own over single values of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from answerloop.errors import ConfigurationError

DEFAULTS = Path(__file__).parent / "params" / "default.json"


class Params(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    rank: int = Field(ge=1, le=1024, description="Rank of the adapter's matrices.")
    alpha: float = Field(gt=0, description="The adapter's part is scaled by alpha / rank.")
    dropout: float = Field(ge=0, lt=1, description="Of what the adapter's matrices read; costs speed on a CPU.")
    targets: Literal["all-linear"] | list[str] = Field(description="`all-linear`, or names of layers such as q_proj.")
    learning_rate: float = Field(gt=0, lt=1, description="At its highest, after the warm-up.")
    schedule: Literal["constant", "linear", "cosine"] = Field(description="How it falls after the warm-up.")
    warmup: float = Field(ge=0, le=1, description="Share of all steps in which it rises.")
    weight_decay: float = Field(ge=0, lt=1)
    max_gradient_norm: float = Field(gt=0)
    epochs: int = Field(ge=1, description="At most; see patience.")
    rows_per_step: int = Field(ge=1, description="The effective batch: rows that the weights are changed for at once.")
    tokens_per_batch: int = Field(
        ge=1, description="What is computed at once, padding included; a longer row is computed alone."
    )
    max_tokens: int = Field(ge=2, description="Longer rows are left out, never cut.")
    patience: int = Field(ge=1, description="Epochs in a row without a lower validation loss that end the training.")
    seed: int = Field(ge=0)
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        description="Of the base model; the adapter learns in float32. auto: what the hardware multiplies fast."
    )
    gradient_checkpointing: bool = Field(description="Less memory, about a third slower.")
    qlora: bool = Field(description="The base model in 4 bits; needs a GPU and the package bitsandbytes.")
    threads: int = Field(ge=0, description="CPU threads; 0: as many as torch takes.")
    max_minutes: float = Field(ge=0, description="Of training, pauses not counted; 0: no limit.")
    max_memory_gb: float = Field(ge=0, description="Of the whole process; 0: no limit.")
    checkpoint_steps: int = Field(ge=1, description="A checkpoint is written after so many steps …")
    checkpoint_seconds: float = Field(ge=0, description="… or so many seconds, whatever comes first.")


def load_params(path: Path | None = None, **overrides: Any) -> Params:
    """The defaults, then the file, then `overrides`. Raises ConfigurationError that names the value."""
    values = json.loads(DEFAULTS.read_text(encoding="utf-8"))
    own = _read(path) if path else {}
    try:
        return Params(**{**values, **own, **overrides})
    except ValidationError as error:
        problems = "; ".join(_problem(problem) for problem in error.errors())
        raise ConfigurationError(f"{path or 'The parameters of training'}: {problems}.") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"ANSWERLOOP_TRAINING_PARAMS={path} cannot be read as JSON: {error}") from None
    if not isinstance(values, dict):
        raise ConfigurationError(f"ANSWERLOOP_TRAINING_PARAMS={path} must hold one JSON object.")
    return values


def _problem(problem: Any) -> str:
    name = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        return f"there is no parameter {name}; known are {', '.join(sorted(Params.model_fields))}"
    return f"{name} is {json.dumps(problem['input'])}: {problem['msg'].lower()}"

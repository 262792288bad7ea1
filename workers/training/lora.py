"""The adapter on its model: how it is put there, and how it lies on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, prepare_model_for_kbit_training
from safetensors.torch import save_file

from answerloop.errors import ConfigurationError
from workers.training.params import Params
from workers.training.student import Student

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


def add_adapter(student: Student, params: Params) -> Any:
    """The model with a fresh adapter in float32, which alone learns. Raises ConfigurationError for unknown targets."""
    model = student.model
    model.config.use_cache = False
    if params.qlora:
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    if params.gradient_checkpointing:
        model.activation_checkpointing_enable({"use_reentrant": False})
    config = LoraConfig(
        r=params.rank,
        lora_alpha=params.alpha,
        lora_dropout=params.dropout,
        target_modules=params.targets,
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(params.seed)
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        raise ConfigurationError(f"targets is {json.dumps(params.targets)}: {error}") from None


def adapter_tensors(model: Any) -> dict[str, torch.Tensor]:
    """As PEFT names them in a file; copies."""
    state: Mapping[str, torch.Tensor] = get_peft_model_state_dict(model, save_embedding_layers=False)
    return {name: tensor.detach().cpu().clone() for name, tensor in sorted(state.items())}


def save_adapter(folder: Path, tensors: Mapping[str, torch.Tensor], model: Any, base: str) -> None:
    """The same tensors give the same bytes. `base` is a name, since a path of this machine means nothing elsewhere."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(dict(tensors), folder / WEIGHTS, metadata={"format": "pt"})
    config = model.peft_config["default"].to_dict() | {"base_model_name_or_path": base, "inference_mode": True}
    values = {key: sorted(value) if isinstance(value, set) else value for key, value in config.items()}
    (folder / CONFIG).write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for name in (WEIGHTS, CONFIG):
        (folder / name).chmod(0o644)

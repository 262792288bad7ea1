"""The adapter on its model: how it is put there, how it computes, and how it lies on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from peft.tuners.lora import Linear as LoraLinear
from safetensors.torch import save_file
from torch import nn

from answerloop.errors import ConfigurationError
from workers.training.params import Params
from workers.training.student import Student

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


def add_adapter(student: Student, params: Params) -> Any:
    """The model with a fresh adapter in float32, which alone learns. Raises ConfigurationError for unknown targets."""
    model = student.model
    model.config.use_cache = False
    if params.qlora:
        from peft import prepare_model_for_kbit_training  # noqa: PLC0415

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
        adapted = get_peft_model(model, config)
    except ValueError as error:
        raise ConfigurationError(f"targets is {json.dumps(params.targets)}: {error}") from None
    _compute_in_one_go(adapted)
    return adapted


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


class _OneGo(torch.autograd.Function):
    """x Wᵀ + scale (x Aᵀ) Bᵀ with its gradients for x, A and B.

    PEFT leaves this to autograd: seven operations each way, most of which write a tensor as large as the output only
    to add it somewhere. Here every product is added in place where it belongs.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        a: torch.Tensor,
        b: torch.Tensor,
        scale: float,
    ) -> torch.Tensor:
        flat = x.reshape(-1, x.shape[-1])
        inner = flat @ a.T
        out = nn.functional.linear(flat, weight, bias)
        out.addmm_(inner, b.T, alpha=scale)
        ctx.save_for_backward(flat, weight, a, b, inner)
        ctx.scale = scale
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        flat, weight, a, b, inner = ctx.saved_tensors
        (gradient,) = gradients
        shape = gradient.shape[:-1]
        gradient = gradient.reshape(-1, gradient.shape[-1])
        to_inner = (gradient @ b).mul_(ctx.scale)
        to_x = (gradient @ weight).addmm_(to_inner, a).view(*shape, -1) if ctx.needs_input_grad[0] else None
        return to_x, None, None, to_inner.T @ flat, (gradient.T @ inner).mul_(ctx.scale), None


def _compute_in_one_go(model: Any) -> None:
    """Where the layer is a plain one in float32; all others stay with PEFT."""
    for module in model.modules():
        if isinstance(module, LoraLinear) and _is_plain(module):
            module.forward = partial(_forward, module)


def _forward(module: Any, x: torch.Tensor) -> torch.Tensor:
    base, a, b = module.base_layer, module.lora_A["default"].weight, module.lora_B["default"].weight
    result: torch.Tensor = _OneGo.apply(x, base.weight, base.bias, a, b, module.scaling["default"])  # type: ignore[no-untyped-call]
    return result


def _is_plain(module: Any) -> bool:
    base = module.base_layer
    return (
        type(base) is nn.Linear
        and base.weight.dtype is torch.float32
        and isinstance(module.lora_dropout["default"], nn.Identity)
        and not module.lora_variant
    )

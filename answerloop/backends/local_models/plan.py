"""What a model would take on a device, worked out without loading it, and without the device.

Weights are counted on the `meta` device, which has shapes and no memory. What cannot be counted (work space, allocator)
is a share that says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PretrainedConfig

from answerloop.backends.local_models.adapters import MOST_ADAPTERS
from answerloop.backends.local_models.kv_cache import ROOM
from answerloop.backends.local_models.placement import is_installed
from answerloop.errors import ConfigurationError, ModelMissing

BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0}
QUANTISED = {"int8": 1.0, "int4": 0.5 + 0.5 / 8}
"""Bytes of one weight; in 4 bits with the constants of each block (nf4, quantised twice: about half a bit more)."""
CONTEXT_BYTES = 600e6
"""What CUDA itself takes for a process, about."""
WORK_SHARE = 0.15
"""Of weights and keys: activations of a step and what the allocator cannot give back. A guess, said as one."""
ADAM_BYTES = 16.0
"""Of one weight that learns: weight, gradient and two moments in float32."""


@dataclass(frozen=True, slots=True)
class Gpu:
    name: str
    total_bytes: float
    free_bytes: float
    bf16: bool


class Probe(Protocol):
    """What the machine has. Faked in tests."""

    def gpus(self) -> Sequence[Gpu]: ...

    def has(self, package: str) -> bool: ...

    def cpu_has_bf16(self) -> bool: ...

    @property
    def torch_version(self) -> str: ...


class TorchProbe:
    def gpus(self) -> Sequence[Gpu]:
        if not torch.cuda.is_available():
            return ()
        return [_gpu(number) for number in range(torch.cuda.device_count())]

    def has(self, package: str) -> bool:
        return is_installed(package)

    def cpu_has_bf16(self) -> bool:
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))

    @property
    def torch_version(self) -> str:
        return str(torch.__version__)


def _gpu(number: int) -> Gpu:
    free, total = torch.cuda.mem_get_info(number)
    with torch.cuda.device(number):
        bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
    return Gpu(torch.cuda.get_device_name(number), float(total), float(free), bf16)


# --- counting ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shape:
    """Of a causal language model. `linear` are the weights that can be quantised and that adapters stand beside."""

    weights: int
    linear: int
    linear_sides: int
    """Inputs plus outputs, over all those layers: what one rank of an adapter adds."""
    layers: int
    hidden: int
    vocabulary: int
    key_values: int
    """Numbers that one token leaves in the cache."""
    window: int


def shape_of(folder: str) -> Shape:
    """Raises ModelMissing, ConfigurationError."""
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=Path(folder).is_dir())
    except (OSError, ValueError) as error:
        raise ModelMissing(f"There is no model in {folder}: {error}") from error
    return shape_of_config(config)


def shape_of_config(config: PretrainedConfig) -> Shape:
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    text = config.get_text_config()
    head = model.get_output_embeddings()
    linear = [part for part in model.modules() if isinstance(part, torch.nn.Linear) and part is not head]
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return Shape(
        weights=sum(weight.numel() for weight in model.parameters()),  # tied ones once
        linear=sum(part.weight.numel() for part in linear),
        linear_sides=sum(part.in_features + part.out_features for part in linear),
        layers=text.num_hidden_layers,
        hidden=text.hidden_size,
        vocabulary=text.vocab_size,
        key_values=2 * text.num_hidden_layers * heads * width,
        window=int(getattr(text, "max_position_embeddings", 0) or 2048),
    )


# --- planning ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wishes:
    """The settings that matter here, as they are; `rank` to `qlora` are of training."""

    device: str
    dtype: str
    attention: str
    quantisation: str
    batch_size: int
    batch_tokens: int
    embedder_bytes: float
    rank: int
    tokens_per_batch: int
    precision: str
    gradient_checkpointing: bool
    qlora: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """`chosen` and the memory parts are what would be; `missing` is what this machine lacks for it."""

    chosen: dict[str, str]
    serving: dict[str, float]
    training_chosen: dict[str, str]
    training: dict[str, float]
    rows: dict[int, int]
    """Questions at once, by the tokens of each."""
    missing: list[str] = field(default_factory=list)


def plan(shape: Shape, wishes: Wishes, probe: Probe) -> Plan:
    gpus = probe.gpus()
    device = wishes.device if wishes.device != "auto" else ("cuda" if gpus else "cpu")
    kind, number = _parsed(device)
    gpu = gpus[number] if kind == "cuda" and number < len(gpus) else None
    dtype = _dtype(wishes.dtype, kind, gpu, probe)
    serving = _serving(shape, wishes, kind, dtype)
    precision = _dtype(wishes.precision, kind, gpu, probe)
    training = _training(shape, wishes, kind, precision)
    missing = [*_missing_device(kind, number, gpus, probe), *_missing_packages(wishes, kind, dtype, probe)]
    for name, parts in (("answering", serving), ("training", training)):
        if gpu and sum(parts.values()) > gpu.free_bytes:
            missing.append(
                f"memory for {name}: {_gb(sum(parts.values()))} wanted, {_gb(gpu.free_bytes)} free on {gpu.name}"
            )
    return Plan(
        {
            "device": f"{device} ({gpu.name}, {_gb(gpu.total_bytes)})" if gpu else device,
            "precision": dtype
            + ("" if gpu or kind != "cuda" or wishes.dtype != "auto" else " (float16 before Ampere)"),
            "attention": "sdpa, where the model knows it" if wishes.attention == "auto" else wishes.attention,
            "quantisation": wishes.quantisation,
            "processes": "one model for each worker process, loaded after it has started: nothing is forked",
        },
        serving,
        {
            "precision": precision,
            "base": "4 bits (qlora)" if wishes.qlora else precision,
            "gradient checkpointing": "yes" if wishes.gradient_checkpointing else "no",
        },
        training,
        {length: _rows(wishes, length) for length in (256, 512, 1024, 2048, 4096) if length <= shape.window},
        missing,
    )


def _parsed(device: str) -> tuple[str, int]:
    kind, _, number = device.partition(":")
    if kind not in ("cpu", "cuda") or (number and not number.isdecimal()):
        raise ConfigurationError(f"There is no plan for the device {device!r}: cpu, cuda or cuda:1.")
    return kind, int(number or 0)


def _dtype(wanted: str, kind: str, gpu: Gpu | None, probe: Probe) -> str:
    if wanted != "auto":
        return wanted
    if kind == "cuda":
        return "bfloat16" if gpu is None or gpu.bf16 else "float16"
    return "bfloat16" if probe.cpu_has_bf16() else "float32"


def _rows(wishes: Wishes, tokens: int) -> int:
    most = wishes.batch_tokens // tokens if wishes.batch_tokens else wishes.batch_size
    return min(wishes.batch_size, max(1, most))


def _weight_bytes(shape: Shape, dtype: str, quantisation: str) -> float:
    if quantisation == "none":
        return shape.weights * BYTES[dtype]
    return shape.linear * QUANTISED[quantisation] + (shape.weights - shape.linear) * BYTES[dtype]


def _serving(shape: Shape, wishes: Wishes, kind: str, dtype: str) -> dict[str, float]:
    weights = _weight_bytes(shape, dtype, wishes.quantisation)
    tokens = (wishes.batch_tokens or wishes.batch_size * shape.window) + wishes.batch_size * ROOM
    parts = {
        "weights": weights,
        "keys and values of a full batch": tokens * shape.key_values * BYTES[dtype],
        "a second copy, with the live adapter merged": weights if wishes.quantisation == "none" else 0.0,
        f"{MOST_ADAPTERS} adapters beside it": MOST_ADAPTERS * wishes.rank * shape.linear_sides * 4.0,
        "embedder": wishes.embedder_bytes,
    }
    return _with_work(parts, kind)


def _training(shape: Shape, wishes: Wishes, kind: str, precision: str) -> dict[str, float]:
    """One batch at a time. Without checkpointing each layer keeps about 17 numbers of each token's width (Korthikanti
    et al. 2022: 34 bytes in half precision, without the attention matrix, which sdpa does not keep); with it, its input
    alone."""
    kept = 1 if wishes.gradient_checkpointing else 34 / 2
    activations = wishes.tokens_per_batch * shape.hidden * shape.layers * kept * BYTES[precision]
    parts = {
        "weights": _weight_bytes(shape, precision, "int4" if wishes.qlora else "none"),
        "adapter with its gradients and moments": wishes.rank * shape.linear_sides * ADAM_BYTES,
        "activations": activations,
        "predictions and their gradients": wishes.tokens_per_batch * shape.vocabulary * 4.0 * 2,
    }
    return _with_work(parts, kind)


def _with_work(parts: dict[str, float], kind: str) -> dict[str, float]:
    parts["work space (a guess)"] = WORK_SHARE * sum(parts.values())
    if kind == "cuda":
        parts["CUDA itself"] = CONTEXT_BYTES
    return parts


def _missing_device(kind: str, number: int, gpus: Sequence[Gpu], probe: Probe) -> Iterator[str]:
    if kind != "cuda":
        return
    if not gpus:
        yield f"a CUDA GPU: torch {probe.torch_version} sees none here"
    elif number >= len(gpus):
        yield f"GPU number {number}: there are {len(gpus)}, counted from 0"


def _missing_packages(wishes: Wishes, kind: str, dtype: str, probe: Probe) -> Iterator[str]:
    asked = [("ANSWERLOOP_QUANTISATION", wishes.quantisation != "none", "bitsandbytes")]
    asked += [("qlora", wishes.qlora, "bitsandbytes")]
    asked += [("ANSWERLOOP_ATTENTION=flash_attention_2", wishes.attention == "flash_attention_2", "flash_attn")]
    for setting, wanted, package in asked:
        if wanted and kind != "cuda":
            yield f"a CUDA GPU for {setting}"
        if wanted and not probe.has(package):
            yield f"the package {package.replace('_', '-')} for {setting}"
    if wishes.attention == "flash_attention_2" and dtype == "float32":
        yield "half precision for flash_attention_2: ANSWERLOOP_DTYPE=auto"


def _gb(count: float) -> str:
    return f"{count / 1e9:.1f} GB"

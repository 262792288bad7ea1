"""Where a model lies and in which form: device, precision, attention and quantisation, chosen by settings."""

from __future__ import annotations

import importlib.util
from typing import Any

import torch
from transformers import BitsAndBytesConfig

from answerloop.errors import ConfigurationError


def choose_device(device: str) -> torch.device:
    """`auto` is the first GPU, else the CPU. Raises ConfigurationError for a device that this machine or torch does not
    have."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        place = torch.device(device)
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError) as error:
        raise ConfigurationError(f"ANSWERLOOP_DEVICE={device} cannot be used: {error}") from error
    return place


def choose_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """`auto` is bfloat16 where the hardware multiplies it; elsewhere it is several times slower than float32."""
    if dtype != "auto":
        chosen: torch.dtype = getattr(torch, dtype)
        return chosen
    if device.type == "cuda":
        with torch.cuda.device(device):
            return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    capabilities = torch.cpu.get_capabilities()
    fast = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    return torch.bfloat16 if device.type == "cpu" and fast else torch.float32


def loading_options(attention: str, quantisation: str, place: torch.device, precision: torch.dtype) -> dict[str, Any]:
    """What `from_pretrained` is told beyond the precision. Raises ConfigurationError for what cannot be had here."""
    options = attention_options(attention, place, precision)
    if quantisation != "none":
        options |= quantised(quantisation, place, precision, f"ANSWERLOOP_QUANTISATION={quantisation}")
    return options


def attention_options(attention: str, place: torch.device, precision: torch.dtype) -> dict[str, Any]:
    if attention == "auto":
        return {}
    if attention == "flash_attention_2":
        if place.type != "cuda" or not is_installed("flash_attn"):
            raise ConfigurationError(
                "ANSWERLOOP_ATTENTION=flash_attention_2 needs a CUDA GPU and the package flash-attn: set auto."
            )
        if precision is torch.float32:
            raise ConfigurationError(
                "ANSWERLOOP_ATTENTION=flash_attention_2 computes in bfloat16 or float16: set ANSWERLOOP_DTYPE=auto."
            )
    return {"attn_implementation": attention}


def quantised(kind: str, place: torch.device, precision: torch.dtype, asked_by: str) -> dict[str, Any]:
    """`int8` or `int4`. A quantised model is loaded onto its device and never moved. Raises ConfigurationError."""
    if place.type != "cuda" or not is_installed("bitsandbytes"):
        raise ConfigurationError(
            f"{asked_by} needs a CUDA GPU and the package bitsandbytes (pip install bitsandbytes); "
            "without them leave it out."
        )
    if kind == "int8":
        config = BitsAndBytesConfig(load_in_8bit=True)  # type: ignore[no-untyped-call]
    else:
        config = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=precision,
        )
    return {"quantization_config": config, "device_map": {"": place}}


def is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None

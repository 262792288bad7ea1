"""Does a model still write plain language as it did? Its perplexity on neutral text, with and without an adapter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


@torch.inference_mode()
def perplexities(
    model_folder: str, adapters: Sequence[Path | None], texts: Sequence[str], device: str = "auto"
) -> list[float]:
    """exp of the mean loss over all tokens of the texts, in float32; None stands for the base. `device` as
    ANSWERLOOP_DEVICE."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(model_folder, local_files_only=True)
    encoded = [torch.tensor([tokenizer(text)["input_ids"]], device=device) for text in texts]
    found = []
    for adapter in adapters:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            model_folder, dtype=torch.float32, local_files_only=True, use_safetensors=True
        )
        model = loaded.to(device)
        if adapter is not None:
            model = PeftModel.from_pretrained(model, str(adapter), is_trainable=False, torch_device=device)
        model.eval()
        losses = [float(model(input_ids=ids, labels=ids).loss) * (ids.shape[1] - 1) for ids in encoded]
        found.append(math.exp(sum(losses) / sum(ids.shape[1] - 1 for ids in encoded)))
        del model, loaded
    return found

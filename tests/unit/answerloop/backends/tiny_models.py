"""Random weights and a tokenizer of letters, built in memory: real code paths without a model on disk."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    LlamaConfig,
    MistralConfig,
    PreTrainedTokenizerFast,
)

from answerloop.backends.adapters_folder import FolderAdapterStore
from answerloop.domain import BASE_ADAPTER, Message
from answerloop.ports import GenerationRequest

TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + TEMPLATE
)
IGNORES_SYSTEM = TEMPLATE.replace("<|{{", "{% if m['role'] != 'system' %}<|{{").replace(
    "{% endfor", "{% endif %}{% endfor"
)
SIZES: dict[str, Any] = {
    "vocab_size": 120,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "initializer_range": 0.5,  # large enough that the random model says many different things
    "eos_token_id": 0,
    "bos_token_id": None,
    "pad_token_id": 0,
}


def tiny_tokenizer(template: str | None = TEMPLATE, **settings: Any) -> PreTrainedTokenizerFast:
    special = ["<eos>", "<|system|>", "<|user|>", "<|assistant|>"]
    alphabet = [chr(ord("Ā") + 32) if letter == " " else letter for letter in sorted(string.printable[:95])]
    vocabulary = {token: number for number, token in enumerate([*special, *alphabet, *("ðŁĺĤÃ©")])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token="<eos>",
        additional_special_tokens=special[1:],
        chat_template=template,
        **settings,
    )


def tiny_llama(seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return AutoModelForCausalLM.from_config(LlamaConfig(**SIZES), dtype=torch.float32).eval()


def tiny_sliding(window: int) -> Any:
    torch.manual_seed(1)
    config = MistralConfig(**SIZES, sliding_window=window)
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()


def tiny_classifier(labels: tuple[str, ...] = ("contradiction", "neutral", "ENTAILMENT")) -> Any:
    torch.manual_seed(2)
    config = LlamaConfig(**SIZES, num_labels=len(labels), id2label=dict(enumerate(labels)))
    return AutoModelForSequenceClassification.from_config(config, dtype=torch.float32).eval()


def save_cross_encoder(folder: Path, labels: int = 1) -> None:
    vocabulary = {token: number for number, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "leave", "vpn"])}
    backend = Tokenizer(models.WordLevel(vocab=vocabulary, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=128,
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        num_labels=labels,
    )
    BertForSequenceClassification(config).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))


def save_lora(folder: Path, seed: int) -> None:
    torch.manual_seed(seed)
    config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    out = folder.parent / f".trained-{folder.name}"
    get_peft_model(tiny_llama(), config).save_pretrained(str(out))
    FolderAdapterStore(folder.parent).add(folder.name, out, base_model="tiny", run="", dataset="")


def request(text: str, deadline: float, max_tokens: int = 30, adapter: str = BASE_ADAPTER) -> GenerationRequest:
    return GenerationRequest([Message("user", text)], text, (), max_tokens, deadline, adapter)


def expected(model: Any, tokenizer: Any, text: str, max_tokens: int = 30) -> str:
    """What `model.generate` says alone to the same prompt."""
    tokens = torch.tensor([tokenizer.encode(f"<|user|>{text}<|assistant|>", add_special_tokens=False)])
    with torch.inference_mode():
        output = model.generate(
            tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=max_tokens, do_sample=False, pad_token_id=0
        )
    return str(tokenizer.decode(output[0, tokens.shape[1] :], skip_special_tokens=True)).rstrip(
        "\N{REPLACEMENT CHARACTER}"
    )

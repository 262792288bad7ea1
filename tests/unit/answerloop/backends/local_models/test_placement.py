"""What a model is told when it is loaded, and what is refused where it cannot be had."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from answerloop.backends.local_models import placement
from answerloop.backends.local_models.placement import loading_options
from answerloop.errors import ConfigurationError

CPU, GPU = torch.device("cpu"), torch.device("cuda", 1)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def say(*packages: str) -> None:
        monkeypatch.setattr(placement, "is_installed", packages.__contains__)

    return say


def test_by_default_the_model_decides() -> None:
    assert loading_options("auto", "none", CPU, torch.float32) == {}
    assert loading_options("eager", "none", CPU, torch.float32) == {"attn_implementation": "eager"}


@pytest.mark.parametrize("kind", ["int8", "int4"])
def test_quantised_weights_go_straight_to_their_gpu(installed: Callable[..., None], kind: str) -> None:
    installed("bitsandbytes")
    options = loading_options("sdpa", kind, GPU, torch.bfloat16)
    assert options["device_map"] == {"": GPU}
    assert options["attn_implementation"] == "sdpa"
    config = options["quantization_config"]
    assert (config.load_in_8bit, config.load_in_4bit) == (kind == "int8", kind == "int4")
    if kind == "int4":
        assert config.bnb_4bit_compute_dtype is torch.bfloat16


@pytest.mark.parametrize(("place", "packages"), [(CPU, ("bitsandbytes",)), (GPU, ())])
def test_quantisation_needs_a_gpu_and_its_package(
    installed: Callable[..., None], place: torch.device, packages: tuple[str, ...]
) -> None:
    installed(*packages)
    with pytest.raises(ConfigurationError, match="ANSWERLOOP_QUANTISATION=int8 needs a CUDA GPU and the package"):
        loading_options("auto", "int8", place, torch.float16)


@pytest.mark.parametrize(
    ("place", "precision", "packages"),
    [(CPU, torch.bfloat16, ("flash_attn",)), (GPU, torch.bfloat16, ()), (GPU, torch.float32, ("flash_attn",))],
)
def test_flash_attention_needs_a_gpu_its_package_and_half_precision(
    installed: Callable[..., None], place: torch.device, precision: torch.dtype, packages: tuple[str, ...]
) -> None:
    installed(*packages)
    with pytest.raises(ConfigurationError, match="flash_attention_2"):
        loading_options("flash_attention_2", "none", place, precision)


def test_flash_attention_is_passed_on_where_it_can_be_had(installed: Callable[..., None]) -> None:
    installed("flash_attn")
    options = loading_options("flash_attention_2", "none", GPU, torch.float16)
    assert options == {"attn_implementation": "flash_attention_2"}

"""What an address says about where a model stands, before anything is sent there."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_PRIVATE = tuple(
    map(ipaddress.ip_network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1", "fc00::/7"))
)
_PRIVATE_NAMES = (".local", ".internal", ".lan", ".home.arpa", ".localhost")
_BARE_NAME = re.compile(r"[a-z][a-z0-9_-]{2,}")
"""A machine of the same network, such as `vllm`. Shorter ones may be domains of a country."""
_VENDORS = (
    *("anthropic.com", "openai.com", "googleapis.com", "google.com", "mistral.ai", "groq.com", "deepseek.com", "x.ai"),
    *("openrouter.ai", "together.ai", "together.xyz", "fireworks.ai", "cohere.com", "cohere.ai", "perplexity.ai"),
    *("huggingface.co", "ollama.com", "amazonaws.com", "azure.com", "nvidia.com", "cerebras.ai", "deepinfra.com"),
)


def host_of(url: str) -> str:
    """Empty where there is none."""
    try:
        return (urlsplit(url).hostname or "").casefold().rstrip(".")
    except ValueError:
        return ""


def is_private(host: str) -> bool:
    """Whether the host stands in a network of our own, as far as its name tells. Nothing is looked up: a name may stand
    for another address a moment later."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(_PRIVATE_NAMES) or _BARE_NAME.fullmatch(host) is not None
    return any(address in network for network in _PRIVATE)


def refusal(url: str, *, leaves: bool) -> str | None:
    """Why nothing may be sent to this address; none when it may. `leaves`: it is said to stand outside the house."""
    host = host_of(url)
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "is no address"
    if parts.scheme not in ("http", "https") or not host:
        return "must be an address such as https://models.example/v1"
    if parts.username or parts.password or parts.query or parts.fragment:
        return "must hold no user, password, query or fragment: a key goes into ANSWERLOOP_OPENAI_API_KEY"
    if parts.scheme == "http" and not is_private(host):
        return f"would send prompts and the key to {host} in the clear: use https"
    if not leaves and any(host == vendor or host.endswith(f".{vendor}") for vendor in _VENDORS):
        return f"is a vendor's ({host}), so ANSWERLOOP_OPENAI_LEAVES_THE_HOUSE cannot be false"
    return None

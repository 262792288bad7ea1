"""Where the answers go: an address that came with a signed request, and that the operator trusts."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def is_trusted(service_url: str, hosts: Iterable[str], *, development: bool) -> bool:
    """Whether it is https and one of the hosts, of which `*.example.com` is every one below. In development it is the
    simulator on this machine instead, and nothing else."""
    try:
        parts = urlsplit(service_url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        return False
    if development:
        return parts.scheme == "http" and host in LOOPBACK
    return parts.scheme == "https" and port in (None, 443) and any(_matches(host, each.lower()) for each in hosts)


def _matches(host: str, allowed: str) -> bool:
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed

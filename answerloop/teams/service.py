"""Where the answers go: an address that came with a signed request, and that the operator trusts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

_ADDRESS = re.compile(r"https?://(?:(?![?#@\\])[!-~])+", re.IGNORECASE)
"""Scheme, host and path in visible ASCII: what else there is, two programs may read differently."""
_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


def is_trusted(service_url: str, hosts: Iterable[str], *, development: bool) -> bool:
    """Whether it is https and one of the hosts, of which `*.example.com` is every one below. In development it is the
    simulator on this machine instead, and nothing else."""
    if not _ADDRESS.fullmatch(service_url):
        return False
    try:
        parts = urlsplit(service_url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return False
    if development:
        return parts.scheme == "http" and host in LOOPBACK
    if parts.scheme != "https" or port not in (None, 443) or not _NAME.fullmatch(host):
        return False
    return any(_matches(host, each.lower()) for each in hosts)


def _matches(host: str, allowed: str) -> bool:
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed

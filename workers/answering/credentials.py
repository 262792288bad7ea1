"""Passwords, keys and tokens that stand in a document are not repeated in an answer."""

from __future__ import annotations

import re
from functools import lru_cache

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import RegexBasedDetector

REMOVED = "[secret removed]"

_LEFT_OUT = frozenset({"Public IP (ipv4)", "JSON Web Token"})
"""An address is no secret; and the pattern of the other takes quadratic time, so there is one below."""
_NAME = r"(?P<name>(?<![\w-])[\w-]{0,30}?(?:pass ?(?:word|phrase|code)|pwd|\bpin|secret|key|token)"
_MIXED = r"(?=[^\s'\"]{0,80}\d)(?=[^\s'\"]{0,80}[a-z])[^\s'\"]{6,}"
_OUR_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
        r"\beyJ[\w-]{10,}(?:\.[\w-]*){1,2}",
        r"\bsk-[\w-]{20,}|\bAIza[\w-]{35}|(?<=[Bb]earer )[\w.~+/-]{20,}=*",
        r"(?<![\w/+-])(?=[\w/+-]*[a-z])(?=[\w/+-]*[A-Z])(?=[\w/+-]*\d)[\w/+-]{36,}=*",  # nothing to read
    )
)
_LABELLED = (  # "password: hunter2", "The PIN is 4711"; not "Password: at least 12 characters"
    re.compile(rf"(?i){_NAME}['\"]?\s*[:=]\s*['\"]?)(?:{_MIXED}|\d{{4,8}}\b|[^\s'\"]{{6,}}(?=['\"]?[.;]?$))"),
    re.compile(rf"(?i){_NAME}\s+is\s+)(?:{_MIXED}|\d{{4,8}}\b)"),
)


def without_credentials(text: str) -> str:
    for pattern in (*_OUR_PATTERNS, *_vendor_patterns()):
        text = pattern.sub(REMOVED, text)
    for pattern in _LABELLED:
        text = pattern.sub(rf"\g<name>{REMOVED}", text)
    return text


@lru_cache(maxsize=1)
def _vendor_patterns() -> tuple[re.Pattern[str], ...]:
    """The formats of some twenty vendors, as detect-secrets knows them."""
    detectors = get_mapping_from_secret_type_to_class()
    return tuple(
        pattern
        for name, detector in sorted(detectors.items())
        if issubclass(detector, RegexBasedDetector) and name not in _LEFT_OUT
        for pattern in detector.denylist
    )

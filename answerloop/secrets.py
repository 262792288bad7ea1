"""What must not be readable in the database."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from answerloop.errors import ConfigurationError

HOW_TO_MAKE_ONE = (
    'make one with `python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"`'
)


class Sealer:
    """Encrypts with the first key and reads what any of them has encrypted, so that keys can be replaced."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        """Raises ConfigurationError."""
        if not keys:
            raise ConfigurationError(f"ANSWERLOOP_SECRET_KEYS is empty, but tokens are to be stored: {HOW_TO_MAKE_ONE}")
        try:
            self._fernet = MultiFernet([Fernet(key.get_secret_value()) for key in keys])
        except ValueError:
            raise ConfigurationError(f"ANSWERLOOP_SECRET_KEYS has a key that is none: {HOW_TO_MAKE_ONE}") from None

    def seal(self, text: str) -> bytes:
        return self._fernet.encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """Raises ConfigurationError when no key of ours has sealed it."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise ConfigurationError(
                "A stored token cannot be read: ANSWERLOOP_SECRET_KEYS lacks the key that encrypted it."
            ) from None

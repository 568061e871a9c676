"""Encryption at rest."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Vault"]


class Vault(Protocol):
    """Encrypts what must not be readable at rest, bound to the installation's key."""

    def seal(self, plain: bytes) -> bytes:
        """Return the ciphertext, authenticated; two calls give two ciphertexts."""

    def open(self, sealed: bytes) -> bytes:
        """Return the plaintext; raises ``ValueError`` if the text was changed or the key is another."""

    def digest(self, plain: bytes) -> str:
        """Return a keyed digest: equal for equal text, and no help in guessing it without the key."""

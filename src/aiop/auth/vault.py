"""The vault: authenticated encryption of what must not be readable at rest."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken

from aiop.auth.keys import derive_key

__all__ = ["FernetVault"]


class FernetVault:
    """Implements ``interfaces.Vault`` with Fernet (AES-128-CBC and HMAC-SHA256)."""

    def __init__(self, secret: str) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(derive_key(secret, "vault")))
        self._digest_key = derive_key(secret, "digest")

    def seal(self, plain: bytes) -> bytes:
        """Return the ciphertext, authenticated; two calls give two ciphertexts."""
        return self._fernet.encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        """Return the plaintext; raises ``ValueError`` if the text was changed or the key is another."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise ValueError("sealed value cannot be opened with this key") from None

    def digest(self, plain: bytes) -> str:
        """Return a keyed digest: equal for equal text, and no help in guessing it without the key."""
        return hmac.new(self._digest_key, plain, hashlib.sha256).hexdigest()

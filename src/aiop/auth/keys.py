"""Keys from one secret, and tokens that are only random."""

from __future__ import annotations

import hashlib
import secrets

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["API_TOKEN_PREFIX", "REFRESH_TOKEN_PREFIX", "derive_key", "digest_of", "new_token"]

API_TOKEN_PREFIX = "aiop_"  # noqa: S105 - lets scanners for leaked secrets recognise the kind
REFRESH_TOKEN_PREFIX = "aiopr_"  # noqa: S105


def derive_key(secret: str, purpose: str) -> bytes:
    """Make a key of 32 bytes for one purpose (HKDF, RFC 5869), so that no two uses share a key.

    ``secret`` must itself be unguessable: nothing here slows down a search for it.
    """
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"aiop {purpose}".encode()).derive(secret.encode())


def new_token(prefix: str) -> str:
    """Make an unguessable token."""
    return prefix + secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """Hash a token for storage; a fast hash will do, since tokens are random and long."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

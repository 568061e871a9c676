"""Named secrets, as the store takes and gives them. A value is text, and is stored only as ciphertext."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["SealedSecret", "SecretRecord", "packed", "unpacked"]


@dataclass(frozen=True, slots=True)
class SecretRecord:
    """What may be shown of a secret."""

    name: str
    description: str | None
    created_at: datetime
    updated_at: datetime | None
    created_by: str


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """One value of a secret; with ``replaced_at`` a former one, which only containers that run may still hold."""

    name: str
    sealed: bytes = field(repr=False)
    replaced_at: datetime | None = None


def packed(name: str, value: str) -> bytes:
    """Return what is to be sealed: the value bound to its name, so that no row can pass for another."""
    return json.dumps([name, value]).encode()


def unpacked(name: str, plain: bytes) -> str:
    """Undo ``packed``; raises ``ValueError`` for the value of another secret."""
    owner, value = json.loads(plain)
    if owner != name:
        raise ValueError(f"the value stored for {name} belongs to another secret")
    return str(value)

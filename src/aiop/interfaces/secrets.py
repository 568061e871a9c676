"""The store, for named secrets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aiop.interfaces.reading import Page, PageQuery
from aiop.model.secret import SealedSecret, SecretRecord

__all__ = ["NewSecret", "SecretQuery", "SecretStore"]


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A value to store under a name. A ``description`` of ``None`` leaves the one that is there, an empty one goes."""

    name: str
    sealed: bytes = field(repr=False)
    description: str | None
    by: str


@dataclass(frozen=True, slots=True)
class SecretQuery(PageQuery):
    """Sorts by ``name created_at updated_at``; ``name`` is a substring, case ignored."""

    name: str | None = None


class SecretStore(Protocol):
    """Secrets by name; all raise ``StorageUnavailable``.

    A value that was replaced, or whose secret was deleted, is kept until no execution is under way that may have been
    given it: only so can it be masked in what such an execution still says.
    """

    async def secret(self, name: str) -> SecretRecord:
        """Read what may be shown of one; raises ``NotFound``."""

    async def secrets(self, query: SecretQuery) -> Page[SecretRecord]:
        """Read a page."""

    async def known_secrets(self, names: Collection[str]) -> frozenset[str]:
        """Return those of the names that are secrets."""

    async def put_secret(self, new: NewSecret) -> tuple[SecretRecord, bool]:
        """Store a secret or replace its value; tells whether it is new."""

    async def delete_secret(self, name: str) -> None:
        """Delete a secret; raises ``NotFound``."""

    async def sealed_secrets(self, names: Collection[str]) -> Sequence[SealedSecret]:
        """Read all values that are kept of these secrets, the newest of each first; unknown names have none."""

    async def purge_replaced_secrets(self) -> int:
        """Delete the former values that no execution under way may have been given; returns how many."""

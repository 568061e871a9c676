"""Named secrets: what comes in as text is stored sealed, and nothing gives it out again."""

from __future__ import annotations

import re

from aiop.errors import Fault, InvalidRequest
from aiop.interfaces import NewSecret, SecretStore, Vault
from aiop.model.secret import SecretRecord, packed
from aiop.spec import SECRET_NAME

__all__ = ["DESCRIPTION_MAX", "VALUE_MAX", "Secrets"]

VALUE_MAX = 64 * 1024
"""Bytes of a value in UTF-8."""

DESCRIPTION_MAX = 1000


class Secrets:
    """Stores and deletes secrets. A value replaces the one before for every attempt that starts from then on."""

    def __init__(self, store: SecretStore, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    async def put(self, name: str, value: str, *, description: str | None = None, by: str) -> tuple[SecretRecord, bool]:
        """Store a secret, or replace its value; tells whether it is new.

        Without a ``description`` the one that is there stays; an empty one takes it away. Raises ``InvalidRequest``.
        """
        faults = [*_faults("name", _name_fault(name)), *_faults("value", _value_fault(value))]
        if faults:
            raise InvalidRequest(faults)
        return await self._store.put_secret(NewSecret(name, self._vault.seal(packed(name, value)), description, by))

    async def delete(self, name: str) -> None:
        """Delete a secret; what runs with it runs on. Raises ``NotFound``."""
        await self._store.delete_secret(name)


def _faults(field: str, message: str | None) -> list[Fault]:
    return [] if message is None else [Fault(field, message)]


def _name_fault(name: str) -> str | None:
    if re.fullmatch(SECRET_NAME.strip("^$"), name):
        return None
    return "Must be a letter or `_`, then at most 127 letters, digits, `_` or `-`"


def _value_fault(value: str) -> str | None:
    size = len(value.encode("utf-8", "surrogatepass"))
    if not value.strip():
        return "Must not be empty"
    return None if size <= VALUE_MAX else f"Must have at most {VALUE_MAX} bytes"

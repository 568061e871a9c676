"""Opens named secrets for the attempts of one execution, and has them masked before anything can say them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

import structlog

from aiop.errors import StorageUnavailable
from aiop.interfaces import Clock, SecretStore, Vault
from aiop.model.secret import SealedSecret, unpacked
from aiop.orchestrator.masking import Masker
from aiop.spec import TemplateError

__all__ = ["SecretReader"]

PAUSE = timedelta(seconds=1)

log = structlog.get_logger()


class SecretReader:
    """Reads the values that hold now.

    Of each name all values that the store keeps are masked from then on, the former ones too: a container that was
    started before the last rotation, maybe by another process, may still say them.
    """

    def __init__(self, store: SecretStore, vault: Vault, clock: Clock, masker: Masker) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._masker = masker

    async def read(self, names: Collection[str], *, started: bool = False) -> Mapping[str, str]:
        """Return the values of those names that are secrets; waits while the database cannot be read.

        For a container that was ``started`` before, a secret that was deleted since has its last value. Raises
        ``TemplateError`` for a value that this installation's key does not open.
        """
        values: dict[str, str] = {}
        masked: list[str] = []
        faulty: str | None = None
        for sealed in await self._sealed(names):
            try:
                value = unpacked(sealed.name, self._vault.open(sealed.sealed))
            except ValueError:
                if sealed.replaced_at is None:
                    faulty = faulty or sealed.name
                continue
            masked.append(value)
            if sealed.replaced_at is None or started:
                values.setdefault(sealed.name, value)
        self._masker.learn(masked)
        if faulty is not None:
            raise TemplateError(f"the secret {faulty} cannot be opened with this installation's key; store it again")
        return values

    async def _sealed(self, names: Collection[str]) -> Collection[SealedSecret]:
        while True:
            try:
                return await self._store.sealed_secrets(names)
            except StorageUnavailable as error:
                log.warning("secrets_unavailable", error=str(error))
                await self._clock.sleep(PAUSE)

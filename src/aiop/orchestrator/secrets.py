"""Opens named secrets for the attempts of one execution, and has them masked before anything can say them."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta

import structlog

from aiop.errors import StorageUnavailable
from aiop.interfaces import Clock, SecretStore, Vault
from aiop.model.ids import StepId
from aiop.model.secret import SealedSecret, unpacked
from aiop.orchestrator.masking import Masker
from aiop.orchestrator.values import Login
from aiop.spec import Plan, TemplateError

__all__ = ["SecretReader"]

PAUSE = timedelta(seconds=1)

log = structlog.get_logger()


class SecretReader:
    """Reads the values that hold now.

    Of each name all values that the store keeps are masked from then on, the former ones too: a container that was
    started before the last rotation, maybe by another process, may still say them.
    """

    def __init__(
        self, store: SecretStore, vault: Vault, clock: Clock, masker: Masker, plan: Plan, login: Login | None
    ) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._masker = masker
        self._plan = plan
        self._login = login

    async def mask_former(self, begun: Iterable[StepId]) -> None:
        """Learn what the containers of another process may have been given, and what the outputs of steps may hold."""
        names = {name for step in set(begun) for name in self._mentioned(step)}
        if names:
            with contextlib.suppress(TemplateError):  # told of the attempt that needs the value
                await self._read(names, started=True)

    async def of(self, step: StepId, *, started: bool) -> Mapping[str, str]:
        """Return the secrets that a step and the credentials mention, by name; waits while the database is away.

        For a container that was ``started`` before, a secret that was deleted since has its last value. Raises
        ``TemplateError`` for a value that this installation's key does not open.
        """
        names = self._mentioned(step)
        return await self._read(names, started=started) if names else {}

    def _mentioned(self, step: StepId) -> tuple[str, ...]:
        return (*self._plan.step(step).mentioned_secrets, *(self._login.secrets if self._login else ()))

    async def _read(self, names: Collection[str], *, started: bool) -> Mapping[str, str]:
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

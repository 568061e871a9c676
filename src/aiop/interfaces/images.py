"""The images that the service keeps itself."""

from __future__ import annotations

from collections.abc import AsyncIterable, Sequence
from typing import Protocol

from aiop.model.images import ImageConfig, KeptImage, Pruned
from aiop.model.run import Credentials

__all__ = ["Images"]


class Images(Protocol):
    """What people do with the images of the embedded engine; the engine itself asks its store.

    All but ``list`` may raise ``EngineUnavailable`` (with ``EngineRefused`` where a program is missing, and
    ``ImageStoreFull``); nothing has happened then. What brings an image raises ``ImageRefused``.
    """

    def list(self) -> Sequence[KeptImage]:
        """Return all, the one used last first."""

    async def pull(self, reference: str, credentials: Credentials | None) -> KeptImage:
        """Ask the registry what the name stands for now, and get it; raises ``RegistryUnavailable``."""

    async def take_from_docker(self, reference: str) -> KeptImage:
        """Copy an image of the Docker Engine of this machine, under the digests that it is known by there."""

    async def import_archive(self, archive: AsyncIterable[bytes], reference: str | None) -> Sequence[KeptImage]:
        """Take the images of an archive as ``docker save`` or an OCI tool writes it, under the names in it.

        ``reference`` names the only one in it. Raises ``TooLarge``.
        """

    async def import_root(self, archive: AsyncIterable[bytes], reference: str, config: ImageConfig) -> KeptImage:
        """Make an image of a root file system in a tar archive (plain, gzip or zstd); raises ``TooLarge``."""

    async def prune(self, limit: int | None = None, *, imported: bool = False) -> Pruned:
        """Remove what was used least recently until ``limit`` bytes are left; by default that of the service.

        What an attempt uses never goes; what came from no registry, and so cannot be had again, only if ``imported``.
        """

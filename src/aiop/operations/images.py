"""Images of the embedded engine: each operation is the store of images' work, and then an entry in the audit log."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Iterable, Sequence
from typing import Protocol, TypeVar

from aiop.errors import ImageRefused, InvalidRequest, InvalidState
from aiop.interfaces import AgentStore, AuditStore, Images
from aiop.model.agent import EngineAddress, EngineType
from aiop.model.audit import AuditAction
from aiop.model.images import ImageConfig, KeptImage, Pruned
from aiop.model.run import Credentials

__all__ = ["ImageOperations"]

T = TypeVar("T")


class _Store(AgentStore, AuditStore, Protocol):
    """What the operations need of the store."""


class ImageOperations:
    """Brings and removes images.

    All raise ``InvalidState`` if no agent has the embedded engine: other engines keep their own images. What brings one
    raises ``InvalidRequest`` for an image that is refused, and ``EngineUnavailable``.
    """

    def __init__(self, store: _Store, images: Images, *, default_engine: EngineAddress) -> None:
        self._store = store
        self._images = images
        self._default = default_engine

    async def list(self) -> Sequence[KeptImage]:
        """Return all, the one used last first."""
        await self._check()
        return self._images.list()

    async def pull(self, reference: str, credentials: Credentials | None) -> KeptImage:
        """Get what the name stands for at its registry now."""
        await self._check()
        image = await _unless_refused("image", self._images.pull(reference, credentials))
        await self._note(AuditAction.IMAGE_PULLED, [image], reference)
        return image

    async def take_from_docker(self, reference: str) -> KeptImage:
        """Copy an image of the Docker Engine of the service's machine."""
        await self._check()
        image = await _unless_refused("image", self._images.take_from_docker(reference))
        await self._note(AuditAction.IMAGE_IMPORTED, [image], reference, source="docker")
        return image

    async def import_archive(self, archive: AsyncIterable[bytes], reference: str | None) -> Sequence[KeptImage]:
        """Take the images of an archive; raises ``TooLarge``."""
        await self._check()
        images = await _unless_refused("body", self._images.import_archive(archive, reference))
        await self._note(AuditAction.IMAGE_IMPORTED, images, reference, source="archive")
        return images

    async def import_root(self, archive: AsyncIterable[bytes], reference: str, config: ImageConfig) -> KeptImage:
        """Make an image of a root file system; raises ``TooLarge``."""
        await self._check()
        image = await _unless_refused("body", self._images.import_root(archive, reference, config))
        await self._note(AuditAction.IMAGE_IMPORTED, [image], reference, source="root")
        return image

    async def prune(self, limit: int | None, *, imported: bool) -> Pruned:
        """Remove what is not used, by the rules of ``Images.prune``."""
        await self._check()
        pruned = await self._images.prune(limit, imported=imported)
        if pruned.images:
            await self._store.note(AuditAction.IMAGES_PRUNED, None, images=pruned.images, bytes=pruned.size)
        return pruned

    async def _check(self) -> None:
        engines = [agent.engine or self._default for agent in await self._store.all_agents()]
        if all(engine.type is not EngineType.OCI for engine in engines):
            raise InvalidState("No agent has the embedded engine (`oci`): the other engines keep images of their own")

    async def _note(
        self, action: AuditAction, images: Iterable[KeptImage], reference: str | None, **detail: str
    ) -> None:
        for image in images:
            await self._store.note(action, reference or next(iter(image.names), None), digest=image.digest, **detail)


async def _unless_refused(field: str, work: Awaitable[T]) -> T:
    try:
        return await work
    except ImageRefused as error:
        raise InvalidRequest.at(field, str(error)) from None

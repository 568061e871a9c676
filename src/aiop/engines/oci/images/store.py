"""``ImageStore``: the images of the embedded engine, in a directory of our own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiop.engines.oci.images.arrivals import Arrivals
from aiop.engines.oci.images.docker import digest_in_docker, docker_endpoint
from aiop.engines.oci.images.faults import disk_faults
from aiop.engines.oci.images.image import Image
from aiop.engines.oci.images.index import Index
from aiop.engines.oci.images.pruning import superfluous
from aiop.engines.oci.images.references import Reference
from aiop.engines.oci.images.skopeo import Skopeo
from aiop.engines.oci.images.storage import Contents, Storage
from aiop.errors import EngineError, EngineUnavailable, ImageRefused, ImageStoreFull
from aiop.interfaces import Clock, explained, image_pull
from aiop.model.definition import PullPolicy
from aiop.model.images import ImageConfig, KeptImage, Pruned
from aiop.model.run import Credentials

__all__ = ["ImageStore"]

_AT_ONCE = 4
"""Images on their way; further ones queue."""

_LIMIT = 20 * 1024**3
_JUST_USED = timedelta(minutes=1)


class ImageStore:
    """Layers are shared between images, and what is in here is whole: a crash leaves nothing half made that counts.

    Present images are found without asking anybody else: ``resolve`` of one costs microseconds. Beyond ``limit`` bytes
    those go that were used least recently and can be pulled again; what is held never goes. ``docker`` is the endpoint
    of the Docker Engine that images can be taken from.
    """

    def __init__(self, root: Path, clock: Clock, *, limit: int = _LIMIT, docker: str | None = None) -> None:
        self._root = root
        self._clock = clock
        self._limit = limit
        self._docker = docker
        self._scratch = root / "t"
        self._storage = Storage(root)
        self._index = Index(root, self._scratch, clock)
        self._skopeo = Skopeo(self._scratch, self._storage.configuration, self._storage.busy)
        self._arrivals = Arrivals(self._skopeo, self._storage, self._scratch, limit=limit)
        self._contents = Contents()
        self._present: dict[str, Image | None] = {}
        """By reference as it was written: what was looked up since the last change."""
        self._images: dict[str, Image] = {}
        """By digest: what was read from the disk."""
        self._pulls: dict[tuple[str, Credentials | None], asyncio.Task[Image]] = {}
        self._tidying: asyncio.Task[Pruned] | None = None
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._alone = asyncio.Lock()

    async def open(self) -> None:
        """Make what is missing, and clean up what a crash left; before anything else."""
        await asyncio.to_thread(self._open)
        if strays := self._contents.images.keys() - set(self._index.ids.values()):
            # They only take room: a clean-up gets them too.
            with suppress(EngineError):
                await self._delete(strays)

    async def aclose(self) -> None:
        """Give up what is under way."""
        tasks: list[asyncio.Task[Image] | asyncio.Task[Pruned]] = [*self._pulls.values()]
        if self._tidying is not None:
            tasks.append(self._tidying)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- what the engine asks ---------------------------------------------------------------------------------

    async def resolve(self, reference: str, *, pull: PullPolicy, credentials: Credentials | None) -> Image:
        """Return what the name stands for, pulled if it must be, once for all who wait for the same.

        Raises ``ImageRefused``, ``RegistryUnavailable``, ``ImageStoreFull``, ``EngineUnavailable``. Call ``hold`` with
        no pause in between.
        """
        if pull is not PullPolicy.ALWAYS and (image := self._find(reference)) is not None:
            return image
        parsed = Reference.of(reference)
        fitting = credentials if credentials is not None and credentials.are_for(parsed.host) else None
        wanted = (str(parsed), fitting)
        task = self._pulls.get(wanted)
        if task is None:
            task = asyncio.create_task(self._pull(parsed, fitting))
            self._pulls[wanted] = task
            task.add_done_callback(lambda done: self._forget(wanted, done))
        return await explained(asyncio.shield(task), image_pull(reference))

    async def hold(self, digest: str, holder: str) -> None:
        """Keep an image from being removed until ``release``, also after a restart; a holder has one at a time.

        Raises ``EngineUnavailable`` if it is gone already.
        """
        image = self._index.ids.get(digest)
        if image is None:
            raise EngineUnavailable(f"the image {digest} was removed as soon as it was there")
        with disk_faults():
            self._index.hold(image, holder)

    async def release(self, holder: str) -> None:
        """Undo ``hold``; nothing happens if nothing is held."""
        self._index.release(holder)

    # --- what people ask --------------------------------------------------------------------------------------

    def list(self) -> Sequence[KeptImage]:
        """Return all, the one used last first."""
        found = [self._kept(digest) for digest in self._index.ids]
        return sorted(found, key=lambda image: (image.used_at, image.digest), reverse=True)

    async def pull(self, reference: str, credentials: Credentials | None) -> KeptImage:
        """Ask the registry what the name stands for now, and get it."""
        return self._kept((await self.resolve(reference, pull=PullPolicy.ALWAYS, credentials=credentials)).digest)

    async def take_from_docker(self, reference: str) -> KeptImage:
        """Copy an image of the Docker Engine of this machine."""
        name, host = _tagged(reference), docker_endpoint(self._docker)
        async with self._arriving():
            image = await self._arrivals.docker(name, host)
            known = await digest_in_docker(host, name)
            return await self._take(image, known, {str(name)} | ({str(name.at(known))} if known else set()))

    async def import_archive(self, archive: AsyncIterable[bytes], reference: str | None) -> Sequence[KeptImage]:
        """Take the images of an archive."""
        name = _tagged(reference) if reference is not None else None
        async with self._arrivals.spooled(archive) as file, self._arriving():
            found = [(called, image) async for called, image in self._arrivals.archive(file)]
            if name is not None and len(found) > 1:
                raise ImageRefused(f"the archive has {len(found)} images, and one name was given")
            named = [(name or called, image) for called, image in found]
            if any(called is None for called, _ in named):
                raise ImageRefused("the archive does not say how its image is called: give it a name")
            return [await self._take(image, None, {str(called)}) for called, image in named]

    async def import_root(self, archive: AsyncIterable[bytes], reference: str, config: ImageConfig) -> KeptImage:
        """Make an image of a root file system."""
        name = _tagged(reference)
        async with self._arrivals.spooled(archive) as file, self._arriving():
            return await self._take(await self._arrivals.root(file, config), None, {str(name)})

    async def prune(self, limit: int | None = None, *, imported: bool = False) -> Pruned:
        """Remove what is used least and held by nobody, until at most ``limit`` bytes are left."""
        return await self._prune(self._limit if limit is None else limit, imported=imported, spare=timedelta(0))

    async def tidied(self) -> None:
        """Wait for the clean-up that the last image may have brought about."""
        if self._tidying is not None:
            await asyncio.wait({self._tidying})

    # --- coming -----------------------------------------------------------------------------------------------

    async def _pull(self, reference: Reference, credentials: Credentials | None) -> Image:
        async with self._arriving():
            digest, image = await self._arrivals.pull(reference, credentials, self._index.ids)
            return await self._add(image, digest, {str(reference), str(reference.at(digest))})

    async def _take(self, image: str, digest: str | None, names: Iterable[str]) -> KeptImage:
        digest = digest or f"sha256:{image}"
        await self._add(image, digest, names)
        return self._kept(digest)

    async def _add(self, image: str, digest: str, names: Iterable[str]) -> Image:
        await self._reread()
        with disk_faults():
            self._index.add(image, digest, names)
        self._present.clear()
        if self._contents.size > self._limit and self._tidying is None:
            self._tidying = asyncio.create_task(self._prune(self._limit, imported=False, spare=_JUST_USED))
            self._tidying.add_done_callback(self._after_tidying)
        return self._image(digest)

    @asynccontextmanager
    async def _arriving(self) -> AsyncIterator[None]:
        try:
            async with self._slots:
                yield
        except ImageStoreFull:
            # Of what did not fit, nothing is left.
            async with self._nothing_else():
                await asyncio.to_thread(self._storage.sweep)
            raise

    def _forget(self, wanted: tuple[str, Credentials | None], task: asyncio.Task[Image]) -> None:
        del self._pulls[wanted]
        if not task.cancelled():
            # Every waiter may be gone: the fault was theirs to see, nobody is left to be told.
            task.exception()

    # --- being there ------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._storage.open()
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(mode=0o700, exist_ok=True)
        self._index.open()
        self._contents = self._storage.read()
        self._index.keep(self._contents.images)

    async def _reread(self) -> None:
        self._contents = await asyncio.to_thread(self._storage.read)

    def _find(self, reference: str) -> Image | None:
        try:
            image = self._present[reference]
        except KeyError:
            digest = self._index.names.get(str(Reference.of(reference)))
            image = self._present[reference] = self._image(digest) if digest is not None else None
        if image is not None:
            self._index.use(self._index.ids[image.digest])
        return image

    def _image(self, digest: str) -> Image:
        if digest not in self._images:
            stored = self._contents.images[self._index.ids[digest]]
            self._images[digest] = self._storage.image(stored, digest)
        return self._images[digest]

    def _kept(self, digest: str) -> KeptImage:
        image = self._index.ids[digest]
        return KeptImage(
            id=f"sha256:{image}",
            digest=digest,
            names=tuple(
                Reference.of(name).short for name, known in sorted(self._index.names.items()) if known == digest
            ),
            size=self._contents.size_of(image),
            layers=len(self._contents.images[image].layers),
            used_at=datetime.fromtimestamp(self._index.used.get(image, 0.0), UTC),
            imported=image in self._irreplaceable(),
            holders=sum(held == image for held in self._index.holders.values()),
        )

    # --- going ------------------------------------------------------------------------------------------------

    async def _prune(self, limit: int, *, imported: bool, spare: timedelta) -> Pruned:
        async with self._nothing_else():
            await asyncio.to_thread(self._storage.sweep)
            await self._reread()
            since = (self._clock.now() - spare).timestamp()
            kept = {image for image, at in self._index.used.items() if at > since} | set(self._index.holders.values())
            if not imported:
                kept |= self._irreplaceable()
            chosen, freed = superfluous(self._contents, self._index.used, kept=kept, limit=limit)
            await self._delete(chosen)
            return Pruned(len(chosen), freed)

    def _after_tidying(self, task: asyncio.Task[Pruned]) -> None:
        self._tidying = None
        if not task.cancelled():
            # What could not be removed now is tried again after the next image.
            task.exception()

    def _irreplaceable(self) -> set[str]:
        replaceable = {image for digest, image in self._index.ids.items() if digest != f"sha256:{image}"}
        return self._contents.images.keys() - replaceable

    async def _delete(self, images: Iterable[str]) -> None:
        gone = list(images)
        # First it is forgotten: what is half deleted is wanted by nobody.
        self._index.keep(self._contents.images.keys() - set(gone))
        self._present.clear()
        self._images.clear()
        for image in gone:
            await self._skopeo.run("delete", f"containers-storage:@{image}")
        await self._reread()

    @asynccontextmanager
    async def _nothing_else(self) -> AsyncIterator[None]:
        """Wait for what is on its way, and let nothing else come: a layer must not go that a pull counts on."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._alone)
            for _ in range(_AT_ONCE):
                await stack.enter_async_context(self._slots)
            yield


def _tagged(reference: str) -> Reference:
    name = Reference.of(reference)
    if name.digest is not None:
        raise ImageRefused(f"what is imported is named by a tag, and not by a digest: {reference}")
    return name

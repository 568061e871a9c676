"""``ImageStore``: the images of the embedded engine, in a directory of our own."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from aiop.engines.oci.images.image import Image, ImageConfig
from aiop.engines.oci.images.imports import root_file_system
from aiop.engines.oci.images.index import Index
from aiop.engines.oci.images.pruning import superfluous
from aiop.engines.oci.images.references import Reference, for_registry, is_loopback
from aiop.engines.oci.images.skopeo import Skopeo
from aiop.engines.oci.images.storage import Contents, Storage
from aiop.errors import EngineUnavailable, ImageRefused
from aiop.interfaces import Clock
from aiop.model.definition import PullPolicy
from aiop.model.run import Credentials

__all__ = ["ImageStore", "Pruned"]

_AT_ONCE = 4
"""Pulls and imports; further ones queue."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a clean-up took away."""

    images: int
    size: int


class ImageStore:
    """Layers are shared between images, and what is in here is whole: a crash leaves nothing half made that counts.

    Present images are found without asking anybody else: ``resolve`` of one costs microseconds. Beyond ``limit`` bytes
    those go that were used least recently and can be pulled again; what is held never goes.
    """

    def __init__(self, root: Path, clock: Clock, *, limit: int | None = None) -> None:
        self._clock = clock
        self._root = root
        self._limit = limit
        self._scratch = root / "t"
        self._storage = Storage(root)
        self._index = Index(root, self._scratch, clock)
        self._skopeo = Skopeo(self._scratch, self._storage.configuration)
        self._contents = Contents()
        self._present: dict[str, Image | None] = {}
        """By reference as it was written: what was looked up since the last change."""
        self._images: dict[str, Image] = {}
        """By digest: what was read from the disk."""
        self._pulls: dict[tuple[str, Credentials | None], asyncio.Task[Image]] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._alone = asyncio.Lock()

    async def open(self) -> None:
        """Make what is missing, and clean up what a crash left; before anything else."""
        await asyncio.to_thread(self._open)
        if strays := self._contents.images.keys() - set(self._index.ids.values()):
            await self._delete(strays)

    async def aclose(self) -> None:
        """Give up the pulls under way."""
        pulls = list(self._pulls.values())
        for task in pulls:
            task.cancel()
        await asyncio.gather(*pulls, return_exceptions=True)

    # --- what the engine asks ---------------------------------------------------------------------------------

    async def resolve(self, reference: str, *, pull: PullPolicy, credentials: Credentials | None) -> Image:
        """Return what the name stands for, pulled if it must be, once for all who wait for the same.

        Raises ``ImageRefused``, ``RegistryUnavailable``, ``ImageStoreFull``, ``EngineUnavailable``. Call ``hold`` with
        no pause in between.
        """
        if pull is not PullPolicy.ALWAYS and (image := self._find(reference)) is not None:
            return image
        parsed = Reference.of(reference)
        wanted = (str(parsed), for_registry(credentials, parsed))
        task = self._pulls.get(wanted)
        if task is None:
            task = asyncio.create_task(self._pull(parsed, wanted[1]))
            self._pulls[wanted] = task
            task.add_done_callback(lambda done: self._forget(wanted, done))
        return await asyncio.shield(task)

    async def hold(self, digest: str, holder: str) -> None:
        """Keep an image from being removed until ``release``, also after a restart; a holder has one at a time.

        Raises ``EngineUnavailable`` if it is gone already.
        """
        image = self._index.ids.get(digest)
        if image is None:
            raise EngineUnavailable(f"the image {digest} was removed as soon as it was there")
        self._index.hold(image, holder)

    async def release(self, holder: str) -> None:
        """Undo ``hold``; nothing happens if nothing is held."""
        self._index.release(holder)

    @property
    def holders(self) -> Collection[str]:
        """Who holds something."""
        return self._index.holders.keys()

    # --- what comes from no registry --------------------------------------------------------------------------

    @asynccontextmanager
    async def draft(self) -> AsyncIterator[Path]:
        """Give a free path for an archive that is to be imported; what is there at the end is deleted."""
        path = self._scratch / uuid4().hex
        try:
            yield path
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def import_root(self, archive: Path, reference: str, config: ImageConfig) -> Image:
        """Make an image of a root file system: a tar archive, plain or packed by gzip or zstd, which is used up.

        Raises ``ImageRefused`` for what is no such archive, and no name.
        """
        name = str(Reference.of(reference))
        into = self._scratch / uuid4().hex
        async with self._slots:
            try:
                source = await asyncio.to_thread(root_file_system, archive, into, config)
                image = await self._copy(lambda target: self._skopeo.run("copy", "--quiet", source, target))
            finally:
                await asyncio.to_thread(shutil.rmtree, into, ignore_errors=True)
            digest = f"sha256:{image}"
            self._add(image, digest, {name})
            return self._image(digest)

    # --- clean-up ---------------------------------------------------------------------------------------------

    async def prune(self, limit: int, *, imported: bool = False) -> Pruned:
        """Remove what is used least and held by nobody, until at most ``limit`` bytes are left.

        ``imported``: also what came from no registry, and so cannot be had again.
        """
        async with self._nothing_else():
            await self._reread()
            kept = set(self._index.holders.values())
            if not imported:
                kept |= self._irreplaceable()
            chosen, freed = superfluous(self._contents, self._index.used, kept=kept, limit=limit)
            await self._delete(chosen)
            return Pruned(len(chosen), freed)

    # --- pulling ----------------------------------------------------------------------------------------------

    async def _pull(self, reference: Reference, credentials: Credentials | None) -> Image:
        names = (str(reference), reference.repository, reference.path)
        insecure = "--tls-verify=false" if await is_loopback(reference.host) else None
        async with self._slots, self._skopeo.login(credentials, reference.host) as login:
            look = ["inspect", "--raw", "--authfile", str(login.file), *([insecure] if insecure else [])]
            manifest = await self._skopeo.run(*look, f"docker://{reference}", names=names, login=login)
            digest = _digest_of(manifest, like=reference.digest)
            if reference.digest not in (None, digest):
                raise ImageRefused(f"the registry gave {digest} for {reference}")
            image = self._index.ids.get(digest)
            if image is None:
                # By its digest: the name may come to stand for another one at any moment.
                take = ["--src-authfile", str(login.file), *([f"--src{insecure[1:]}"] if insecure else [])]
                run = self._skopeo.run
                image = await self._copy(
                    lambda name: run(
                        "copy", "--quiet", *take, f"docker://{reference.at(digest)}", name, names=names, login=login
                    )
                )
            self._add(image, digest, {str(reference), str(reference.at(digest))})
            return self._image(digest)

    async def _copy(self, copy: Callable[[str], Coroutine[None, None, bytes]]) -> str:
        """Have an image stored, by a call that is told where to; returns its id."""
        name = f"localhost/aiop:{uuid4().hex}"
        await copy(f"containers-storage:{name}")
        await self._reread()
        stored = self._contents.named(name)
        if stored is None:
            raise EngineUnavailable("skopeo stored the image, and it is not there")
        return stored.id

    def _forget(self, wanted: tuple[str, Credentials | None], task: asyncio.Task[Image]) -> None:
        del self._pulls[wanted]
        if not task.cancelled():
            # Every waiter may be gone: the fault was theirs to see, nobody is left to be told.
            task.exception()

    # --- what is there ----------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(mode=0o700)
        self._storage.open()
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

    def _add(self, image: str, digest: str, names: Iterable[str]) -> None:
        self._index.add(image, digest, names)
        self._present.clear()

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
        """Wait for the pulls under way, and let no other begin: a layer must not go that one of them counts on."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._alone)
            for _ in range(_AT_ONCE):
                await stack.enter_async_context(self._slots)
            yield


def _digest_of(manifest: bytes, *, like: str | None) -> str:
    algorithm = like.partition(":")[0] if like is not None else "sha256"
    return f"{algorithm}:{hashlib.new(algorithm, manifest).hexdigest()}"

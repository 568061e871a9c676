"""How images come into the storage: from registries, from Docker and out of archives. Each way returns an id."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from aiop.engines.oci.images.faults import disk_faults
from aiop.engines.oci.images.imports import plain, root_file_system
from aiop.engines.oci.images.references import Reference, is_loopback
from aiop.engines.oci.images.skopeo import Skopeo
from aiop.engines.oci.images.storage import Storage
from aiop.errors import EngineUnavailable, ImageRefused, ImageStoreFull, TooLarge
from aiop.model.images import ImageConfig
from aiop.model.run import Credentials

__all__ = ["Arrivals"]

_RESERVE = 512 * 1024**2
"""Bytes of the disk, or a fiftieth of it if that is less, that an image must leave to others: the database is there."""

_LOOK_SECONDS = 1.0
_COPY = ("copy", "--quiet")

T = TypeVar("T")


class Arrivals:
    """``scratch`` is on the disk of ``storage``. No archive may hold more than ``limit`` bytes, packed or unpacked."""

    def __init__(self, skopeo: Skopeo, storage: Storage, scratch: Path, *, limit: int) -> None:
        self._skopeo = skopeo
        self._storage = storage
        self._scratch = scratch
        self._limit = limit

    async def pull(
        self, reference: Reference, credentials: Credentials | None, known: Mapping[str, str]
    ) -> tuple[str, str]:
        """Ask the registry, and get what is not ``known`` by its digest; returns digest and id."""
        names = (str(reference), reference.repository, reference.path)
        options = ("=false",) if await is_loopback(reference.host) else ()
        async with self._skopeo.login(credentials, reference.host) as login:
            look = ("inspect", "--raw", "--authfile", str(login.file), *(f"--tls-verify{no}" for no in options))
            manifest = await self._skopeo.run(*look, f"docker://{reference}", names=names, login=login)
            digest = _digest_of(manifest, like=reference.digest)
            if reference.digest not in (None, digest):
                raise ImageRefused(f"the registry gave {digest} for {reference}")
            if digest in known:
                return digest, known[digest]
            take = ("--src-authfile", str(login.file), *(f"--src-tls-verify{no}" for no in options))
            # By its digest: the name may come to stand for another one at any moment.
            run = partial(self._skopeo.run, *_COPY, *take, f"docker://{reference.at(digest)}", names=names, login=login)
            return digest, await self._store(run)

    async def docker(self, reference: Reference, host: str) -> str:
        """Copy an image of a Docker Engine."""
        source = ("--src-daemon-host", host, f"docker-daemon:{reference}")
        return await self._store(partial(self._skopeo.run, *_COPY, *source, names=[str(reference)]))

    async def archive(self, file: Path) -> AsyncIterator[tuple[Reference | None, str]]:
        """Copy what an archive holds, each with the name that it has there."""
        await self._work(plain, file, limit=self._limit)
        for source, name in (await self._sources(file)).items():
            yield name, await self._store(partial(self._skopeo.run, *_COPY, source))

    async def root(self, file: Path, config: ImageConfig) -> str:
        """Make an image of a root file system, which is used up."""
        into = self._scratch / uuid4().hex
        try:
            await self._work(root_file_system, file, into, config, limit=self._limit)
            return await self._store(partial(self._skopeo.run, *_COPY, f"oci:{into.name}"))
        finally:
            await asyncio.to_thread(shutil.rmtree, into, ignore_errors=True)

    @asynccontextmanager
    async def spooled(self, archive: AsyncIterable[bytes]) -> AsyncIterator[Path]:
        """Write an archive to a file, which is there as long as the context is open."""
        path = self._scratch / uuid4().hex
        size = 0
        try:
            with disk_faults(), path.open("xb") as file:
                async for piece in archive:
                    size += len(piece)
                    if size > self._limit:
                        raise TooLarge(f"the archive is larger than {self._limit} bytes")
                    await asyncio.to_thread(file.write, piece)
            yield path
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _sources(self, archive: Path) -> dict[str, Reference | None]:
        """Return how skopeo calls what is in an archive, and how that is called there."""
        docker = f"docker-archive:{archive.name}"
        try:
            tags = json.loads(await self._skopeo.run("list-tags", docker))["Tags"] or []
        except ImageRefused:
            source = f"oci-archive:{archive.name}"
            try:
                await self._skopeo.run("inspect", "--raw", source)
            except ImageRefused:
                raise ImageRefused(
                    "the archive is neither one of `docker save` nor one of an OCI tool; if it is a root file system, "
                    "that must be said"
                ) from None
            return {source: None}
        return {f"{docker}:{tag}": Reference.of(tag) for tag in tags} or {docker: None}

    async def _store(self, copy: Callable[[str], Awaitable[bytes]]) -> str:
        """Have an image stored, by a call that is told where to; returns its id. Raises ``ImageStoreFull``."""
        name = f"localhost/aiop:{uuid4().hex}"
        task = asyncio.ensure_future(copy(f"containers-storage:{name}"))
        try:
            while not (await asyncio.wait({task}, timeout=_LOOK_SECONDS))[0]:
                usage = shutil.disk_usage(self._scratch)
                if usage.free < min(_RESERVE, usage.total // 50):
                    raise ImageStoreFull(f"the disk of the image store is full: {usage.free} bytes are left")
        finally:
            task.cancel()
            await asyncio.wait({task})
        await task
        stored = (await asyncio.to_thread(self._storage.read)).named(name)
        if stored is None:
            raise EngineUnavailable("skopeo stored an image, and it is not there")
        return stored.id

    async def _work(self, work: Callable[..., T], *arguments: object, **more: object) -> T:
        with disk_faults():
            return await asyncio.to_thread(work, *arguments, **more)


def _digest_of(manifest: bytes, *, like: str | None) -> str:
    algorithm = like.partition(":")[0] if like is not None else "sha256"
    return f"{algorithm}:{hashlib.new(algorithm, manifest).hexdigest()}"

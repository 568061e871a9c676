"""A workspace for an engine that cannot mount it: a copy goes out as an archive, and what that changed comes back."""

from __future__ import annotations

import asyncio
import shutil
import tarfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from aiop.errors import EngineUnavailable
from aiop.overlay.packing import pack
from aiop.overlay.stack import Stack

__all__ = ["is_taken_back", "renew", "shown", "take_back"]


async def shown(layers: Sequence[str], name: str) -> AsyncIterator[bytes]:
    """Yield a tar archive of all that the layers show, the topmost first, below the directory ``name``.

    Raises ``EngineUnavailable`` if it cannot be read.
    """
    with _disk_faults():
        pieces = pack(Stack(layers), name)
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece


def is_taken_back(work: str) -> bool:
    """Whether ``take_back`` was done: the layer may be sealed already, and must not change any more."""
    return _done(work).exists()


async def take_back(
    archive: AsyncIterator[bytes], unpack: Callable[[IO[bytes], str], None], *, upper: str, work: str
) -> None:
    """Keep an archive in ``work``, and let ``unpack`` make the layer ``upper`` of it.

    Breaking off and repeating does no harm. Raises ``EngineUnavailable`` for what is no such archive too: it may have
    broken off.
    """
    spool = Path(work, "archive")
    with _disk_faults():
        file = await asyncio.to_thread(spool.open, "wb")
    with file:
        async for piece in archive:
            with _disk_faults():
                await asyncio.to_thread(file.write, piece)

    def take() -> None:
        with spool.open("rb") as whole:
            renew(upper, work, lambda draft: unpack(whole, draft))
        _done(work).touch()
        spool.unlink()

    with _disk_faults():
        await asyncio.to_thread(take)


def renew(upper: str, work: str, fill: Callable[[str], None]) -> None:
    """Put the directory that ``fill`` fills in the place of ``upper``; ``work`` is on the same file system."""
    draft, old = Path(work, "draft"), Path(work, "old")
    for leftover in (draft, old):
        shutil.rmtree(leftover, ignore_errors=True)
    draft.mkdir()
    fill(str(draft))
    if Path(upper).exists():
        Path(upper).rename(old)
    draft.rename(upper)
    shutil.rmtree(old, ignore_errors=True)


def _done(work: str) -> Path:
    return Path(work, "copied")


@contextmanager
def _disk_faults() -> Iterator[None]:
    """A fault of our own disk is no better reason to give up than one of the engine's: try again later."""
    try:
        yield
    except (OSError, tarfile.TarError, ValueError) as error:
        raise EngineUnavailable(f"the workspace cannot be copied: {error}") from error

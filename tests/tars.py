"""Small tar archives for tests."""

import io
import tarfile
from collections.abc import AsyncIterator, Iterable
from typing import TypeAlias

Member: TypeAlias = tuple[str, bytes | str | None]
"""A name, and content, ``-> target``, ``=> other name`` (a hard link) or nothing (a directory)."""


def tar(members: Iterable[Member], *, kind: bytes | None = None) -> bytes:
    """Make an archive; ``kind``: of all members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                info.type = tarfile.SYMTYPE if content.startswith("->") else tarfile.LNKTYPE
                info.linkname = content[3:]
            else:
                info.size = len(content)
            if kind is not None:
                info.type, info.size = kind, 0
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return buffer.getvalue()


async def pieces(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    """Send bytes as a client does."""
    for at in range(0, len(data), size):
        yield data[at : at + size]

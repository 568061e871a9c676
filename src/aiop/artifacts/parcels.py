"""Directories as streams of bytes, for the way to a bucket and back."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

import zstandard

from aiop.errors import ArtifactLost, StorageUnavailable
from aiop.overlay import pack_directory, unpack_directory

__all__ = ["pack", "unpack"]

_LEVEL = 3
_PIECE = 256 * 1024


def pack(directory: Path) -> Iterator[bytes]:
    """Yield a directory exactly as it is, as tar in zstd."""
    chunker = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).chunker(chunk_size=_PIECE)
    for piece in pack_directory(str(directory)):
        yield from chunker.compress(piece)
    yield from chunker.finish()  # type: ignore[no-untyped-call]


def unpack(pieces: Iterable[bytes], into: Path) -> None:
    """Make in an empty directory what was packed; raises ``ArtifactLost`` if that is not whole."""
    try:
        with zstandard.ZstdDecompressor().stream_reader(cast("IO[bytes]", _Reader(pieces))) as stream:
            unpack_directory(cast("IO[bytes]", stream), str(into))
            # The check sum comes at the end.
            while stream.read(_PIECE):
                pass
    except (tarfile.TarError, zstandard.ZstdError, EOFError, ValueError, FileExistsError) as error:
        raise ArtifactLost(f"what was kept is damaged: {error}") from error
    except PermissionError as error:
        raise StorageUnavailable(
            "files of other users cannot be made: services that share a bucket run as one user, or as root"
        ) from error


class _Reader(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = piece
        taken = self._left[: len(buffer)]
        buffer[: len(taken)] = taken
        self._left = self._left[len(taken) :]
        return len(taken)

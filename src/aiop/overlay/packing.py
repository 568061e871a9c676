"""The merged view of a stack as a tar archive."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from typing import IO

from aiop.overlay.stack import Node, Stack

__all__ = ["Gathered", "pack", "pack_content"]

_PIECE = 256 * 1024


class Gathered:
    """A file to write to, of which the bytes can be taken."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.size = 0
        self.taken = 0

    def tell(self) -> int:
        """Return how much was written."""
        return self.taken + self.size

    def write(self, data: bytes) -> int:
        """Keep it until it is taken."""
        self.pieces.append(data)
        self.size += len(data)
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        data = b"".join(self.pieces)
        self.pieces.clear()
        self.taken += self.size
        self.size = 0
        return data


def pack(stack: Stack, name: str) -> Iterator[bytes]:
    """Yield a tar archive of all that the stack shows, below the directory ``name``, in pieces of a fair size.

    Owners are numbers, times whole. Equal files are not linked to each other, even where they share one on the disk.
    """
    out = Gathered()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
        tar.addfile(_member(stack.root, name))
        for node in stack.walk():
            member = _member(node, f"{name}/{node.path}")
            tar.addfile(member)
            if member.isreg() and member.size:
                with open(node.real[0], "rb", buffering=0) as file:
                    yield from pack_content(file, member.size, out)
            if out.size >= _PIECE:
                yield out.take()
    yield out.take()


def pack_content(file: IO[bytes], size: int, out: Gathered) -> Iterator[bytes]:
    """Write the content of a member, and yield what has gathered by then."""
    left = size
    while left:
        data = file.read(min(left, _PIECE))
        if not data:
            raise OSError(f"{file.name} became shorter while it was read")
        left -= len(data)
        out.write(data)
        if out.size >= _PIECE:
            yield out.take()
    out.write(bytes(-size % tarfile.BLOCKSIZE))


def _member(node: Node, name: str) -> tarfile.TarInfo:
    status, path = node.status, node.real[0]
    member = tarfile.TarInfo(name)
    member.mode = stat.S_IMODE(status.st_mode)
    if os.geteuid() == 0:
        # Else all files are ours, which says nothing: they are given to root.
        member.uid, member.gid = status.st_uid, status.st_gid
    member.mtime = status.st_mtime_ns // 1_000_000_000
    if node.is_directory:
        member.type = tarfile.DIRTYPE
    elif node.is_link:
        member.type, member.linkname = tarfile.SYMTYPE, os.readlink(path)
    else:
        member.size = status.st_size
    return member

"""The view of several directories on top of each other."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aiop.overlay.marks import is_opaque, is_whiteout

__all__ = ["Node", "Stack"]


@dataclass(frozen=True, slots=True)
class Node:
    """What is seen at one path. ``status`` is that of the topmost; ``real`` are the paths that it comes from: one,
    or for a directory all those that are merged, the topmost first.
    """

    path: str
    status: os.stat_result
    real: tuple[str, ...]

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory (and no link to one)."""
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.status.st_mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.status.st_mode)


class Stack:
    """Directories, the topmost first. Paths are relative, without ``.`` and ``..``; links are never followed."""

    def __init__(self, directories: Sequence[str]) -> None:
        self.root = Node("", os.lstat(directories[0]), tuple(directories))

    def lookup(self, path: str) -> Node | None:
        """Return what is at ``path``; ``None`` if nothing is, or if something on the way is no directory."""
        node: Node | None = self.root
        for name in path.split("/") if path else ():
            if node is None or not node.is_directory:
                return None
            node = child(node, name)
        return node

    def walk(self) -> Iterator[Node]:
        """Yield everything but the root, each directory before what is in it, names in the order of their bytes."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            if node is not self.root:
                yield node
            if node.is_directory:
                found = children(node)
                waiting.extend(found[name] for name in sorted(found, key=os.fsencode, reverse=True))


def child(parent: Node, name: str) -> Node | None:
    """Return what a merged directory has under ``name``."""
    top: os.stat_result | None = None
    real: list[str] = []
    for directory in parent.real:
        path = f"{directory}/{name}"
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            continue
        if is_whiteout(status):
            break
        is_directory = stat.S_ISDIR(status.st_mode)
        if top is None:
            top = status
        elif not is_directory:
            break
        real.append(path)
        if not is_directory or is_opaque(path):
            break
    if top is None:
        return None
    return Node(f"{parent.path}/{name}" if parent.path else name, top, tuple(real))


def children(parent: Node) -> dict[str, Node]:
    """Return all that a merged directory has, by name, in no order."""
    prefix = f"{parent.path}/" if parent.path else ""
    found: dict[str, tuple[os.stat_result, list[str]]] = {}
    closed: set[str] = set()
    last = len(parent.real) - 1
    for number, directory in enumerate(parent.real):
        with os.scandir(directory) as entries:
            for entry in entries:
                name = entry.name
                if name in closed:
                    continue
                status = entry.stat(follow_symlinks=False)
                is_directory = stat.S_ISDIR(status.st_mode)
                if name not in found:
                    if is_whiteout(status):
                        closed.add(name)
                        continue
                    found[name] = (status, [f"{directory}/{name}"])
                elif is_directory:
                    found[name][1].append(f"{directory}/{name}")
                # Nothing lies below the last directory that a mark could hide.
                if not is_directory or (number != last and is_opaque(f"{directory}/{name}")):
                    closed.add(name)
    return {name: Node(prefix + name, status, tuple(real)) for name, (status, real) in found.items()}

"""Small trees of files for tests, written and read as dictionaries."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from aiop.overlay import Stack, is_whiteout

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where to put what is flushed many times."""

Shape: TypeAlias = Mapping[str, str | None]
"""By path: content of a file, ``-> target`` for a link, ``None`` for a directory."""


def plant(root: Path, shape: Shape) -> Path:
    """Make the tree, with its directories."""
    root.mkdir(parents=True, exist_ok=True)
    for path, content in shape.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            place.mkdir(exist_ok=True)
        elif content.startswith("-> "):
            place.symlink_to(content.removeprefix("-> "))
        else:
            place.write_text(content)
    return root


def shape(root: Path) -> dict[str, str | None]:
    """Read a tree, without whiteouts."""
    return seen(Stack([str(root)]))


def seen(stack: Stack) -> dict[str, str | None]:
    """Read what a stack shows."""
    found: dict[str, str | None] = {}
    for node in stack.walk():
        if node.is_directory:
            found[node.path] = None
        elif node.is_link:
            found[node.path] = f"-> {Path(node.real[0]).readlink()}"
        else:
            found[node.path] = Path(node.real[0]).read_text()
    return found


def details(stack: Stack) -> dict[str, tuple[int, int, int, str]]:
    """Read all of what a stack shows but times: kind and mode, owners, content."""
    shown = seen(stack)
    return {
        node.path: (node.status.st_mode, node.status.st_uid, node.status.st_gid, str(shown[node.path]))
        for node in stack.walk()
    }


def raw(layer: Path) -> dict[str, str]:
    """Read a layer as it is on the disk: what a shape says, and ``(removed)``."""
    found = {}
    for directory, directories, files in os.walk(layer):
        for name in [*directories, *files]:
            path = Path(directory, name)
            status = path.lstat()
            if is_whiteout(status):
                text = "(removed)"
            elif stat.S_ISDIR(status.st_mode):
                text = "(directory)"
            elif stat.S_ISLNK(status.st_mode):
                text = f"-> {path.readlink()}"
            else:
                text = path.read_text() if stat.S_ISREG(status.st_mode) else "(special)"
            found[str(path.relative_to(layer))] = text
    return found

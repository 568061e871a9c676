"""A workspace without an overlay mounted: what a fake container reads and writes in it, in the same format."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

from aiop.model.run import Workspace
from aiop.overlay import Escape, Stack, copy_status, find, is_whiteout, make_whiteout

__all__ = ["FakeWorkspace"]


class FakeWorkspace:
    """Paths are those in the container; ``inside`` says which of them are meant."""

    def __init__(self, workspace: Workspace) -> None:
        self.target = workspace.target.rstrip("/")
        self._upper = Path(workspace.upper)
        self._lowers = workspace.lowers
        self._stack = Stack([workspace.upper, *workspace.lowers])

    def inside(self, path: str) -> bool:
        """Whether the path lies in the workspace."""
        return posixpath.normpath(path).startswith(f"{self.target}/")

    def read(self, path: str) -> bytes | None:
        """Return a file, links followed; ``None`` if there is none."""
        try:
            node = find(self._stack, path, target=self.target)
        except Escape:
            return None
        return Path(node.real[0]).read_bytes() if node is not None and node.is_file else None

    def write(self, path: str, data: bytes) -> None:
        """Write a file as root does, with its directories."""
        relative = self._relative(path)
        self._make_directory(posixpath.dirname(relative))
        place = self._upper / relative
        below = Stack(self._lowers).lookup(relative)
        if place.is_symlink() or (os.path.lexists(place) and is_whiteout(place.lstat())):
            place.unlink()
        fresh = not place.exists()
        place.write_bytes(data)
        if fresh:
            place.chmod(below.status.st_mode & 0o7777 if below is not None and below.is_file else 0o644)

    def remove(self, path: str) -> None:
        """Remove a file; nothing happens if there is none."""
        relative = self._relative(path)
        place = self._upper / relative
        if self._stack.lookup(relative) is None:
            return
        if os.path.lexists(place):
            place.unlink()
        if Stack(self._lowers).lookup(relative) is not None:
            self._make_directory(posixpath.dirname(relative))
            make_whiteout(str(place))

    def _relative(self, path: str) -> str:
        return posixpath.normpath(path)[len(self.target) + 1 :]

    def _make_directory(self, relative: str) -> None:
        place = self._upper / relative
        if not relative or place.is_dir():
            return
        self._make_directory(posixpath.dirname(relative))
        if os.path.lexists(place):
            place.unlink()
        place.mkdir()
        place.chmod(0o755)
        below = Stack(self._lowers).lookup(relative)
        if below is not None and below.is_directory:
            copy_status(below.real[0], str(place))

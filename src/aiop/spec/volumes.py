"""What a volume's ``source`` means, and which host paths a container may see."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aiop.model.definition import Volume
from aiop.model.run import HostMount, VolumeMount

__all__ = ["VolumePolicy", "VolumeRefused", "check_source", "lies_in"]

_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}")


class VolumeRefused(ValueError):
    """A volume that must not, or cannot, be mounted; the message is a sentence for people."""


def check_source(source: str) -> None:
    """Raise ``VolumeRefused`` unless ``source`` is an absolute path, one with ``./``, or a volume's name."""
    if not source or "\0" in source:
        raise VolumeRefused("The source of a volume must not be empty nor hold a NUL character")
    if source.startswith(("/", "./")) or source == ".":
        return
    if "/" in source or source == "..":
        raise VolumeRefused("A relative source begins with `./`; the name of a volume has no slash")
    if not _VOLUME_NAME.fullmatch(source):
        raise VolumeRefused(
            "The name of a volume has two or more letters, digits, `_`, `.` and `-`, but begins with no mark"
        )


@dataclass(frozen=True, slots=True)
class VolumePolicy:
    """The host paths that may be mounted: those at or under one of ``roots`` or ``workflow_directory``.

    Both sides are resolved through symbolic links at the moment of the call, by ``realpath``.
    """

    roots: Iterable[str] = ()
    workflow_directory: str | None = None
    realpath: Callable[[str], str] = field(default=os.path.realpath)

    def resolve(self, volume: Volume) -> HostMount | VolumeMount:
        """Say what is to be mounted; raises ``VolumeRefused``. Templates in ``volume`` are rendered already."""
        source = volume.source
        check_source(source)
        if not source.startswith(("/", "./")) and source != ".":
            return VolumeMount(source, volume.target, volume.read_only)
        if not source.startswith("/"):
            if self.workflow_directory is None:
                raise VolumeRefused(f"The source `{source}` is relative, and there is no workflow directory")
            source = f"{self.workflow_directory}/{source}"
        try:
            resolved = self.realpath(source)
            allowed = any(lies_in(resolved, self.realpath(root)) for root in self._allowed())
        except (OSError, ValueError) as error:
            raise VolumeRefused(f"The source `{volume.source}` cannot be resolved: {error}") from None
        if not allowed:
            raise VolumeRefused(f"The source `{volume.source}` does not lie in a directory that volumes may come from")
        return HostMount(resolved, volume.target, volume.read_only)

    def _allowed(self) -> list[str]:
        return [*self.roots] if self.workflow_directory is None else [*self.roots, self.workflow_directory]


def lies_in(path: str, root: str) -> bool:
    """Tell whether ``path`` is at or under ``root``; both without links."""
    return path == root or root == "/" or path.startswith(root + "/")

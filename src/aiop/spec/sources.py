"""What ``source_directory`` means, and which directories of this machine a pipeline may read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aiop.errors import SourceRefused
from aiop.model.ids import UploadId
from aiop.spec.volumes import lies_in

__all__ = ["SourcePolicy", "check_source_directory", "uploaded"]

_UPLOAD = re.compile(r"source:([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")


def uploaded(source: str) -> UploadId | None:
    """Return the id in ``source:<id>``, ``None`` for what is no upload."""
    match = _UPLOAD.fullmatch(source)
    return UploadId(match[1].lower()) if match else None


def check_source_directory(source: str) -> None:
    """Raise ``SourceRefused`` unless it is an absolute path, one with ``./``, or ``source:`` and an id."""
    if "\0" in source or not (source.startswith(("/", "./")) or source == "." or uploaded(source)):
        raise SourceRefused("Must be an absolute path, `./` and a path, or `source:` and the id of an upload")


@dataclass(frozen=True, slots=True)
class SourcePolicy:
    """The directories that may be read: those at or under one of ``roots`` or ``workflow_directory``.

    Both sides are resolved through symbolic links at the moment of the call.
    """

    roots: Iterable[str] = ()
    workflow_directory: str | None = None
    realpath: Callable[[str], str] = field(default=os.path.realpath)
    isdir: Callable[[str], bool] = field(default=os.path.isdir)

    def resolve(self, source: str) -> str:
        """Return the directory, absolute and without links; raises ``SourceRefused``."""
        check_source_directory(source)
        path = source
        if not path.startswith("/"):
            if self.workflow_directory is None:
                raise SourceRefused(f"`{source}` is relative, and there is no workflow directory")
            path = f"{self.workflow_directory}/{source}"
        resolved = self.realpath(path)
        roots = [*self.roots] if self.workflow_directory is None else [*self.roots, self.workflow_directory]
        # Said before it is looked for: whether it exists is nobody's business outside of the roots.
        if not any(lies_in(resolved, self.realpath(root)) for root in roots):
            raise SourceRefused(f"`{source}` does not lie in a directory that sources may come from")
        if not self.isdir(resolved):
            raise SourceRefused(f"There is no directory `{source}`")
        return resolved

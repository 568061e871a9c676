"""Named outputs: what is left of a workspace when its layers are gone."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import orjson

from aiop.artifacts.disk import Disk, flush_tree
from aiop.artifacts.layers import Layers
from aiop.errors import ArtifactLost, SourceRefused
from aiop.model.artifacts import OutputKind, StoredOutput
from aiop.model.ids import ExecutionId, LayerId, SnapshotId
from aiop.overlay import Escape, Node, Stack, find, pack

__all__ = ["Outputs"]

_LEVEL = 6
"""Of gzip."""


class Outputs:
    """A directory for each execution, in it one for each name: ``d``, the bytes of the download, and ``i``."""

    def __init__(self, disk: Disk, layers: Layers, used: Callable[[Path], None]) -> None:
        self._disk = disk
        self._layers = layers
        self._used = used

    def keep(
        self,
        execution: ExecutionId,
        name: str,
        path: str,
        *,
        source: SnapshotId | None,
        layers: Sequence[LayerId],
        target: str,
    ) -> StoredOutput | None:
        """Copy out what is at ``path``; raises ``SourceRefused`` and ``ArtifactLost``.

        What another attempt left under the name is replaced, or goes if there is nothing now.
        """
        place = self._place(execution, name)
        made_of = [path, target, source, *layers]
        known = self._known(place)
        if known is not None and known["of"] == made_of:
            return _stored(known)
        self._disk.delete(place)
        stack = Stack(self._layers.lowers(source, layers))
        try:
            node = find(stack, path, target=target)
        except Escape as error:
            raise SourceRefused(str(error)) from None
        if node is None:
            return None
        with self._disk.drafted() as draft:
            kind = _write(node, draft / "d")
            with (draft / "d").open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = (draft / "d").stat().st_size
            made = {"kind": kind, "size": size, "sha256": digest, "of": made_of}
            (draft / "i").write_bytes(orjson.dumps(made))
            flush_tree(draft)
            place.parent.mkdir(mode=0o700, exist_ok=True)
            self._disk.publish(draft, place)
        self._used(place.parent)
        return _stored(made)

    def open(self, execution: ExecutionId, name: str) -> IO[bytes]:
        """Open the bytes of a download; raises ``ArtifactLost``."""
        try:
            return (self._place(execution, name) / "d").open("rb")
        except FileNotFoundError:
            raise ArtifactLost(f"the output {name} of {execution} is not here any more") from None

    def held(self) -> list[tuple[ExecutionId, Path]]:
        """List the executions that have outputs, with their directories."""
        return [(ExecutionId(place.name), place) for place in self._disk.outputs.iterdir()]

    def path(self, execution: ExecutionId) -> Path:
        """Return where the outputs of an execution are, if they are here."""
        return self._disk.outputs / execution

    def delete(self, execution: ExecutionId) -> int:
        """Delete all outputs of an execution."""
        return self._disk.delete(self.path(execution))

    def delete_one(self, execution: ExecutionId, name: str) -> int:
        """Delete one output of an execution."""
        return self._disk.delete(self._place(execution, name))

    def _place(self, execution: ExecutionId, name: str) -> Path:
        # A name is the user's and may be anything.
        return self.path(execution) / hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def _known(self, place: Path) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = orjson.loads((place / "i").read_bytes())
        except FileNotFoundError:
            return None
        return found


def _stored(made: Mapping[str, Any]) -> StoredOutput:
    return StoredOutput(OutputKind(made["kind"]), made["size"], made["sha256"])


def _write(node: Node, path: Path) -> OutputKind:
    if node.is_file:
        # A copy, so that nothing of the layer need stay.
        shutil.copyfile(node.real[0], path)
        return OutputKind.FILE
    if not node.is_directory:
        raise SourceRefused(f"{node.path} is neither a file nor a directory")
    name = node.path.rpartition("/")[2] or "workspace"
    # Without a time and a name in its head, the same directory makes the same archive.
    with path.open("xb") as file, gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as packed:
        for piece in pack(Stack(node.real), name):
            packed.write(piece)
    return OutputKind.DIRECTORY

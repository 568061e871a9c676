"""Puts a directory into an archive, to be uploaded as a source."""

from __future__ import annotations

import os
import stat
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aiop.cli.exits import Exit, Failure
from aiop.errors import SourceRefused
from aiop.ignore import DOCKER_FILE, GIT_FILE, DockerRules, GitRules

__all__ = ["packed"]


@contextmanager
def packed(directory: Path, *, told: Callable[[int], None]) -> Iterator[Path]:
    """Make a ``.tar.gz`` of the directory, for as long as the context is open; how large it is so far is ``told``.

    What ``.gitignore`` and ``.dockerignore`` name stays at home, as it would if the service read the directory; the
    service looks at them once more, so what is left out here only saves the way. Links are packed as links.
    """
    with tempfile.TemporaryDirectory(prefix="aiop-") as place:
        archive = Path(place) / "source.tar.gz"
        try:
            # Fast: the way to most services is short, and sources are small.
            with tarfile.open(archive, "w:gz", compresslevel=1, format=tarfile.PAX_FORMAT) as tar:
                for path, name in _chosen(directory):
                    tar.add(path, name, recursive=False)
                    told(tar.offset)
        except (OSError, SourceRefused) as error:
            hint = "Leave it out by .dockerignore or .gitignore, or make it readable."
            raise Failure(Exit.USAGE, f"cannot pack {directory}: {error}", hint=hint) from error
        yield archive


def _chosen(root: Path) -> Iterator[tuple[Path, str]]:
    """Go through files and directories that count, each with its name in the archive, parents first."""
    docker = DockerRules(_text(root / DOCKER_FILE))
    waiting: list[tuple[Path, str, GitRules]] = [(root, "", GitRules())]
    while waiting:
        directory, prefix, above = waiting.pop()
        rules = above.below(prefix, text) if (text := _text(directory / GIT_FILE)) else above
        for entry in sorted(os.scandir(directory), key=lambda each: each.name):
            mode = entry.stat(follow_symlinks=False).st_mode
            name = f"{prefix}{entry.name}"
            path = Path(entry.path)
            if stat.S_ISDIR(mode):
                inside = f"{name}/"
                if rules.leaves_out(inside) or (docker.leaves_out(inside) and not docker.may_take_in(inside)):
                    continue
                if not docker.leaves_out(inside):
                    yield path, name
                waiting.append((path, inside, rules))
            elif rules.leaves_out(name) or docker.leaves_out(name):
                continue
            elif stat.S_ISREG(mode) or stat.S_ISLNK(mode):
                yield path, name
            else:
                raise SourceRefused(f"{name} is neither a file, a directory nor a link")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except (FileNotFoundError, IsADirectoryError):
        return ""

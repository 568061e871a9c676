"""The root of a container: mounted, and looked into as a program in it would.

All of this is done in the chamber, inside of ``fresh_mounts``. Paths are followed by the kernel with the container's
root as the root, so no link leads out of it.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from aiop.engines.oci.linux import (
    AT_FDCWD,
    MS_BIND,
    MS_RDONLY,
    MS_REC,
    RESOLVE_IN_ROOT,
    RESOLVE_NO_SYMLINKS,
    mount,
    open_beneath,
)
from aiop.engines.oci.user_namespace import inside
from aiop.model.run import OUTPUT_LIMIT, OutputFile

__all__ = [
    "TooManyLayers",
    "bind_source",
    "copy_up",
    "make_directory",
    "mount_overlay",
    "mount_view",
    "opened",
    "put_files",
    "read_output",
    "read_text",
]

_OPTIONS_SIZE = 4096
"""The kernel takes a page."""

_PLAIN = "index=off,metacopy=off,redirect_dir=nofollow"
"""Whatever the kernel's defaults are: a layer must be whole without the ones that it lies on."""

_PLAIN_OF_USERS = "index=off,userxattr"
"""The root of a user namespace can make no other marks; with these the rest is off."""


class TooManyLayers(Exception):
    """The paths of the layers do not fit into the options of a mount."""


def mount_overlay(target: Path, lowers: Sequence[str], *, upper: str | None = None, work: str | None = None) -> None:
    """Mount the stack; without an ``upper`` it can be read only. Changes the working directory.

    ``volatile``: at its end nothing is flushed, and it cannot be mounted again. Whoever keeps the ``upper`` flushes it.
    """
    base = os.path.commonpath(lowers) if len(lowers) > 1 else "/"
    os.chdir(base)
    names = [_escaped(os.path.relpath(lower, base), ":") for lower in lowers]
    options = f"{_PLAIN_OF_USERS if inside() else _PLAIN},lowerdir={':'.join(names)}"
    if upper is not None and work is not None:
        options += f",upperdir={_escaped(upper)},workdir={_escaped(work)},volatile"
    if len(os.fsencode(options)) >= _OPTIONS_SIZE:
        raise TooManyLayers(f"{len(lowers)} layers are more than one mount can have")
    mount("overlay", str(target), "overlay", options=options, flags=0 if upper is not None else MS_RDONLY)


def bind_source(source: str, target: Path) -> None:
    """Mount a directory or file of this machine at ``target``, which is made; raises ``OSError``.

    A link on its way is refused: where the path leads was decided before, and somebody may have changed it since.
    """
    found = open_beneath(AT_FDCWD, source, os.O_PATH, resolve=RESOLVE_NO_SYMLINKS)
    try:
        if stat.S_ISDIR(os.fstat(found).st_mode):
            target.mkdir(exist_ok=True)
        else:
            target.touch()
        mount(f"/proc/self/fd/{found}", str(target), flags=MS_BIND | MS_REC)
    finally:
        os.close(found)


def mount_view(root: Path, binds: Iterable[tuple[str, str]]) -> None:
    """Mount in ``root`` what a container sees there besides, each from its source at its target, if that is there."""
    with opened(root) as top:
        for source, target in sorted(binds, key=lambda bind: bind[1].rstrip("/").count("/")):
            with _in_root(top, target) as place:
                if place is not None:
                    mount(source, f"/proc/self/fd/{place}", flags=MS_BIND | MS_REC)


def put_files(root: Path, files: Mapping[str, bytes]) -> None:
    """Write files, with the directories on their way; one that begins with ``#!`` can be executed."""
    with opened(root) as top:
        for path, content in files.items():
            place, name = PurePosixPath(path).parent, PurePosixPath(path).name
            parent = _make_directories(top, str(place))
            try:
                # What is there goes first: it may be a link, or a file that others have too.
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=parent)
                mode = 0o755 if content.startswith(b"#!") else 0o644
                with os.fdopen(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode, dir_fd=parent), "wb") as file:
                    file.write(content)
                    os.fchmod(file.fileno(), mode)
            finally:
                os.close(parent)


def make_directory(root: Path, path: str) -> None:
    """Make a directory, with those on its way, unless it is there."""
    with opened(root) as top:
        os.close(_make_directories(top, path))


def read_output(root: Path, path: str) -> OutputFile | None:
    """Read a regular file; ``None`` if it is not there."""
    with opened(root) as top:
        try:
            descriptor = open_beneath(top, path, os.O_RDONLY | os.O_NONBLOCK, resolve=RESOLVE_IN_ROOT)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            return OutputFile(None, f"{path} is no regular file")
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return OutputFile(None, f"{path} is no regular file")
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(OUTPUT_LIMIT + 1)
        if len(content) > OUTPUT_LIMIT:
            return OutputFile(None, f"{path} is larger than {OUTPUT_LIMIT} bytes")
        return OutputFile(content)


def read_text(root: Path, path: str) -> str:
    """Read a small text of the image; empty if it is not there."""
    found = read_output(root, path)
    return found.content.decode(errors="replace") if found is not None and found.content is not None else ""


def copy_up(root: Path, path: str, volume: Path) -> None:
    """Fill a new volume with what the image has at the place where it is mounted, as Docker does."""
    with opened(root) as top, _in_root(top, path) as place:
        if place is None or not stat.S_ISDIR(os.fstat(place).st_mode):
            return
        subprocess.run(  # noqa: S603
            ["cp", "-a", "--", f"/proc/self/fd/{place}/.", str(volume)],  # noqa: S607 - everybody has it
            pass_fds=[place],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )


@contextmanager
def opened(root: Path) -> Iterator[int]:
    """Open the directory that is to be the root of paths."""
    top = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield top
    finally:
        os.close(top)


@contextmanager
def _in_root(top: int, path: str) -> Iterator[int | None]:
    try:
        place = open_beneath(top, path, os.O_PATH, resolve=RESOLVE_IN_ROOT)
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    try:
        yield place
    finally:
        os.close(place)


def _make_directories(top: int, path: str) -> int:
    """Return a descriptor of the directory; what is missing is made."""
    parent = open_beneath(top, ".", os.O_RDONLY | os.O_DIRECTORY, resolve=RESOLVE_IN_ROOT)
    walked = "."
    for part in [part for part in path.split("/") if part]:
        walked = f"{walked}/{part}"
        try:
            try:
                found = open_beneath(top, walked, os.O_RDONLY | os.O_DIRECTORY, resolve=RESOLVE_IN_ROOT)
            except FileNotFoundError:
                os.mkdir(part, dir_fd=parent)
                found = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
                os.fchmod(found, 0o755)
        finally:
            os.close(parent)
        parent = found
    return parent


def _escaped(path: str, also: str = "") -> str:
    """Write a path as a mount option."""
    return "".join(f"\\{letter}" if letter in f"\\,{also}" else letter for letter in path)

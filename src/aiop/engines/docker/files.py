"""Files into a container before its start, and out of it after its end, as tar archives."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import time
from collections.abc import Mapping
from typing import Any

from aiodocker import DockerError

from aiop.engines.docker.client import DockerClient
from aiop.engines.docker.handover import MOUNT_POINT
from aiop.errors import EngineUnavailable
from aiop.model.run import OutputFile

__all__ = ["copy_out", "pack"]

_DIRECTORY_MODE = 0o1777
_TAR_OVERHEAD = 64 * 1024

# Bits of Go's os.FileMode, as the engine puts it into X-Docker-Container-Path-Stat.
_GO_SYMLINK = 1 << 27
_GO_NOT_REGULAR = 1 << 31 | 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19


def pack(files: Mapping[str, bytes], *, with_handover: bool) -> bytes | None:
    """Pack what is put into a container before its start, to be unpacked at ``/``; ``None`` if that is nothing.

    Directories on the way are made by the engine where they are missing. A file that begins with ``#!`` can be
    executed.
    """
    if not files and not with_handover:
        return None
    buffer, now = io.BytesIO(), time.time()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        if with_handover:
            directory = tarfile.TarInfo(MOUNT_POINT.lstrip("/"))
            directory.type, directory.mode, directory.mtime = tarfile.DIRTYPE, _DIRECTORY_MODE, now
            tar.addfile(directory)
        for path, content in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mtime = len(content), now
            member.mode = 0o755 if content.startswith(b"#!") else 0o644
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


async def copy_out(client: DockerClient, name: str, path: str, *, limit: int) -> OutputFile | None:
    """Read one regular file of a container; ``None`` if it is not there. Raises ``DockerError``.

    A link is followed inside the container only. The size is looked at before anything is read.
    """
    for _ in range(2):
        try:
            async with client.stream("GET", f"containers/{name}/archive", {"path": path}) as response:
                status = json.loads(base64.b64decode(response.headers["X-Docker-Container-Path-Stat"]))
                if status["mode"] & _GO_SYMLINK and status.get("linkTarget"):
                    # The engine has resolved the link, all of it, with the container's root as the root.
                    path = status["linkTarget"]
                    continue
                if (refusal := _refusal(status, path, limit)) is not None:
                    return refusal
                content = bytearray()
                async for chunk in response.content.iter_any():
                    content += chunk
                    if len(content) > limit + _TAR_OVERHEAD:
                        return OutputFile(None, f"{path} is larger than {limit} bytes")
                return _unpack(bytes(content), path)
        except DockerError as error:
            if error.status == 404 and "no such container" not in error.message.lower():
                return None
            raise
    return OutputFile(None, f"{path} is no regular file")


def _refusal(status: Mapping[str, Any], path: str, limit: int) -> OutputFile | None:
    if status["mode"] & (_GO_NOT_REGULAR | _GO_SYMLINK):
        return OutputFile(None, f"{path} is no regular file")
    if status["size"] > limit:
        return OutputFile(None, f"{path} is larger than {limit} bytes")
    return None


def _unpack(archive: bytes, path: str) -> OutputFile:
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
            member = tar.next()
            file = tar.extractfile(member) if member is not None and member.isreg() else None
            return OutputFile(file.read()) if file else OutputFile(None, f"{path} is no regular file")
    except tarfile.TarError as error:
        raise EngineUnavailable(f"the Docker Engine gave a broken archive of {path}") from error

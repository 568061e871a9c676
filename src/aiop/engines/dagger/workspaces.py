"""Workspaces: all that one shows goes to the engine as the only layer of an image, and comes back as one.

An image keeps owners, modes and links, which copies of directories by the engine do not.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from aiop.engines.dagger.session import Session
from aiop.errors import EngineUnavailable
from aiop.model.run import Workspace
from aiop.overlay import Stack, pack, renew, unpack_changes

if TYPE_CHECKING:
    from dagger import Container, Directory

__all__ = ["import_workspace", "pack_image", "take_changes"]

_NAME = "workspace"
_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


async def import_workspace(session: Session, workspace: Workspace, directory: Path) -> Directory:
    """Return a directory of the engine with all that the workspace shows; ``directory`` is scratch space of ours."""
    archive = directory / "workspace.tar"
    with _disk_faults():
        await asyncio.to_thread(pack_image, workspace, archive)
    file = session.client.host().file(str(archive), no_cache=True)
    made = await session.client.container().import_(file).rootfs().directory(_NAME).sync()
    await asyncio.to_thread(archive.unlink)
    return made


async def take_changes(session: Session, container: Container, workspace: Workspace, directory: Path) -> None:
    """Put what an ended container changed into ``upper``."""
    from dagger import ImageLayerCompression

    archive = directory / "changed.tar"
    root = session.client.directory().with_directory(_NAME, container.directory(workspace.target))
    image = session.client.container().with_rootfs(root)
    await image.as_tarball(forced_compression=ImageLayerCompression.Uncompressed).export(str(archive))
    with _disk_faults():
        await asyncio.to_thread(_take, archive, workspace)


def _take(archive: Path, workspace: Workspace) -> None:
    with tarfile.open(archive) as tar:
        layer = _only_layer(tar)
        renew(workspace.upper, workspace.work, lambda draft: unpack_changes(layer, _NAME, draft, workspace.lowers))
    archive.unlink()


def _only_layer(tar: tarfile.TarFile) -> IO[bytes]:
    """Find the layer in an image archive; one that was made of a copy has one."""
    [image] = json.loads(_blob(tar, "index.json").read())["manifests"]
    [layer] = json.loads(_blob(tar, _place(image["digest"])).read())["layers"]
    return _blob(tar, _place(layer["digest"]))


def _blob(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    file = tar.extractfile(name)
    if file is None:
        raise tarfile.ReadError(f"{name} is no file")
    return file


def _place(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def pack_image(workspace: Workspace, archive: Path) -> None:
    """Write an image archive (OCI layout) of one layer with the directory ``workspace`` in it."""
    layer = archive.with_suffix(".layer")
    digest, size = hashlib.sha256(), 0
    with layer.open("wb") as file:
        for piece in pack(Stack([workspace.upper, *workspace.lowers]), _NAME):
            digest.update(piece)
            size += len(piece)
            file.write(piece)
    name = f"sha256:{digest.hexdigest()}"
    config = json.dumps(
        {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [name]}}
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _descriptor(_CONFIG, config),
            "layers": [{"mediaType": _LAYER, "digest": name, "size": size}],
        }
    ).encode()
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [_descriptor(_MANIFEST, manifest)]}
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _add(tar, "index.json", json.dumps(index).encode())
        for blob in (config, manifest):
            _add(tar, f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}", blob)
        member = tarfile.TarInfo(f"blobs/sha256/{digest.hexdigest()}")
        member.size = size
        with layer.open("rb") as file:
            tar.addfile(member, file)
    layer.unlink()


def _descriptor(kind: str, blob: bytes) -> dict[str, str | int]:
    return {"mediaType": kind, "digest": f"sha256:{hashlib.sha256(blob).hexdigest()}", "size": len(blob)}


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


@contextmanager
def _disk_faults() -> Iterator[None]:
    """A fault of our own disk is no better reason to give up than one of the engine's: try again later."""
    try:
        yield
    except (OSError, tarfile.TarError, KeyError, ValueError) as error:
        raise EngineUnavailable(f"the workspace cannot be copied: {error}") from error

"""Images that come from no registry: as sources that skopeo can copy from."""

from __future__ import annotations

import gzip
import hashlib
import json
import platform
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import zstandard

from aiop.errors import ImageRefused, TooLarge
from aiop.model.images import ImageConfig

__all__ = ["plain", "root_file_system"]

_CHUNK = 1024 * 1024
_OCI = "application/vnd.oci.image"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


def plain(archive: Path, *, limit: int) -> None:
    """Unpack an archive that is packed by gzip or zstd in its place; raises ``ImageRefused`` and ``TooLarge``."""
    draft = archive.with_suffix(".plain")
    with archive.open("rb") as file:
        suffix, unpacked = _unpacked(file)
        if not suffix:
            return
        try:
            with draft.open("xb") as out:
                for chunk in _chunks(unpacked, limit):
                    out.write(chunk)
            draft.rename(archive)
        finally:
            draft.unlink(missing_ok=True)


def root_file_system(archive: Path, into: Path, config: ImageConfig, *, limit: int) -> None:
    """Make an OCI layout with one layer of a tar archive (plain, gzip or zstd), which is moved there.

    ``into`` is a directory that is not there yet. Equal archives and configurations make equal images: there is no time
    in them. Raises ``ImageRefused`` if the archive cannot be unpacked, and ``TooLarge``.
    """
    blobs = into / "blobs/sha256"
    blobs.mkdir(parents=True)
    with archive.open("rb") as file:
        packed = _digest(file, limit)
        file.seek(0)
        suffix, unpacked = _unpacked(file)
        content = _digest(unpacked, limit) if suffix else packed
    layer = {"mediaType": f"{_OCI}.layer.v1.tar{suffix}", "digest": f"sha256:{packed}", "size": archive.stat().st_size}
    archive.rename(blobs / packed)
    document = {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": config.document(),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{content}"]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_OCI}.manifest.v1+json",
        "config": _blob(blobs, f"{_OCI}.config.v1+json", document),
        "layers": [layer],
    }
    index = {"schemaVersion": 2, "manifests": [_blob(blobs, f"{_OCI}.manifest.v1+json", manifest)]}
    (into / "index.json").write_text(json.dumps(index))
    (into / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def _unpacked(file: IO[bytes]) -> tuple[str, IO[bytes]]:
    head = file.read(4)
    file.seek(0)
    if head.startswith(_GZIP):
        return "+gzip", gzip.GzipFile(fileobj=file)  # type: ignore[return-value]
    if head == _ZSTD:
        return "+zstd", zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    return "", file


def _chunks(file: IO[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    try:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"the archive holds more than {limit} bytes")
            yield chunk
    except (gzip.BadGzipFile, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise ImageRefused(f"the archive cannot be unpacked: {error}") from None


def _digest(file: IO[bytes], limit: int) -> str:
    found = hashlib.sha256()
    for chunk in _chunks(file, limit):
        found.update(chunk)
    return found.hexdigest()


def _blob(blobs: Path, kind: str, document: dict[str, Any]) -> dict[str, Any]:
    content = json.dumps(document, sort_keys=True).encode()
    digest = hashlib.sha256(content).hexdigest()
    (blobs / digest).write_bytes(content)
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}

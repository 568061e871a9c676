"""Images made on the spot, a real registry for them, and a store to pull them into."""

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import zstandard

from contract.engine.registry import PASSWORD, USER, Registry

PACKERS = {"": bytes, "+gzip": lambda data: gzip.compress(data, 1, mtime=0), "+zstd": zstandard.compress}
_OCI = "application/vnd.oci.image"


class ImageLabMissing(Exception):
    """Images cannot be pulled here; the message says why."""


def skopeo_is_there() -> bool:
    """Whether images can be unpacked here."""
    return shutil.which("skopeo") is not None


def member(name: str, content: bytes = b"", **more: Any) -> tuple[tarfile.TarInfo, bytes]:
    """Describe an entry of a layer: a file, or what ``type`` says."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), more.pop("mode", 0o644)
    for field, value in more.items():
        setattr(entry, field, value)
    return entry, content


def directory(name: str, mode: int = 0o755) -> tuple[tarfile.TarInfo, bytes]:
    """Describe a directory of a layer."""
    return member(name, mode=mode, type=tarfile.DIRTYPE)


def layer(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Pack a layer."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for entry, content in members:
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def image_layout(
    into: Path, layers: Sequence[bytes], config: dict[str, Any] | None = None, *, packed: str = "+gzip"
) -> str:
    """Write an image as an OCI layout; returns how skopeo calls it."""
    manifest = _manifest(into, layers, config or {}, packed=packed)
    return _layout(into, [manifest])


def many_platforms(into: Path, layers: dict[str, Sequence[bytes]]) -> str:
    """Write an image for several architectures as an OCI layout."""
    manifests = [
        _manifest(into, of, {}, architecture=architecture) | {"platform": {"os": "linux", "architecture": architecture}}
        for architecture, of in layers.items()
    ]
    kind = f"{_OCI}.index.v1+json"
    return _layout(into, [_blob(into, kind, {"schemaVersion": 2, "mediaType": kind, "manifests": manifests})])


def _manifest(
    into: Path, layers: Sequence[bytes], config: dict[str, Any], *, packed: str = "+gzip", architecture: str = "amd64"
) -> dict[str, Any]:
    described = [_blob(into, f"{_OCI}.layer.v1.tar{packed}", PACKERS[packed](content)) for content in layers]
    contents = [f"sha256:{hashlib.sha256(content).hexdigest()}" for content in layers]
    document = {
        "architecture": architecture,
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": contents},
    }
    kind = f"{_OCI}.manifest.v1+json"
    return _blob(
        into,
        kind,
        {
            "schemaVersion": 2,
            "mediaType": kind,
            "config": _blob(into, f"{_OCI}.config.v1+json", document),
            "layers": described,
        },
    )


def _layout(into: Path, manifests: list[dict[str, Any]]) -> str:
    (into / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
    (into / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return f"oci:{into}"


def _blob(into: Path, kind: str, content: bytes | dict[str, Any]) -> dict[str, Any]:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    digest = hashlib.sha256(data).hexdigest()
    blobs = into / "blobs/sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    (blobs / digest).write_bytes(data)
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}


class ImageLab:
    """A registry on this machine that asks for a password, with images that a test puts there."""

    def __init__(self, root: Path) -> None:
        if not skopeo_is_there():
            raise ImageLabMissing("skopeo is not installed")
        self._root = root
        self.registry = Registry(root)
        self.host = self.registry.host

    def push(self, name: str, source: str) -> str:
        """Put an image there under ``name:tag``; returns how it is called."""
        image = f"{self.host}/{name}"
        subprocess.run(
            ["skopeo", "--insecure-policy", "copy", "--quiet", "--all", "--dest-tls-verify=false",
             f"--dest-creds={USER}:{PASSWORD}", source, f"docker://{image}"],
            check=True, capture_output=True,
        )  # fmt: skip
        return image

    def image(self, name: str, *layers: bytes, config: dict[str, Any] | None = None, packed: str = "+gzip") -> str:
        """Make an image and put it there."""
        return self.push(name, image_layout(self.scratch(), layers, config, packed=packed))

    def archive(self, kind: str, source: str, name: str) -> bytes:
        """Write an image to an archive, as ``docker save`` or an OCI tool would."""
        path = self.scratch() / "archive.tar"
        command = ["skopeo", "--insecure-policy", "copy", "--quiet", source, f"{kind}:{path}:{name}"]
        subprocess.run(command, check=True, capture_output=True)
        return path.read_bytes()

    def scratch(self) -> Path:
        """Return an empty directory."""
        path = self._root / uuid4().hex
        path.mkdir()
        return path

    def digest(self, image: str) -> str:
        """Ask the registry, by other means than the store."""
        return self.registry.digest(image)

    def close(self) -> None:
        """End the registry."""
        self.registry.close()

"""Provides the images of the examples: pulled if they can be, else made on the spot, without any registry."""

from __future__ import annotations

import io
import runpy
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

import httpx

from docker_engine import EngineMissing, connect

__all__ = ["SALES", "SHELL", "data_set", "provide_images", "root_of_busybox"]

SHELL = "busybox:1"
SALES = "aiop-example/sales:1"
PULL_SECONDS = 30
ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "sales-report"
EXECUTABLE = 0o755


def provide_images(endpoint: str) -> str:
    """Make sure that the engine has both images; returns a sentence on where they came from."""
    with connect(endpoint) as client:
        if present(client, SHELL):
            origin = f"{SHELL} is there"
        elif pull(client, SHELL):
            origin = f"{SHELL} was pulled"
        else:
            import_busybox(client)
            origin = f"{SHELL} was made from this machine's busybox, since no registry gave it"
        if not present(client, SALES):
            build_sales(client)
            origin += f", {SALES} was built"
    return origin


def present(client: httpx.Client, image: str) -> bool:
    """Tell whether the engine has the image."""
    return client.get(f"/images/{image}/json").is_success


def pull(client: httpx.Client, image: str) -> bool:
    """Try to pull the image for a short while; a registry that is away or silent is no error."""
    name, _, tag = image.partition(":")
    try:
        client.post(
            "/images/create", params={"fromImage": name, "tag": tag}, timeout=httpx.Timeout(60, read=PULL_SECONDS)
        )
    except httpx.TimeoutException:
        return False
    return present(client, image)


def import_busybox(client: httpx.Client) -> None:
    """Make the image from the statically linked busybox of this machine."""
    answer = client.post(
        "/images/create",
        params={"fromSrc": "-", "repo": SHELL, "changes": 'CMD ["sh"]'},
        content=root_of_busybox(),
        headers={"Content-Type": "application/x-tar"},
    )
    answer.raise_for_status()
    if not present(client, SHELL):
        raise EngineMissing(f"the engine did not take {SHELL}: {answer.text.strip()}")


def root_of_busybox(files: Mapping[str, bytes] | None = None) -> bytes:
    """Pack a root file system of this machine's busybox, and these files; raises ``EngineMissing``."""
    subprocess.run(["sh", str(ROOT / "scripts" / "packages.sh"), "image"], check=True)
    binary = next((path for path in map(Path, ("/bin/busybox", "/usr/bin/busybox")) if is_static(path)), None)
    if binary is None:
        raise EngineMissing(
            f"{SHELL} cannot be pulled, and there is no static busybox to make it from;\n"
            "on Debian and Ubuntu: apt-get install busybox-static"
        )
    return busybox_root(binary, files or {})


def is_static(binary: Path) -> bool:
    """Tell whether the program runs without a loader, by asking the loader."""
    if not binary.is_file():
        return False
    if shutil.which("ldd") is None:
        return True
    return subprocess.run(["ldd", str(binary)], capture_output=True, check=False).returncode != 0


def busybox_root(binary: Path, files: Mapping[str, bytes]) -> bytes:
    """Pack a root file system with busybox under the name of each of its commands."""
    commands = subprocess.run([str(binary), "--list"], capture_output=True, check=True, text=True).stdout.split()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for directory, mode in (("bin", 0o755), ("etc", 0o755), ("root", 0o700), ("tmp", 0o1777), ("var", 0o755)):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
        add_file(archive, "bin/busybox", binary.read_bytes(), EXECUTABLE)
        add_file(archive, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
        add_file(archive, "etc/group", b"root:x:0:\nnogroup:x:65534:\n")
        for command in commands:
            if command != "busybox":
                entry = tarfile.TarInfo(f"bin/{command}")
                entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
                archive.addfile(entry)
        for name, content in files.items():
            add_file(archive, name, content)
    return packed.getvalue()


def build_sales(client: httpx.Client) -> None:
    """Build the image with the example's data set, as ``docker build`` would."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        add_file(archive, "Dockerfile", (EXAMPLE / "Dockerfile").read_bytes())
        for name, text in data_set().items():
            add_file(archive, f"data/{name}", text.encode())
    answer = client.post(
        "/build", params={"t": SALES}, content=packed.getvalue(), headers={"Content-Type": "application/x-tar"}
    )
    if not present(client, SALES):
        raise EngineMissing(f"the engine did not build {SALES}: {answer.text.strip()}")


def data_set() -> Mapping[str, str]:
    """Return the files that ``examples/sales-report/generate.py`` writes."""
    files: Mapping[str, str] = runpy.run_path(str(EXAMPLE / "generate.py"))["files"]()
    return files


def add_file(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    """Add a regular file to the archive."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))

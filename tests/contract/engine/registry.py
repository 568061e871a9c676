"""A real image registry: Debian's ``docker-registry``, with one user."""

import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from docker_lab import DockerLab, docker_client

USER, PASSWORD = "tester", "right-password"
_HTPASSWD = "tester:$2y$05$WifzozqTrgTxvB8jVO.deeUlbnOIIdx2/FxMmVQP6Q3SJhiMEbumm\n"

_CONFIG = """\
version: 0.1
log: {{accesslog: {{disabled: false}}, level: info}}
storage: {{filesystem: {{rootdirectory: {root}/data}}}}
http: {{addr: "{address}:0"{tls}}}
auth: {{htpasswd: {{realm: test, path: {root}/htpasswd}}}}
"""


class RegistryMissing(Exception):
    """No registry can run here; the message says why."""


class Registry:
    """Listens on a port of its own choice, where the prefix ``beside`` of its command puts it.

    With ``cert.pem`` and ``key.pem`` in its directory it speaks TLS.
    """

    def __init__(self, root: Path, *, beside: Sequence[str] = (), address: str = "127.0.0.1") -> None:
        if shutil.which("docker-registry") is None:
            raise RegistryMissing("docker-registry is not installed")
        self._log = root / "log"
        certificate, key = root / "cert.pem", root / "key.pem"
        tls = f", tls: {{certificate: {certificate}, key: {key}}}" if certificate.exists() else ""
        (root / "htpasswd").write_text(_HTPASSWD)
        (root / "config.yml").write_text(_CONFIG.format(root=root, address=address, tls=tls))
        with self._log.open("wb") as log:
            command = [*beside, "docker-registry", "serve", str(root / "config.yml")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.host = f"{address}:{self._port(address)}"

    def _port(self, address: str) -> str:
        until = time.monotonic() + 20
        while True:
            if found := re.search(rf"listening on {re.escape(address)}:(\d+)", self._log.read_text()):
                return found[1]
            if self._process.poll() is not None or time.monotonic() > until:
                raise RegistryMissing(f"docker-registry did not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.02)  # another process: there is no event to await

    def manifests_asked(self, name: str) -> int:
        """Count the pulls of ``name:tag`` that were let in."""
        repository, _, tag = name.partition(":")
        return len(re.findall(rf'"(?:HEAD|GET) /v2/{repository}/manifests/{tag} HTTP/1\.1" 200', self._log.read_text()))

    def digest(self, image: str) -> str:
        """Return what it says that the digest of one of its images is."""
        repository, _, tag = image.removeprefix(f"{self.host}/").rpartition(":")
        kinds = ", ".join(f"application/vnd.oci.image.{kind}.v1+json" for kind in ("manifest", "index"))
        answer = httpx.head(
            f"http://{self.host}/v2/{repository}/manifests/{tag}", auth=(USER, PASSWORD), headers={"Accept": kinds}
        )
        return answer.headers["Docker-Content-Digest"]

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)


class DockerRegistry(Registry):
    """In the network of the lab's engine, with images from there."""

    def __init__(self, lab: DockerLab, root: Path) -> None:
        super().__init__(root, beside=lab.beside)
        self._lab = lab

    async def push(self, name: str) -> str:
        """Put the lab's image there under ``name``, leave none here, and return how it is called."""
        image = f"{self.host}/{name}"
        async with docker_client(self._lab.endpoint) as docker:
            await docker.images.tag(self._lab.image, repo=image.rpartition(":")[0], tag=image.rpartition(":")[2])
            await docker.images.push(image, auth={"username": USER, "password": PASSWORD})
            await docker.images.delete(image)
        return image

    async def forget(self, image: str) -> None:
        """Remove the name from the engine."""
        async with docker_client(self._lab.endpoint) as docker:
            await docker.images.delete(image)

"""A real image registry: Debian's ``docker-registry``, with one user."""

import re
import shutil
import subprocess
import time
from pathlib import Path

from docker_lab import DockerLab, DockerMissing, docker_client

USER, PASSWORD = "tester", "right-password"
_HTPASSWD = "tester:$2y$05$WifzozqTrgTxvB8jVO.deeUlbnOIIdx2/FxMmVQP6Q3SJhiMEbumm\n"

_CONFIG = """\
version: 0.1
log: {{accesslog: {{disabled: false}}, level: info}}
storage: {{filesystem: {{rootdirectory: {root}/data}}}}
http: {{addr: "127.0.0.1:0"}}
auth: {{htpasswd: {{realm: test, path: {root}/htpasswd}}}}
"""


class Registry:
    """Listens on a port of its own choice in the network of the lab's engine."""

    def __init__(self, lab: DockerLab, root: Path) -> None:
        if shutil.which("docker-registry") is None:
            raise DockerMissing("docker-registry is not installed")
        self._lab = lab
        self._log = root / "log"
        (root / "htpasswd").write_text(_HTPASSWD)
        (root / "config.yml").write_text(_CONFIG.format(root=root))
        with self._log.open("wb") as log:
            command = [*lab.beside, "docker-registry", "serve", str(root / "config.yml")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.host = f"127.0.0.1:{self._port()}"

    def _port(self) -> str:
        until = time.monotonic() + 20
        while True:
            if found := re.search(r"listening on 127\.0\.0\.1:(\d+)", self._log.read_text()):
                return found[1]
            if self._process.poll() is not None or time.monotonic() > until:
                raise DockerMissing(f"docker-registry did not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.02)  # another process: there is no event to await

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

    def manifests_asked(self, name: str) -> int:
        """Count the pulls of ``name:tag`` that were let in."""
        repository, _, tag = name.partition(":")
        return len(re.findall(rf'"HEAD /v2/{repository}/manifests/{tag} HTTP/1\.1" 200', self._log.read_text()))

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)

"""Real Docker Engines for tests: the one that is there, or a private one."""

import io
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import aiodocker
import aiohttp
import httpx
import pytest

from small_disk import SmallDisk

IMAGE = "aiop-test-busybox:1"
_BUSYBOX = Path("/bin/busybox")
_START_SECONDS = 60


class DockerMissing(Exception):
    """No Docker Engine is there and none can be started; the message says why."""


def missing(service: str, why: str) -> None:
    """Skip for want of a real service; fail where ``AIOP_REQUIRE`` names it, as in CI."""
    if service in os.environ.get("AIOP_REQUIRE", "").split(","):
        pytest.fail(f"{service} is required: {why}")
    pytest.skip(why)


def docker_client(endpoint: str) -> aiodocker.Docker:
    """aiodocker on ``endpoint``, to look at an engine past the one under test."""
    connector = aiohttp.UnixConnector(endpoint.removeprefix("unix://"))
    session = aiohttp.ClientSession(connector=connector)

    class Client(aiodocker.Docker):
        async def close(self) -> None:
            await super().close()
            await session.close()

    return Client("unix://localhost", connector=connector, session=session)


class Dockerd:
    """A Docker Engine of our own, in its own network, so that it meddles with no other.

    With ``containerd`` it leaves containers to a containerd beside it, which outlives it, as distributions set it up;
    without, it starts one that dies with it. ``data_size`` puts its data on a small ``disk`` of so many bytes.
    It also takes connections from ``listener``, a socket of this process, and so of this network.
    """

    def __init__(
        self,
        root: Path,
        *options: str,
        containerd: bool = False,
        data_size: int | None = None,
        listener: socket.socket | None = None,
    ) -> None:
        for tool in ("dockerd", "containerd", "unshare", "ip"):
            if shutil.which(tool) is None:
                raise DockerMissing(f"{tool} is not installed")
        if os.geteuid() != 0:
            raise DockerMissing("only root can start a private Docker Engine")
        self.root = root
        self.options = options if listener is None else ("--host", "fd://", *options)
        self._listener = listener
        self.endpoint = f"unix://{root}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self._containerd = Containerd(root) if containerd else None
        self.disk = None if data_size is None else SmallDisk(root / "data", data_size)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def beside(self) -> list[str]:
        """Prefix of a command that is to run in the same network."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net"]

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [
            "unshare", "--net", "sh", "-c", 'ip link set lo up && export LISTEN_PID=$$ LISTEN_FDS=1 && exec "$@"', "sh",
            "dockerd", "--data-root", f"{self.root}/data", "--exec-root", f"{self.root}/exec",
            "--pidfile", f"{self.root}/pid", "--host", self.endpoint, *self.options,
        ]  # fmt: skip
        if self._containerd is not None:
            self._containerd.start()
            command += ["--containerd", self._containerd.address]
        # After a kill -9 these name processes that are dead; where nobody reaps orphans, dockerd takes them for alive.
        for stale in (self.root / "pid", self.root / "exec/containerd/containerd.pid"):
            if stale.exists() and not _runs(int(stale.read_text())):
                stale.unlink()
        with (self.root / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                close_fds=self._listener is None,
                preexec_fn=self._hand_over if self._listener is not None else None,
            )
        until = time.monotonic() + _START_SECONDS
        while not _answers(self.endpoint):
            if self._process.poll() is not None or time.monotonic() > until:
                raise DockerMissing(f"dockerd did not start:\n{(self.root / 'log').read_text()[-2000:]}")
            time.sleep(0.05)  # another process: there is no event to await

    def _hand_over(self) -> None:
        """Put the listener where systemd would."""
        assert self._listener is not None
        if self._listener.fileno() == 3:
            os.set_inheritable(3, True)
        else:
            os.dup2(self._listener.fileno(), 3)

    def kill(self) -> None:
        """``kill -9``; its containers' own supervisors live on."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)

    def terminate(self) -> None:
        """Ask it to end, and wait."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(60)

    def close(self) -> None:
        """End it with all its containers, and delete its files."""
        if self._process is not None and self._process.poll() is not None:
            self.start()
        with _http(self.endpoint) as http:
            for container in http.get("/containers/json", params={"all": "1"}).json():
                http.delete(f"/containers/{container['Id']}", params={"force": "1", "v": "1"})
        self.terminate()
        if self._containerd is not None:
            self._containerd.terminate()
        _end_orphans(self.root)
        for mount in reversed(_mounts_under(self.root)):
            subprocess.run(["umount", "-l", mount], check=False)
        shutil.rmtree(self.root, ignore_errors=True)


class Containerd:
    """A containerd of our own."""

    def __init__(self, root: Path) -> None:
        self.address = f"{root}/containerd.sock"
        self._root = root
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, unless it runs, and wait until it takes connections."""
        if self._process is not None:
            return
        config = self._root / "containerd.toml"
        config.write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
        command = [
            "containerd", "--config", config, "--address", self.address,
            "--root", self._root / "containerd", "--state", self._root / "containerd-state",
        ]  # fmt: skip
        with (self._root / "containerd.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + _START_SECONDS
        while not _listens(self.address):
            if self._process.poll() is not None or time.monotonic() > until:
                raise DockerMissing(f"containerd did not start:\n{(self._root / 'containerd.log').read_text()[-2000:]}")
            time.sleep(0.05)  # another process: there is no event to await

    def terminate(self) -> None:
        """Ask it to end, and wait."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)


class DockerLab:
    """A Docker Engine for tests to share, with a small image in it."""

    image = IMAGE

    def __init__(self) -> None:
        self._own: Dockerd | None = None
        found = _find()
        if found is None:
            self._own = Dockerd(Path(tempfile.mkdtemp(prefix="aiop-docker-")))
            self._own.start()
            found = self._own.endpoint
        self.endpoint = found
        ensure_image(self.endpoint)

    @property
    def beside(self) -> list[str]:
        """Prefix of a command that is to run in the engine's network."""
        return self._own.beside if self._own is not None else []

    def close(self) -> None:
        """End what was started."""
        if self._own is not None:
            self._own.close()


def ensure_image(endpoint: str) -> None:
    """Make the test image of Debian's ``busybox-static`` if it is not there."""
    with _http(endpoint) as http:
        if http.get(f"/images/{IMAGE}/json").status_code == 200:
            return
        if not _BUSYBOX.exists():
            raise DockerMissing("busybox-static is not installed, so no image can be made")
        answer = http.post(
            "/images/create",
            params={"fromSrc": "-", "repo": IMAGE},  # Podman takes no notice of a tag apart
            content=busybox_root(),
            headers={"Content-Type": "application/x-tar"},
        )
        answer.raise_for_status()


def busybox_root() -> bytes:
    """Pack the root file system of the test image."""
    applets = subprocess.run([_BUSYBOX, "--list"], check=True, capture_output=True, text=True).stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(_BUSYBOX.resolve(), "bin/busybox")
        for applet in applets:
            if applet != "busybox":
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
        for directory, mode in (("tmp", 0o1777), ("etc", 0o755), ("root", 0o700)):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        users = b"root:x:0:0:root:/root:/bin/sh\nworker:x:1000:1000::/tmp:/bin/sh\n"
        for path, content in (("etc/passwd", users), ("etc/group", b"root:x:0:\nworker:x:1000:\n")):
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _find() -> str | None:
    candidates = (os.environ.get("AIOP_TEST_DOCKER"), os.environ.get("DOCKER_HOST"), "unix:///var/run/docker.sock")
    return next((endpoint for endpoint in candidates if endpoint and _answers(endpoint)), None)


def _answers(endpoint: str) -> bool:
    if endpoint.startswith("unix://") and not _listens(endpoint.removeprefix("unix://")):
        return False
    try:
        with _http(endpoint) as http:
            return http.get("/_ping").status_code == 200
    except (httpx.HTTPError, OSError):
        return False


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def _http(endpoint: str) -> httpx.Client:
    if endpoint.startswith("unix://"):
        transport = httpx.HTTPTransport(uds=endpoint.removeprefix("unix://"))
        return httpx.Client(transport=transport, base_url="http://docker", timeout=60)
    return httpx.Client(base_url=endpoint.replace("tcp://", "http://"), timeout=60)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _end_orphans(root: Path) -> None:
    """End the supervisors of containers that a killed engine has forgotten: those that it was starting."""
    for process in Path("/proc").iterdir():
        try:
            command = (process / "cmdline").read_bytes()
        except (OSError, ValueError):
            continue
        if b"containerd-shim" in command and f"{root}/".encode() in command:
            os.kill(int(process.name), signal.SIGKILL)


def _mounts_under(root: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line.split()[1] for line in lines if line.split()[1].startswith(f"{root}/")]

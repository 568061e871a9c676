"""Finds a Docker Engine that answers, or starts one that belongs to this checkout alone."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

__all__ = ["EngineMissing", "connect", "docker_engine", "find_engine", "private_engine", "version"]

PACKAGES = Path(__file__).with_name("packages.sh")
START_SECONDS = 60
# What a kernel without packet filtering or bridges still lets start; each costs steps something of the network.
FALLBACKS: tuple[tuple[str, ...], ...] = ((), ("--iptables=false",), ("--iptables=false", "--bridge=none"))


class EngineMissing(Exception):
    """No engine can be had; the message says what the user can do about it."""


def connect(endpoint: str, *, timeout: float = 60) -> httpx.Client:
    """Open a client of the engine's HTTP API; ``endpoint`` is written as in ``DOCKER_HOST``."""
    scheme, _, address = endpoint.partition("://")
    if scheme == "unix":
        return httpx.Client(transport=httpx.HTTPTransport(uds=address), base_url="http://docker", timeout=timeout)
    return httpx.Client(base_url=f"http://{address}", timeout=timeout)


def version(endpoint: str) -> str | None:
    """Return the version of the engine, ``None`` if nothing answers."""
    try:
        with connect(endpoint, timeout=5) as client:
            return str(client.get("/version").raise_for_status().json()["Version"])
    except (httpx.HTTPError, KeyError, ValueError):
        return None


@contextmanager
def docker_engine(state: Path) -> Iterator[str]:
    """Yield the endpoint of the user's engine, else of one that runs only inside, with its state under ``state``.

    Raises ``EngineMissing``.
    """
    if endpoint := find_engine():
        yield endpoint
        return
    subprocess.run(["sh", str(PACKAGES), "engine"], check=True)
    if Path("/run/systemd/system").is_dir() and os.geteuid() == 0:
        # With a service manager the package's own service is what people expect to find.
        subprocess.run(["systemctl", "start", "docker"], check=False)
        if endpoint := find_engine():
            yield endpoint
            return
    with private_engine(state) as endpoint:
        yield endpoint


def find_engine() -> str | None:
    """Return the endpoint of the engine that the user has, ``None`` if there is none.

    Raises ``EngineMissing`` where the user has one that cannot be used: ``DOCKER_HOST`` that is wrong, a socket that
    may not be opened.
    """
    if named := os.environ.get("DOCKER_HOST"):
        if version(named) is None:
            raise EngineMissing(f"DOCKER_HOST is {named}, and no Docker Engine answers there")
        return named
    denied = None
    for path in usual_sockets():
        if not path.is_socket():
            continue
        if version(f"unix://{path}") is not None:
            return f"unix://{path}"
        if not os.access(path, os.R_OK | os.W_OK):
            denied = path
    if denied is not None:
        raise EngineMissing(f"you may not open {denied}; join its group (usermod -aG docker NAME) and sign in again")
    return None


def usual_sockets() -> Iterator[Path]:
    """Yield where Docker, Docker Desktop, rootless Docker, Colima and Podman put their sockets."""
    yield Path("/var/run/docker.sock")
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime, "docker.sock")
        yield Path(runtime, "podman/podman.sock")
    yield Path.home() / ".docker/run/docker.sock"
    yield Path.home() / ".colima/default/docker.sock"
    yield Path("/run/podman/podman.sock")


@contextmanager
def private_engine(state: Path) -> Iterator[str]:
    """Run a ``dockerd`` with everything it keeps under ``state``, and stop it at the end; yields its endpoint.

    One that an earlier run left behind is taken over. The socket and the process id are in a short path beside, since
    a socket's path may have 107 characters at most.
    """
    dockerd = shutil.which("dockerd", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))
    if os.geteuid() != 0 or dockerd is None:
        raise EngineMissing(
            "no container engine answers, neither at DOCKER_HOST nor at /var/run/docker.sock.\n"
            "Install and start Docker or Podman (with its Docker socket), or run this as root on Debian or Ubuntu,\n"
            "where it installs the package docker.io and starts an engine of its own"
        )
    state.mkdir(parents=True, exist_ok=True)
    short = runtime_dir(state)
    endpoint = f"unix://{short}/docker.sock"
    if version(endpoint) is None:
        start(dockerd, state, short, endpoint)
    try:
        yield endpoint
    finally:
        stop(short / "docker.pid")


def runtime_dir(state: Path) -> Path:
    """Return a directory with a short path that is the same for each run of one checkout."""
    name = hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:8]
    base = Path("/run") if os.access("/run", os.W_OK) else Path(tempfile.gettempdir())
    path = base / f"aiop-{name}"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def start(dockerd: str, state: Path, short: Path, endpoint: str) -> None:
    """Start the daemon, with less of the network if the kernel does not give all of it."""
    log = state / "dockerd.log"
    for fallback in FALLBACKS:
        if launch(dockerd, state, short, endpoint, log, fallback):
            return
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
    raise EngineMissing(f"dockerd does not start on this machine; the end of {log}:\n{tail}")


def launch(dockerd: str, state: Path, short: Path, endpoint: str, log: Path, options: tuple[str, ...]) -> bool:
    """Start the daemon once; returns whether it answers."""
    command = [dockerd, "--data-root", str(state / "data"), "--exec-root", str(short / "exec")]
    command += ["--pidfile", str(short / "docker.pid"), "--host", endpoint, "--live-restore", *options]
    # The first on PATH need not be what belongs to this daemon.
    environment = {**clean(os.environ), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin:" + os.environ.get("PATH", "")}
    with log.open("ab") as sink:
        # In a session of its own, or the Ctrl-C that ends the demo would end the engine before the service.
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if version(endpoint) is not None:
            return True
        time.sleep(0.1)
    if process.poll() is None:
        process.kill()
        process.wait()
    return False


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Drop what would point the daemon at another one."""
    return {name: value for name, value in environment.items() if not name.startswith("DOCKER_")}


def stop(pid_file: Path) -> None:
    """End the daemon whose process id is in the file, and wait until it has taken the file away."""
    try:
        pid = int(pid_file.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ValueError):
        return
    if str(pid_file).encode() not in command:
        return  # the daemon died, and its number is another's by now
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + START_SECONDS
    while pid_file.exists() and time.monotonic() < deadline:
        time.sleep(0.05)

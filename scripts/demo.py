"""What ``make demo`` does: an engine, the images, the service on SQLite, then the example workflow with live progress.

Everything it keeps is under ``var/demo``. With a terminal it goes on serving until Ctrl-C, without one it ends with the
exit code of the run. Whatever it started it stops.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from docker_engine import EngineMissing, docker_engine, version
from embedded_engine import embedded_engine, provide_images_to, remove_network, without_limits
from example_images import provide_images

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / "var" / "demo"
WORKFLOW = Path("examples") / "sales-report" / "workflow.yaml"
AIOP = Path(sys.executable).with_name("aiop")
PORT = 8000
READY_SECONDS = 60


class ServiceFailed(Exception):
    """The service did not start; the message shows why."""


def main() -> int:
    """Run the demo; returns the exit code."""
    # SIGTERM ends it as Ctrl-C does, so that everything is stopped in its order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.chdir(ROOT)
    STATE.mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as stack:
            return run(stack)
    except (EngineMissing, ServiceFailed) as error:
        print(f"\naiop: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\naiop: stopped")
        return 130


def run(stack: ExitStack) -> int:
    """Go through the steps of the demo."""
    stack.enter_context(only_one())
    environment = settings(stack)
    url = stack.enter_context(service(environment))
    say("service", f"{url} (log: {relative(STATE / 'service.log')})")
    options = ["--watch"]
    if environment["AIOP_ENGINE"] == "oci" and without_limits():
        say("limits", "this user may give containers none: the steps run without")
        options.append("--ignore-unsupported")
    say("workflow", f"aiop workflow run {WORKFLOW} {' '.join(options)}\n")
    code = subprocess.run(
        [AIOP, "workflow", "run", str(WORKFLOW), *options], env={**environment, "AIOP_SERVER": url}, check=False
    ).returncode
    print()
    say("web UI", f"{url}/, user admin, password in {relative(STATE / 'data' / 'admin-password')}")
    say("API", f"{url}/openapi.json")
    if not sys.stdout.isatty() or not sys.stdin.isatty():
        return code
    keep_serving(url)
    return code


def keep_serving(url: str) -> None:
    """Wait for Ctrl-C, and say what can be tried meanwhile."""
    say("try", f"AIOP_SERVER={url} AIOP_DATA_DIR={relative(STATE / 'data')} {relative(AIOP)} execution list")
    say("stop", "Ctrl-C")
    try:
        signal.pause()
    except KeyboardInterrupt:
        print("\naiop: stopping")


def say(topic: str, text: str) -> None:
    """Print one line of progress at once."""
    print(f"{topic:>9}  {text}", flush=True)


def relative(path: Path) -> Path:
    """Shorten a path for people who stand in the checkout."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


@contextmanager
def only_one() -> Iterator[None]:
    """Keep a second demo of this checkout from using the same state."""
    with (STATE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServiceFailed("a demo of this checkout is running already") from None
        yield


def settings(stack: ExitStack) -> dict[str, str]:
    """Find an engine and give it the images; returns the environment of the service and of the command line.

    It has this demo's settings and no others.
    """
    say("engine", "looking whether this machine runs containers by itself; else for Docker, which is started if needed")
    if embedded := embedded_engine():
        say("engine", embedded)
        engine = {"AIOP_ENGINE": "oci"}
        stack.callback(remove_network, STATE / "data")
        end_leftover(STATE / "service.pid")
        say("images", provide_images_to(STATE / "data"))
    else:
        endpoint = stack.enter_context(docker_engine(STATE / "docker"))
        say("engine", f"Docker Engine {version(endpoint)} at {endpoint}")
        engine = {"AIOP_ENGINE": "docker", "AIOP_DOCKER_ENDPOINT": endpoint}
        say("images", provide_images(endpoint))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIOP_")}
    return {
        **kept,
        "AIOP_DATA_DIR": str(STATE / "data"),
        "AIOP_CONFIG_DIR": str(STATE / "config"),
        **engine,
    }


@contextmanager
def service(environment: Mapping[str, str]) -> Iterator[str]:
    """Run ``aiop serve`` and yield its address once it is ready."""
    pid_file = STATE / "service.pid"
    end_leftover(pid_file)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = STATE / "service.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [AIOP, "serve"],
            env={**environment, "AIOP_HOST": "127.0.0.1", "AIOP_PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    pid_file.write_text(str(process.pid))
    try:
        await_ready(process, url, log)
        yield url
    finally:
        process.terminate()
        process.wait()
        pid_file.unlink()


def end_leftover(pid_file: Path) -> None:
    """End the service of a demo that was killed, which would keep the data directory locked."""
    try:
        process = Path("/proc", pid_file.read_text())
        if os.fsencode(AIOP) in (process / "cmdline").read_bytes():
            os.kill(int(process.name), signal.SIGTERM)
            while process.exists():
                time.sleep(0.05)
    except (FileNotFoundError, ProcessLookupError):
        return


def await_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Return once the service answers that it is ready; raises ``ServiceFailed`` with the end of its log."""
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz", timeout=5).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
    raise ServiceFailed(f"the service did not start; the end of {relative(log)}:\n{tail}")


def free_port() -> int:
    """Return the usual port, or another one if something listens there."""
    for port in (PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServiceFailed("no port is free on 127.0.0.1")


if __name__ == "__main__":
    sys.exit(main())

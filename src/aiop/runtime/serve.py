"""Runs the service in this process until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator

import structlog
import uvicorn
import uvloop

from aiop.config import Settings
from aiop.runtime.build import build_service
from aiop.runtime.logs import configure_logging
from aiop.runtime.memory import return_memory, settle
from aiop.runtime.rootless import rootless

__all__ = ["serve"]

SHUTDOWN_SECONDS = 3
"""How long answers under way (followed logs too) may go on once the service is told to stop."""


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; raises ``InstallationInUseError``, ``StorageUnavailable``, ``OSError`` (port)."""
    return_memory()
    configure_logging()
    with rootless(settings):
        uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    with _listening_socket(settings.host, settings.port) as listening:
        async with build_service(settings) as service:
            server = _Server(
                uvicorn.Config(
                    service.app,
                    http="httptools",
                    lifespan="off",
                    access_log=False,
                    log_config=None,
                    timeout_graceful_shutdown=SHUTDOWN_SECONDS,
                    server_header=False,
                )
            )

            def stop() -> None:
                service.stopping.set()
                # A second signal does not wait for answers under way.
                server.force_exit = server.should_exit
                server.should_exit = True

            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, stop)
            settle()
            host, port = listening.getsockname()[:2]
            log = structlog.get_logger()
            log.info("serving", url=f"http://{host}:{port}", data_dir=str(service.installation.directory))
            async with asyncio.TaskGroup() as group:
                loops = [group.create_task(run(), name=name) for name, run in service.loops.items()]
                # A loop that fails takes the server down with it: a service that cannot run steps must not look well.
                await server.serve(sockets=[listening])
                for loop in loops:
                    loop.cancel()
                    await asyncio.wait({loop})
            log.info("stopped")


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn's own way ends the process before the other parts are closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Change nothing."""
        yield


def _listening_socket(host: str, port: int) -> socket.socket:
    """Bind before anything else is opened, so that a taken port is said at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(1024)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening

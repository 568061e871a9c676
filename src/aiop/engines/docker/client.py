"""The connection to a Docker Engine: where it is, one session for all calls, and what a fault of it means."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiodocker import Docker, DockerError

from aiop.errors import EngineUnavailable

__all__ = ["DockerClient", "find_endpoint", "transient", "translated"]

_CONNECT_SECONDS = 10
_CALL_SECONDS = 120
"""For calls that do not wait for a container. Creating and starting take seconds on a busy engine."""

_NO_CONNECTION = 900
"""The status that aiodocker gives to an error of the connection."""

_TRANSIENT = (
    "cannot allocate memory",
    "connection refused",
    "context canceled",
    "context deadline exceeded",
    "is shutting down",
    "no space left on device",
    "resource temporarily unavailable",
    "too many open files",
    "transport is closing",
    "ttrpc: closed",
)
"""Words in an answer that tell of the state that the engine is in, not of what it was asked."""


def find_endpoint() -> str | None:
    """Name the engine that the Docker command line would use by default, or ``None`` if no socket is there."""
    if host := os.environ.get("DOCKER_HOST"):
        return host
    runtime = os.environ.get("XDG_RUNTIME_DIR", "/nonexistent")
    candidates = (
        "/var/run/docker.sock",
        f"{runtime}/docker.sock",
        str(Path.home() / ".docker/run/docker.sock"),
        "/run/podman/podman.sock",
        f"{runtime}/podman/podman.sock",
    )
    return next((f"unix://{path}" for path in candidates if Path(path).is_socket()), None)


def transient(error: DockerError) -> bool:
    """Whether the same call may succeed later, for what the engine says."""
    words = error.message.lower()
    return error.status in (_NO_CONNECTION, 503) or any(sign in words for sign in _TRANSIENT)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what is the engine's or the connection's fault into ``EngineUnavailable``.

    An answer that could mean more than that (404, 409) must be met inside.
    """
    try:
        yield
    except DockerError as error:
        raise EngineUnavailable(error.message) from error
    except TimeoutError as error:
        raise EngineUnavailable("the Docker Engine does not answer in time") from error
    except (aiohttp.ClientError, OSError) as error:
        raise EngineUnavailable(f"the connection to the Docker Engine broke: {error}") from error


class DockerClient:
    """``docker`` is aiodocker; ``stream`` is for answers that must not be read into memory whole."""

    def __init__(self, endpoint: str | None) -> None:
        self.endpoint = endpoint or find_endpoint()
        self._docker: Docker | None = None

    @property
    def local(self) -> bool:
        """Whether the engine shares our clock."""
        return self.endpoint is not None and self.endpoint.startswith("unix://")

    @property
    def docker(self) -> Docker:
        """Return aiodocker, made at the first use because it needs a running loop."""
        if self._docker is None:
            self._docker = _connect(self.endpoint)
        return self._docker

    @asynccontextmanager
    async def stream(self, method: str, path: str, params: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open a call; raises ``DockerError`` like aiodocker's own."""
        docker = self.docker
        if docker.api_version == "auto":
            docker.api_version = "v" + str((await docker.version())["ApiVersion"])
        async with docker.session.request(
            method,
            f"{docker.docker_host}/{docker.api_version}/{path}",
            params=params,
            timeout=aiohttp.ClientTimeout(sock_connect=_CONNECT_SECONDS),
        ) as response:
            if response.status >= 400:
                raise DockerError(response.status, await _message(response))
            yield response

    async def info(self) -> Mapping[str, Any]:
        """Ask the engine about itself; raises ``EngineUnavailable`` after a few seconds."""
        with translated():
            async with asyncio.timeout(_CONNECT_SECONDS):
                return await self.docker.system.info()

    async def aclose(self) -> None:
        """Close all connections."""
        if self._docker is not None:
            await self._docker.close()
            await self._docker.session.close()


def _connect(endpoint: str | None) -> Docker:
    if endpoint is None:
        raise EngineUnavailable("no Docker Engine was found: is it installed, or should DOCKER_HOST be set?")
    parts = urlsplit(endpoint)
    timeout = aiohttp.ClientTimeout(total=_CALL_SECONDS, sock_connect=_CONNECT_SECONDS)
    connector: aiohttp.BaseConnector
    # A container under way holds a connection or two, so that aiohttp's limit of 100 would be one on containers.
    if parts.scheme == "unix":
        connector, url = aiohttp.UnixConnector(parts.path, limit=0), "unix://localhost"
    elif parts.scheme in ("tcp", "http", "https"):
        secure = parts.scheme == "https" or bool(os.environ.get("DOCKER_TLS_VERIFY"))
        connector = aiohttp.TCPConnector(limit=0, ssl=_tls() if secure else True)
        url = f"{'https' if secure else 'http'}://{parts.netloc}"
    else:
        try:
            return Docker(endpoint, timeout=timeout)
        except ValueError as error:
            raise EngineUnavailable(f"not an address of a Docker Engine: {endpoint}") from error
    session = aiohttp.ClientSession(connector=connector, timeout=timeout)
    return Docker(url, connector=connector, session=session, timeout=timeout)


def _tls() -> ssl.SSLContext:
    """Build what ``DOCKER_CERT_PATH`` says, as the Docker command line does."""
    directory = Path(os.environ.get("DOCKER_CERT_PATH") or Path.home() / ".docker")
    try:
        context = ssl.create_default_context(cafile=str(directory / "ca.pem"))
        context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
    except OSError as error:
        raise EngineUnavailable(f"the certificates in {directory} cannot be read: {error}") from error
    return context


async def _message(response: aiohttp.ClientResponse) -> str:
    text = await response.text(errors="replace")
    try:
        return str((await response.json(content_type=None))["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip() or f"status {response.status}"

"""The connection to a Docker Engine: where it is, one session for all calls, and what a fault of it means."""

from __future__ import annotations

import asyncio
import os
import re
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiodocker import Docker, DockerError
from aiodocker.containers import DockerContainer

from aiop.errors import EngineRefused, EngineUnavailable

__all__ = [
    "DockerClient",
    "TlsMaterial",
    "find_endpoint",
    "left_over",
    "name_taken",
    "no_command",
    "transient",
    "translated",
    "unanswered",
]

_CONNECT_SECONDS = 10
_CALL_SECONDS = 120
"""For calls that do not wait for a container. Creating and starting take seconds on a busy engine."""

_OLDEST_API = (1, 41)
_NOT_FOR_US = (400, 401, 403, 404)

_NO_CONNECTION = 900
"""The status that aiodocker gives to an error of the connection."""

_NO_SPACE = "no space left on device"

_TRANSIENT = (
    "cannot allocate memory",
    "connection refused",
    "context canceled",
    "context deadline exceeded",
    "is shutting down",
    _NO_SPACE,
    "resource temporarily unavailable",
    "too many open files",
    "transport is closing",
    "ttrpc: closed",
)
"""Words in an answer that tell of the state that the engine is in, not of what it was asked."""

_LEFT_OVER = re.compile(r"task \w+: already exists|failed to (start|create) shim.*file exists|id already in use")
"""What an engine says to a start if the one before it was killed in the middle of the same."""
_NAME_TAKEN = re.compile(r"container name \S+ is already in use")
_NO_COMMAND = "OCI runtime attempted to invoke a command that was not found"


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


def name_taken(error: DockerError) -> bool:
    """Whether a container of this name is there; Podman 4 says that with 500."""
    return error.status == 409 or (error.status == 500 and _NAME_TAKEN.search(error.message) is not None)


def no_command(error: DockerError) -> bool:
    """Whether Podman has no such command in the image: it says so when it is attached to, with 409."""
    return _NO_COMMAND in error.message


def left_over(error: DockerError) -> bool:
    """Whether a start found what an engine that was killed during the same start had made."""
    return _LEFT_OVER.search(error.message) is not None


def unanswered(error: Exception) -> bool:
    """Whether the call may have reached the engine, and what it did is not known."""
    if isinstance(error, DockerError):
        return error.status == _NO_CONNECTION and not isinstance(error.__context__, aiohttp.ClientConnectorError)
    return isinstance(error, TimeoutError | OSError)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what is the engine's or the connection's fault into ``EngineUnavailable``.

    An answer that could mean more than that (404, 409) must be met inside.
    """
    try:
        yield
    except DockerError as error:
        full = "the disk of the Docker Engine is full: " if _NO_SPACE in error.message.lower() else ""
        raise EngineUnavailable(f"{full}{error.message}") from error
    except TimeoutError as error:
        raise EngineUnavailable("the Docker Engine does not answer in time") from error
    except (aiohttp.ClientError, OSError) as error:
        raise EngineUnavailable(f"the connection to the Docker Engine broke: {error}") from error


class DockerClient:
    """``docker`` is aiodocker; ``stream`` is for answers that must not be read into memory whole."""

    def __init__(self, endpoint: str | None, tls: TlsMaterial | None = None) -> None:
        self.endpoint = endpoint or find_endpoint()
        self._tls = tls
        self._docker: Docker | None = None

    @property
    def local(self) -> bool:
        """Whether the engine is on this machine: it shares our clock and our file system."""
        return self.endpoint is not None and self.endpoint.startswith("unix://")

    @property
    def docker(self) -> Docker:
        """Return aiodocker, made at the first use because it needs a running loop."""
        if self._docker is None:
            self._docker = _connect(self.endpoint, self._tls)
        return self._docker

    def container(self, name: str) -> DockerContainer:
        """Return the container of a name, which may not be there."""
        return self.docker.containers.container(name)

    async def inspect(self, name: str) -> dict[str, Any] | None:
        """Ask for a container; ``None`` if it is not there. Raises ``DockerError``."""
        try:
            return await self.container(name).show()
        except DockerError as error:
            if error.status == 404:
                return None
            raise

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, params: Mapping[str, str], *, data: AsyncIterator[bytes] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open a call, with a body of any size; raises ``DockerError`` like aiodocker's own."""
        docker = self.docker
        if docker.api_version == "auto":
            docker.api_version = "v" + str((await docker.version())["ApiVersion"])
        async with docker.session.request(
            method,
            f"{docker.docker_host}/{docker.api_version}/{path}",
            params=params,
            data=data,
            timeout=aiohttp.ClientTimeout(sock_connect=_CONNECT_SECONDS),
        ) as response:
            if response.status >= 400:
                raise DockerError(response.status, await _message(response))
            yield response

    async def info(self) -> Mapping[str, Any]:
        """Ask the engine about itself; raises ``EngineUnavailable`` after a few seconds, and ``EngineRefused``."""
        with translated():
            async with asyncio.timeout(_CONNECT_SECONDS):
                try:
                    version = await self.docker.version()
                    _check_api(str(version.get("ApiVersion", "0")))
                    return await self.docker.system.info()
                except DockerError as error:
                    if error.status in _NOT_FOR_US:
                        raise EngineRefused(f"the Docker Engine refuses: {error.message}") from None
                    raise

    async def aclose(self) -> None:
        """Close all connections."""
        if self._docker is not None:
            await self._docker.close()
            await self._docker.session.close()


def _check_api(offered: str) -> None:
    if tuple(int(part) for part in re.findall(r"\d+", offered)[:2]) < _OLDEST_API:
        oldest = ".".join(map(str, _OLDEST_API))
        raise EngineRefused(f"the Docker Engine speaks API {offered}, and {oldest} is the oldest that will do")


def _connect(endpoint: str | None, tls: TlsMaterial | None) -> Docker:
    if endpoint is None:
        raise EngineUnavailable("no Docker Engine was found: is it installed, or should DOCKER_HOST be set?")
    parts = urlsplit(endpoint)
    timeout = aiohttp.ClientTimeout(total=_CALL_SECONDS, sock_connect=_CONNECT_SECONDS)
    connector: aiohttp.BaseConnector
    # A container under way holds a connection or two, so that aiohttp's limit of 100 would be one on containers.
    if parts.scheme == "unix":
        connector, url = aiohttp.UnixConnector(parts.path, limit=0), "unix://localhost"
    elif parts.scheme in ("tcp", "http", "https"):
        context = tls.context() if tls is not None else _tls_of_environment(parts.scheme)
        connector = aiohttp.TCPConnector(limit=0, ssl=context or True)
        secure = context is not None
        url = f"{'https' if secure else 'http'}://{parts.netloc}"
    else:
        try:
            return Docker(endpoint, timeout=timeout)
        except ValueError as error:
            raise EngineUnavailable(f"not an address of a Docker Engine: {endpoint}") from error
    session = aiohttp.ClientSession(connector=connector, timeout=timeout)
    return Docker(url, connector=connector, session=session, timeout=timeout)


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """Who we are to an engine, and whom we trust; PEM texts."""

    ca: str
    certificate: str
    key: str = field(repr=False)

    def context(self) -> ssl.SSLContext:
        """Build the context; raises ``EngineRefused`` for what is no certificate or does not fit together."""
        try:
            context = ssl.create_default_context(cadata=self.ca)
            # The standard library takes a key from a file only.
            with tempfile.TemporaryDirectory(prefix="aiop-tls-") as directory:
                chain, key = Path(directory, "cert.pem"), Path(directory, "key.pem")
                chain.write_text(self.certificate)
                key.touch(mode=0o600)
                key.write_text(self.key)
                context.load_cert_chain(chain, key)
        except (ssl.SSLError, ValueError) as error:
            raise EngineRefused(f"the certificates of the engine cannot be used: {error}") from None
        return context


def _tls_of_environment(scheme: str) -> ssl.SSLContext | None:
    """Build what ``DOCKER_TLS_VERIFY`` and ``DOCKER_CERT_PATH`` say, as the Docker command line does."""
    if scheme != "https" and not os.environ.get("DOCKER_TLS_VERIFY"):
        return None
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

"""The connection to a cluster: who we are there, calls in JSON, and what a fault of them means.

The library knows kubeconfig files with all their ways to sign in; its model of the API is not used: an object that
comes by a watch would cost a millisecond to be turned into it.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import weakref
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
import yaml

from aiop.errors import EngineRefused, EngineUnavailable

if TYPE_CHECKING:
    from kubernetes_asyncio.client import Configuration

__all__ = ["ApiFault", "ClusterAccess", "KubernetesClient", "translated"]

_CONNECT_SECONDS = 10
_CALL_SECONDS = 60
_KEEP_ALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""When the other end is asked whether it is there, in seconds, and how often in vain; by names that Linux has."""
_LARGEST_OBJECT = 2 * 1024 * 1024
"""A line of a watch is one object; the store of a cluster takes 1.5 MiB by default."""
_TURNS = 8
"""Of the loop, until a connection that was cut is closed."""
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_NOT_FOR_US = frozenset({401, 403})
_STDIN, _STDOUT, _STDERR, _ERROR, _CLOSE = 0, 1, 2, 3, 255
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """Where a cluster is, and who we are there.

    ``kubeconfig`` is the text of such a file; without it the cluster is that of the pod that the service runs in, else
    that of ``KUBECONFIG`` or ``~/.kube/config``. ``context`` and ``namespace`` are those of the file by default.
    """

    kubeconfig: str | None = field(default=None, repr=False)
    context: str | None = None
    namespace: str | None = None


class ApiFault(Exception):
    """An answer of the API server that is no success; ``status`` is its code, the message its own words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed later."""
        return self.status in _TRANSIENT


@contextmanager
def translated() -> Iterator[None]:
    """Turn what is the cluster's or the connection's fault into ``EngineUnavailable`` and ``EngineRefused``.

    An answer that could mean more than that (404, 409, 422) must be met inside.
    """
    try:
        yield
    except ApiFault as fault:
        if fault.status in _NOT_FOR_US:
            raise EngineRefused(f"the cluster refuses: {fault}") from fault
        raise EngineUnavailable(str(fault)) from fault
    except TimeoutError as error:
        raise EngineUnavailable("the Kubernetes API does not answer in time") from error
    except aiohttp.ClientConnectorCertificateError as error:
        raise EngineRefused(f"the certificate of the Kubernetes API is not trusted: {error}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise EngineUnavailable(f"the connection to the Kubernetes API broke: {error}") from error


class KubernetesClient:
    """Calls one namespace of one cluster."""

    def __init__(self, access: ClusterAccess) -> None:
        self._access = access
        self._configuration: Configuration | None = None
        self._session: aiohttp.ClientSession | None = None
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._namespace = access.namespace
        self._connecting = asyncio.Lock()

    async def namespace(self) -> str:
        """Name the namespace; raises ``EngineRefused`` and ``EngineUnavailable``."""
        await self._connected()
        assert self._namespace is not None  # noqa: S101 - set by connecting
        return self._namespace

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Any:
        """Make a call and return what its JSON says; ``path`` begins below the namespace unless it begins with ``/``.

        Raises ``ApiFault``, and what aiohttp raises.
        """
        for fresh in (False, True):
            try:
                async with self._request(method, path, params, body, content_type) as response:
                    return orjson.loads(await response.read())
            except ApiFault as fault:
                if fault.status != 401 or fresh:
                    raise
                # A sign-in has run out: the kubeconfig knows how to get another.
                await self._disconnect()
        raise AssertionError("the loop returns or raises")

    @asynccontextmanager
    async def stream(
        self, path: str, params: Mapping[str, str], *, silence: float | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open an answer that goes on; ``silence`` is how many seconds without a byte mean that it is broken."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=silence)
        async with self._request("GET", path, params, None, "application/json", timeout=timeout) as response:
            yield response

    async def run(
        self, pod: str, container: str, command: Sequence[str], *, source: AsyncIterator[bytes] | None = None
    ) -> AsyncIterator[bytes]:
        """Run a command in a container and yield what it writes to stdout.

        ``source`` is its stdin; raises ``ApiFault`` (status 0) if the command fails.
        """
        session, base, headers, options = await self._target()
        query = [("container", container), ("stdout", "1"), ("stderr", "1")]
        query += [("stdin", "1")] if source is not None else []
        query += [("command", part) for part in command]
        url = f"{base}/api/v1/namespaces/{self._namespace}/pods/{pod}/exec".replace("http", "ws", 1)
        try:
            connecting = session.ws_connect(
                url,
                params=query,
                headers=headers,
                protocols=("v5.channel.k8s.io",),
                heartbeat=30,
                max_msg_size=0,
                **options,
            )
            async with connecting as channel:
                sending = asyncio.create_task(_send(channel, source)) if source is not None else None
                errors = b""
                try:
                    async for message in channel:
                        data = message.data if isinstance(message.data, bytes) else b""
                        kind, content = data[:1], data[1:]
                        if kind == bytes([_STDOUT]):
                            yield content
                        elif kind == bytes([_STDERR]):
                            errors = (errors + content)[-1000:]
                        elif kind == bytes([_ERROR]):
                            _check_end(content, errors)
                            return
                finally:
                    if sending is not None:
                        sending.cancel()
                        await asyncio.gather(sending, return_exceptions=True)
        except aiohttp.WSServerHandshakeError as error:
            raise ApiFault(error.status, error.message) from error
        raise ApiFault(0, f"the connection to a command in {pod} was cut")

    async def aclose(self) -> None:
        """Close all connections."""
        await self._disconnect()
        # Whoever closes a connection leaves it to the loop to end it politely, for which there is no time any more.
        for connection in list(self._sockets):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Any,
        content_type: str,
        *,
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        session, base, headers, options = await self._target()
        url = f"{base}{path}" if path.startswith("/") else f"{base}/api/v1/namespaces/{self._namespace}/{path}"
        async with session.request(
            method,
            url,
            params=params,
            data=None if body is None else orjson.dumps(body),
            headers={**headers, "Content-Type": content_type},
            timeout=timeout or aiohttp.ClientTimeout(total=_CALL_SECONDS, sock_connect=_CONNECT_SECONDS),
            **options,
        ) as response:
            if response.status >= 400:
                raise ApiFault(response.status, _words(await response.read(), response.status))
            try:
                yield response
            finally:
                # What has not ended is cut off: a polite end of TLS would wait for the other side.
                transport = response.connection.transport if response.connection is not None else None
                if transport is not None:
                    transport.abort()

    async def _target(self) -> tuple[aiohttp.ClientSession, str, dict[str, str], dict[str, Any]]:
        configuration, session = await self._connected()
        token = await configuration.get_api_key_with_prefix("BearerToken")
        options: dict[str, Any] = {}
        if configuration.proxy:
            options["proxy"] = configuration.proxy
        if configuration.tls_server_name:
            options["server_hostname"] = configuration.tls_server_name
        headers = {"Authorization": token} if token else {}
        return session, str(configuration.host).rstrip("/"), headers, options

    async def _connected(self) -> tuple[Configuration, aiohttp.ClientSession]:
        if self._configuration is None or self._session is None:
            async with self._connecting:
                if self._configuration is None or self._session is None:
                    return await self._connect()
        return self._configuration, self._session

    async def _connect(self) -> tuple[Configuration, aiohttp.ClientSession]:
        # Takes a tenth of a second and 40 MB: only who uses a cluster pays that.
        configuration: Configuration = (await asyncio.to_thread(_library)).Configuration()
        try:
            namespace = await _configure(configuration, self._access)
            tls = _tls(configuration)
        except (OSError, ValueError, TypeError, KeyError, ssl.SSLError, yaml.YAMLError) as error:
            raise EngineRefused(f"the cluster's configuration cannot be used: {error}") from error
        except _config_fault() as error:
            raise EngineUnavailable(f"no cluster was found: {error}") from error
        self._namespace = self._access.namespace or namespace
        # A pod under way holds a connection or two, so that aiohttp's limit of 100 would be one on pods.
        connector = aiohttp.TCPConnector(limit=0, ssl=tls, socket_factory=self._make_socket)
        session = aiohttp.ClientSession(connector=connector, trust_env=True, read_bufsize=_LARGEST_OBJECT)
        self._configuration, self._session = configuration, session
        return configuration, session

    async def _disconnect(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _make_socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, *_ = address
        made = socket.socket(family, kind, protocol)
        # A watch and a log send nothing: only so is it noticed that nobody is at the other end any more.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEP_ALIVE.items():
            if hasattr(socket, option):
                made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        self._sockets.add(made)
        return made


def _library() -> Any:
    from kubernetes_asyncio import client

    return client


def _config_fault() -> type[Exception]:
    from kubernetes_asyncio.config import ConfigException

    return ConfigException


def _tls(configuration: Configuration) -> ssl.SSLContext:
    """Do what the library does for its own client."""
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.disable_strict_ssl_verification:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


async def _configure(configuration: Any, access: ClusterAccess) -> str:
    """Set the library up, and return the namespace that goes without saying."""
    from kubernetes_asyncio import config

    if access.kubeconfig is not None:
        document = yaml.safe_load(access.kubeconfig)
        loader = await config.load_kube_config_from_dict(document, access.context, configuration)
    elif os.environ.get("KUBERNETES_SERVICE_HOST") and (_SERVICE_ACCOUNT / "token").is_file():
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        return (_SERVICE_ACCOUNT / "namespace").read_text().strip()
    else:
        place = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
        loader = await config.load_kube_config(place, access.context, configuration, persist_config=False)
    context = (loader.current_context or {}).get("context", {})
    return str(context.get("namespace") or "default")


async def _send(channel: aiohttp.ClientWebSocketResponse, source: AsyncIterator[bytes]) -> None:
    async for data in source:
        for start in range(0, len(data), _PIECE):
            await channel.send_bytes(bytes([_STDIN]) + data[start : start + _PIECE])
    await channel.send_bytes(bytes([_CLOSE, _STDIN]))


def _check_end(status: bytes, errors: bytes) -> None:
    answer = json.loads(status)
    if answer.get("status") != "Success":
        words = errors.decode(errors="replace").strip()
        raise ApiFault(0, f"{answer.get('message')}{': ' if words else ''}{words}")


def _words(body: bytes, status: int) -> str:
    try:
        return str(orjson.loads(body)["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return body.decode(errors="replace").strip()[:500] or f"status {status}"

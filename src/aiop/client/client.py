"""The two clients. They differ in their driver and in nothing else."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack

import httpx

from aiop import __version__
from aiop.client.agents import Agents
from aiop.client.audit import Audit
from aiop.client.auth import Auth
from aiop.client.calls import Calls
from aiop.client.drivers import AsyncDriver, SyncDriver
from aiop.client.effects import Flow, Request
from aiop.client.executions import Executions, wait_for
from aiop.client.images import Images
from aiop.client.monitoring import Monitoring
from aiop.client.operation import D, Resource, operation
from aiop.client.pipelines import Pipelines
from aiop.client.results.executions import Execution
from aiop.client.retry import Retry
from aiop.client.secrets import Secrets
from aiop.client.session import Tokens, TokenStore
from aiop.client.workflows import Workflows

__all__ = ["AsyncClient", "Client", "Options", "is_loopback"]


class Options(TypedDict, total=False):
    """What both clients take besides the address.

    Credentials are one of: ``token`` (an API or access token), ``tokens`` (renewed by the refresh token in it),
    ``username`` with ``password`` (signs in at the first request), ``token_store`` (kept between runs). A password
    given along with one of the others is used when that is refused.
    """

    token: str | None
    tokens: Tokens | None
    token_store: TokenStore | None
    username: str | None
    password: str | None
    timeout: float
    """Seconds that connecting and each wait for an answer may take; 30 by default."""
    retry: Retry | None
    reconnect: Retry | None
    """Like ``retry``, for streams whose connection breaks; more patient by default."""
    headers: Mapping[str, str]
    verify: bool
    """Whether certificates are checked; ``True`` by default."""


class _Api(Resource[D]):
    """All that can be asked of the service."""

    def __init__(self, driver: D, calls: Calls) -> None:
        super().__init__(driver, calls)
        self.workflows: Workflows[D] = Workflows(driver, calls)
        self.pipelines: Pipelines[D] = Pipelines(driver, calls)
        self.executions: Executions[D] = Executions(driver, calls)
        self.agents: Agents[D] = Agents(driver, calls)
        self.secrets: Secrets[D] = Secrets(driver, calls)
        self.images: Images[D] = Images(driver, calls)
        self.monitoring: Monitoring[D] = Monitoring(driver, calls)
        self.audit: Audit[D] = Audit(driver, calls)
        self.auth: Auth[D] = Auth(driver, calls)

    @operation
    def run_and_wait(
        self,
        workflow: str | Mapping[str, Any],
        inputs: Mapping[str, Any] | None = None,
        *,
        timeout: float | None = None,
    ) -> Flow[Execution]:
        """Execute a stored workflow, or store a document and execute it; returns the execution once it has ended.

        A failed execution is a result and no exception: look at ``succeeded``. Raises ``WaitTimeout`` after
        ``timeout`` seconds; the execution goes on then.
        """
        if not isinstance(workflow, str):
            workflow = (yield from Workflows.create.flow(self, workflow)).id
        submission = yield from Workflows.execute.flow(self, workflow, inputs)
        return (yield from wait_for(self._calls, submission.execution_id, timeout=timeout))

    @operation
    def ready(self) -> Flow[bool]:
        """Whether the service can take work, by its own judgement; raises ``ServiceUnreachable`` if it is away."""
        yield from self._calls.send(Request("GET", "/readyz", signed=False))
        return True


class Client(_Api[SyncDriver]):
    """Blocking client; a context manager. Threads may share it.

    ``transport`` replaces the network, for tests and for services in the same process.
    """

    def __init__(
        self, base_url: str, *, transport: httpx.BaseTransport | None = None, **options: Unpack[Options]
    ) -> None:
        http = httpx.Client(transport=transport, **_http(base_url, options))
        super().__init__(SyncDriver(http), _calls(options))

    def close(self) -> None:
        """Close the connections."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(_Api[AsyncDriver]):
    """Client for asyncio; an async context manager. Tasks of one event loop may share it."""

    def __init__(
        self, base_url: str, *, transport: httpx.AsyncBaseTransport | None = None, **options: Unpack[Options]
    ) -> None:
        http = httpx.AsyncClient(transport=transport, **_http(base_url, options))
        super().__init__(AsyncDriver(http), _calls(options))

    async def close(self) -> None:
        """Close the connections."""
        await self._driver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def is_loopback(base_url: str) -> bool:
    """Whether the address is of this very machine."""
    host = httpx.URL(base_url).host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _http(base_url: str, options: Options) -> dict[str, Any]:
    url = httpx.URL(base_url)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{base_url!r} is not an address like http://127.0.0.1:8000")
    return {
        "base_url": url,
        "timeout": options.get("timeout", 30.0),
        "headers": {"User-Agent": f"aiop/{__version__}", **options.get("headers", {})},
        "verify": options.get("verify", True),
        # a proxy of the environment cannot know what this machine calls itself
        "trust_env": not is_loopback(base_url),
    }


def _calls(options: Options) -> Calls:
    token = options.get("token")
    return Calls(
        tokens=Tokens(token) if token else options.get("tokens"),
        store=options.get("token_store"),
        username=options.get("username"),
        password=options.get("password"),
        retry=options.get("retry"),
        reconnect=options.get("reconnect"),
    )

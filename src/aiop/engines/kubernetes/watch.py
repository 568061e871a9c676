"""All pods of the installation in one namespace, kept true by one watch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import aiohttp
import orjson
import structlog

from aiop.engines.kubernetes.client import ApiFault, KubernetesClient, translated
from aiop.errors import EngineUnavailable

__all__ = ["Pod", "PodWatch"]

Pod = Mapping[str, Any]

_WATCH_SECONDS = 240
_SILENCE_SECONDS = _WATCH_SECONDS + 30
_SHORTEST_SECONDS = 1.0
"""One that ends sooner and tells nothing is not worth being tried again at once."""
_GONE = 410

log = structlog.get_logger()


class PodWatch:
    """Opened when it is first needed. A watch that ends is gone on with, one that is too old begins anew with a list;
    where the API does not answer, whoever waits is told, and the next who asks opens it again.
    """

    def __init__(self, client: KubernetesClient, selector: str) -> None:
        self._client = client
        self._selector = selector
        self._pods: dict[str, Pod] = {}
        self._waiters: dict[str, set[asyncio.Future[None]]] = {}
        self._task: asyncio.Task[None] | None = None
        self._listed = asyncio.Event()
        self._version = ""

    async def open(self) -> None:
        """Return once all pods are known; raises ``EngineUnavailable``."""
        if self._task is None or self._task.done():
            self._listed = asyncio.Event()
            self._version = ""
            self._task = asyncio.create_task(self._run(), name="kubernetes-watch")
        task = self._task
        listed = asyncio.ensure_future(self._listed.wait())
        try:
            await asyncio.wait({task, listed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            listed.cancel()
        if not self._listed.is_set():
            # It ends by itself only with a fault.
            await asyncio.shield(task)

    def get(self, name: str) -> Pod | None:
        """Return what is known of a pod now."""
        return self._pods.get(name)

    def note(self, pod: Pod) -> None:
        """Take in what a call has answered; what is older than what is known is left."""
        self._put(pod)

    async def until(self, name: str, holds: Callable[[Pod | None], bool]) -> Pod | None:
        """Return the pod once ``holds`` says so of it, or of there being none; raises ``EngineUnavailable``."""
        while True:
            pod = self._pods.get(name)
            if holds(pod):
                return pod
            await self.open()
            if self._pods.get(name) is not pod:
                continue
            future = asyncio.get_running_loop().create_future()
            waiters = self._waiters.setdefault(name, set())
            waiters.add(future)
            try:
                await future
            finally:
                waiters.discard(future)
                if not waiters and self._waiters.get(name) is waiters:
                    del self._waiters[name]

    async def aclose(self) -> None:
        """End the watch."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # --- the watch ----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            with translated():
                while True:
                    if not self._version:
                        await self._list()
                    await self._follow()
        except EngineUnavailable as error:
            log.info("watch_lost", error=str(error))
            self._fail(error)
            raise
        except ValueError as error:
            # No JSON, or a line beyond all measure: who waits must hear of that too.
            fault = EngineUnavailable(f"the Kubernetes API tells of pods what cannot be read: {error}")
            log.info("watch_lost", error=str(fault))
            self._fail(fault)
            raise fault from error

    async def _list(self) -> None:
        answer = await self._client.call("GET", "pods", params={"labelSelector": self._selector})
        self._version = answer["metadata"]["resourceVersion"]
        found = {pod["metadata"]["name"]: pod for pod in answer["items"]}
        for name, known in list(self._pods.items()):
            # What was made since is not in the list.
            if name not in found and not _newer(known, self._version):
                del self._pods[name]
                self._wake(name)
        for pod in found.values():
            self._put(pod)
        self._listed.set()

    async def _follow(self) -> None:
        """Watch until the server ends it, which it does now and then; one that breaks is tried again once."""
        params = {
            "labelSelector": self._selector,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(_WATCH_SECONDS),
        }
        begun, heard = asyncio.get_running_loop().time(), False
        try:
            async with self._client.stream("pods", params, silence=_SILENCE_SECONDS) as response:
                # What was opened may break: whether the server is away shows when it is opened again.
                with suppress(aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, TimeoutError):
                    async for line in response.content:
                        heard = True
                        if not line.endswith(b"\n") or not self._take(orjson.loads(line)):
                            return
        except ApiFault as fault:
            if fault.status != _GONE:
                raise
            self._version, heard = "", True
        if not heard and asyncio.get_running_loop().time() - begun < _SHORTEST_SECONDS:
            raise ApiFault(503, "the Kubernetes API ends every watch at once")

    def _take(self, event: Mapping[str, Any]) -> bool:
        kind, found = event["type"], event["object"]
        if kind == "ERROR":
            if found.get("code") != _GONE:
                raise ApiFault(int(found.get("code") or 500), str(found.get("message")))
            self._version = ""
            return False
        self._version = found["metadata"]["resourceVersion"]
        if kind == "DELETED":
            name = found["metadata"]["name"]
            known = self._pods.get(name)
            if known is not None and not _newer(known, self._version):
                del self._pods[name]
                self._wake(name)
        elif kind != "BOOKMARK":
            self._put(found)
        return True

    def _put(self, pod: Pod) -> None:
        name = pod["metadata"]["name"]
        known = self._pods.get(name)
        if known is not None and not _newer(pod, known["metadata"]["resourceVersion"]):
            return
        self._pods[name] = pod
        self._wake(name)

    def _wake(self, name: str) -> None:
        for future in self._waiters.pop(name, ()):
            if not future.done():
                future.set_result(None)

    def _fail(self, error: EngineUnavailable) -> None:
        waiters, self._waiters = self._waiters, {}
        for futures in waiters.values():
            for future in futures:
                if not future.done():
                    future.set_exception(type(error)(str(error)))


def _newer(pod: Pod, version: str) -> bool:
    """Compare versions of one kind of objects as the numbers that they are."""
    return int(pod["metadata"]["resourceVersion"]) > int(version)

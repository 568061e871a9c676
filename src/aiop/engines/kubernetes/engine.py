"""``KubernetesEngine``: the contract of ``Engine`` on a cluster, a pod for an attempt.

A pod under the attempt's name is made once (a repeat finds the first), one watch tells what becomes of it, its log is
read to the last mark, and nothing removes it but ``remove``: every call can be repeated.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import re
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiop.engines.kubernetes.attempts import Attempt, StartRefused
from aiop.engines.kubernetes.client import ApiFault, ClusterAccess, KubernetesClient, translated
from aiop.engines.kubernetes.collecting import Collector
from aiop.engines.kubernetes.launching import Launcher
from aiop.engines.kubernetes.names import key_of, pod_name, selector
from aiop.engines.kubernetes.output import Delivery
from aiop.engines.kubernetes.pods import HELD_BACK, Mode, PodRefused, pod_body
from aiop.engines.kubernetes.status import status_of
from aiop.engines.kubernetes.watch import PodWatch
from aiop.engines.kubernetes.workspaces import copy_workspace_in
from aiop.engines.kubernetes.wrapping import SHELL
from aiop.errors import EngineError, EngineRefused, EngineUnavailable, ImageRefused, StartDelayed, StepLost
from aiop.interfaces import Capabilities, EngineInfo, OutputSink
from aiop.model.agent import PodSettings
from aiop.model.definition import PullPolicy
from aiop.model.ids import ExecutionId, StepId, StepKey
from aiop.model.run import ContainerRun, Credentials, Outcome
from aiop.model.state import Reason

__all__ = ["KubernetesEngine"]

_OLDEST = (1, 27)
"""Where pods can be kept from being scheduled until their secrets are there."""

_NO_COMMAND = "/.aiop-resolve"
_NEWEST_DIGESTS = 1000


class KubernetesEngine:
    """One namespace of one cluster, shared with others: only what bears the installation's label is seen."""

    capabilities = Capabilities(
        cpu_limit=True,
        memory_limit=True,
        gpus=True,
        network_none=False,
        process_limit=False,
        no_new_privileges=True,
        user_names=False,
        host_mounts=True,
        named_volumes=True,
        files=True,
        output_paths=True,
        read_only_volumes=True,
        live_parts=False,
        live_mounts=True,
        graceful_stop=True,
        reattach=True,
        workspace=True,
    )

    def __init__(self, *, access: ClusterAccess, installation: str, settings: PodSettings) -> None:
        self._installation = installation
        self._settings = settings
        self._client = KubernetesClient(access)
        self._watch = PodWatch(self._client, selector(installation))
        self._launcher = Launcher(self._client, self._watch)
        self._collector = Collector(self._client, self._watch)
        self._attempts: dict[StepKey, Attempt] = {}
        self._shell_less: set[str] = set()
        """Images in which no shell was found."""
        self._digests: dict[str, str] = {}
        self._resolving: dict[str, asyncio.Lock] = {}

    async def check(self) -> EngineInfo:
        """Ask the cluster who it is, and whether pods may be seen; raises ``EngineUnavailable``."""
        with translated():
            version = await self._client.call("GET", "/version")
            found = tuple(int(part) for part in re.findall(r"\d+", str(version.get("gitVersion")))[:2])
            if found < _OLDEST:
                oldest = ".".join(map(str, _OLDEST))
                raise EngineRefused(f"the cluster is of version {version.get('gitVersion')}, the oldest is {oldest}")
            await self._client.call("GET", "pods", params={"limit": "1", "labelSelector": selector(self._installation)})
            detail = {"namespace": await self._client.namespace(), "platform": str(version.get("platform", ""))}
        return EngineInfo(type="kubernetes", version=str(version["gitVersion"]).removeprefix("v"), detail=detail)

    async def resolve(self, image: str, *, pull: PullPolicy, credentials: Credentials | None) -> str:
        """Have a node pull it, by a pod that runs nothing; a name is looked up once, unless it is always pulled."""
        if pull is PullPolicy.MISSING and image in self._digests:
            return self._digests[image]
        async with self._resolving.setdefault(image, asyncio.Lock()):
            if pull is PullPolicy.MISSING and image in self._digests:
                return self._digests[image]
            with translated():
                return await self._resolve(ContainerRun(image, (_NO_COMMAND,), pull=pull, credentials=credentials))

    async def start(self, key: StepKey, run: ContainerRun, sink: OutputSink) -> datetime | None:
        """Make the pod, or take up the one that is there, and wait until its container runs."""
        return await self._take_up(Attempt(key, run, Delivery(sink)), self._start)

    async def adopt(self, key: StepKey, run: ContainerRun, sink: OutputSink) -> datetime | None:
        """Take up the pod that is there."""
        return await self._take_up(Attempt(key, run, Delivery(sink)), self._adopt)

    async def wait(self, key: StepKey) -> Outcome:
        """Read the log to its end and collect how it ended."""
        attempt = self._attempts.get(key)
        if attempt is None:
            raise RuntimeError(f"{key.name} was neither started nor adopted")
        if attempt.refusal is not None:
            return attempt.refusal
        if attempt.collecting is None:
            attempt.collecting = asyncio.create_task(self._collect(attempt), name=f"collect {attempt.name}")
        try:
            return await asyncio.shield(attempt.collecting)
        except EngineError:
            attempt.collecting = None
            raise

    async def stop(self, key: StepKey, *, grace: timedelta) -> None:
        """Send TERM, after ``grace`` (in whole seconds, one at least) KILL."""
        with translated():
            await self._watch.open()
            name = pod_name(key)
            pod = await self._launcher.find(name)
            if pod is None:
                return
            status = status_of(pod)
            if status.over:
                return
            if not status.begun:
                await self._launcher.remove(name)
                return
            seconds = max(1, math.ceil(grace.total_seconds()))
            await self._launcher.stop(name, grace=seconds, finalizer=HELD_BACK)

    async def remove(self, key: StepKey) -> None:
        """Remove the pod; its secrets go with it. Returns when its processes are gone."""
        await self._let_go(key)
        with translated():
            await self._watch.open()
            await self._launcher.remove(pod_name(key))

    async def attempts(self) -> Sequence[StepKey]:
        """List by the label of the installation."""
        with translated():
            query = {"labelSelector": selector(self._installation)}
            found = (await self._client.call("GET", "pods", params=query))["items"]
        return [key for key in map(key_of, found) if key is not None]

    async def aclose(self) -> None:
        """Close all connections; pods run on."""
        for key in list(self._attempts):
            await self._let_go(key)
        await self._watch.aclose()
        await self._client.aclose()

    # --- start and adopt ------------------------------------------------------------------------------------

    async def _take_up(self, attempt: Attempt, how: Callable[[Attempt], Coroutine[Any, Any, None]]) -> datetime | None:
        await self._let_go(attempt.key)
        try:
            with translated():
                await self._watch.open()
                await how(attempt)
        except PodRefused as refusal:
            attempt.refusal = StartRefused(Reason.START_FAILED, str(refusal)).outcome
        except StartRefused as refusal:
            attempt.refusal = refusal.outcome
        self._attempts[attempt.key] = attempt
        if attempt.refusal is None:
            attempt.collecting = asyncio.create_task(self._collect(attempt), name=f"collect {attempt.name}")
            attempt.collecting.add_done_callback(_look_at)
        return attempt.started_at

    async def _collect(self, attempt: Attempt) -> Outcome:
        with translated():
            await self._watch.open()
            return await self._collector.collect(attempt)

    async def _let_go(self, key: StepKey) -> None:
        attempt = self._attempts.pop(key, None)
        if attempt is not None:
            await attempt.let_go()

    async def _start(self, attempt: Attempt) -> None:
        run = attempt.run
        bare = run.command is None or run.image in self._shell_less
        pod = await self._launcher.make(self._body(attempt.key, run, Mode.BARE if bare else Mode.WRAPPED), run)
        attempt.note_pod(pod)
        try:
            await self._begin(attempt)
        except StartRefused as refusal:
            if attempt.mode != Mode.WRAPPED or SHELL not in str(refusal) or refusal.outcome.exit_code is None:
                raise
            if run.workspace is not None:
                words = f"a step of a pipeline needs a shell in its image: {refusal}"
                raise StartRefused(Reason.START_FAILED, words) from refusal
            # Nothing has run: the image has no shell.
            self._shell_less.add(run.image)
            await self._launcher.remove(attempt.name)
            attempt.note_pod(await self._launcher.make(self._body(attempt.key, run, Mode.BARE), run))
            await self._begin(attempt)

    async def _adopt(self, attempt: Attempt) -> None:
        pod = await self._launcher.find(attempt.name)
        if pod is None:
            raise StepLost(f"{attempt.key.name} is not on the cluster any more")
        attempt.note_pod(pod)
        await self._launcher.open_gate(pod, attempt.run)
        await self._begin(attempt)

    async def _begin(self, attempt: Attempt) -> None:
        status = await self._launcher.until_begun(attempt.name)
        workspace = attempt.run.workspace
        if workspace is not None and status.running:
            try:
                await copy_workspace_in(self._client, attempt.name, workspace)
            except ApiFault as fault:
                if fault.status != 0:
                    raise
                if "not found" in str(fault):
                    words = f"a step of a pipeline needs tar in its image: {fault}"
                    raise StartRefused(Reason.START_FAILED, words) from fault
                raise EngineUnavailable(f"the workspace of {attempt.name} cannot be filled: {fault}") from fault
        attempt.started_at = status.started_at
        if status.image_digest is not None:
            self._note_digest(attempt.run.image, status.image_digest)

    def _body(self, key: StepKey, run: ContainerRun, mode: str) -> dict[str, Any]:
        return pod_body(
            run,
            key=key,
            installation=self._installation,
            settings=self._settings,
            mode=mode,
            now=datetime.now(UTC),
        )

    # --- images ---------------------------------------------------------------------------------------------

    async def _resolve(self, run: ContainerRun) -> str:
        """Run a command that no image has: what is pulled for it tells its digest."""
        await self._watch.open()
        # A name of its own for each image, by which its secrets are found too; and no annotation: it is no attempt.
        asked = hashlib.blake2b(f"{self._installation} {run.image}".encode(), digest_size=10).hexdigest()
        key = StepKey(ExecutionId(f"resolve-{asked}"), StepId("image"))
        name = pod_name(key)
        body = self._body(key, run, Mode.BARE)
        del body["metadata"]["annotations"]["aiop.step"]
        await self._launcher.remove(name)
        try:
            await self._launcher.make(body, run)
            while True:
                try:
                    await self._launcher.until_begun(name)
                except StartDelayed:
                    continue
                except StartRefused as refusal:
                    if refusal.outcome.reason is Reason.IMAGE_PULL:
                        raise ImageRefused(str(refusal)) from None
                break
            pod = self._watch.get(name)
            found = status_of(pod).image_digest if pod is not None else None
        except StartRefused as refusal:
            raise ImageRefused(str(refusal)) from None
        finally:
            await self._launcher.remove(name)
        if found is None:
            raise EngineUnavailable(f"the cluster does not tell the digest of {run.image}")
        self._note_digest(run.image, found)
        return found

    def _note_digest(self, image: str, digest: str) -> None:
        if len(self._digests) >= _NEWEST_DIGESTS:
            self._digests.clear()
        self._digests[image] = digest


def _look_at(collecting: asyncio.Task[Outcome]) -> None:
    """A fault is for who waits; nobody may."""
    if not collecting.cancelled():
        collecting.exception()

"""Makes a pod with its secrets, and waits until its container runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from aiop.engines.kubernetes.attempts import StartRefused
from aiop.engines.kubernetes.client import ApiFault, KubernetesClient
from aiop.engines.kubernetes.pods import GATE, secret_body
from aiop.engines.kubernetes.status import PodStatus, is_over, status_of
from aiop.engines.kubernetes.watch import Pod, PodWatch
from aiop.errors import EngineRefused, EngineUnavailable, RegistryUnavailable, StartDelayed, StepLost
from aiop.interfaces import still_ours
from aiop.model.run import ContainerRun, exit_code_of
from aiop.model.state import Reason

__all__ = ["Launcher"]

_LOOK_AFTER = timedelta(seconds=3)
"""What a pod waits for stands in its status only at times, else in the cluster's events: looked at after so long."""

_LONGEST_LOOK = timedelta(seconds=60)
_GONE_WITHIN = 60.0
_MERGE = "application/merge-patch+json"
_LASTING_TROUBLE = ("hostPath type check failed",)


@dataclass(frozen=True, slots=True)
class _Told:
    """What was said of a pod that waits, and when to look at its events again."""

    words: str | None = None
    look: timedelta = _LOOK_AFTER


class Launcher:
    """Calls for one namespace."""

    def __init__(self, client: KubernetesClient, watch: PodWatch) -> None:
        self._client = client
        self._watch = watch
        self._told: dict[str, _Told] = {}

    async def find(self, name: str) -> Pod | None:
        """Return a pod as it is known, or as the cluster knows it."""
        known = self._watch.get(name)
        if known is not None:
            return known
        try:
            pod: Pod = await self._client.call("GET", f"pods/{name}")
        except ApiFault as fault:
            if fault.status == 404:
                return None
            raise
        self._watch.note(pod)
        return pod

    async def make(self, body: Mapping[str, Any], run: ContainerRun) -> Pod:
        """Make the pod, or take the one that is there; raises ``StartRefused`` and ``StartDelayed``."""
        name = body["metadata"]["name"]
        await still_ours()
        try:
            pod: Pod = await self._client.call("POST", "pods", body=body)
        except ApiFault as fault:
            if fault.status != 409:
                raise _refusal(fault, self._tell(name, str(fault))) from fault
            found = await self.find(name)
            if found is None:
                raise EngineUnavailable(f"{name} was there and is not any more") from fault
            pod = found
        self._watch.note(pod)
        return await self.open_gate(pod, run)

    async def open_gate(self, pod: Pod, run: ContainerRun) -> Pod:
        """Give a pod that was kept from being scheduled its secrets, and let it go."""
        gates = pod["spec"].get("schedulingGates") or ()
        if not any(gate["name"] == GATE for gate in gates):
            return pod
        for secret in secret_body(run, pod):
            await self._make_secret(secret)
        rest = [gate for gate in gates if gate["name"] != GATE]
        return await self._patch(pod["metadata"]["name"], {"spec": {"schedulingGates": rest or None}})

    async def until_begun(self, name: str) -> PodStatus:
        """Return the status once the container has begun; raises what ``Engine.start`` does, and ``StartRefused``.

        A pod that came to nothing is removed, so that it does not begin afterwards.
        """
        while True:
            told = self._told.get(name, _Told())
            try:
                async with asyncio.timeout(told.look.total_seconds()):
                    pod = await self._watch.until(name, partial(_is_news, told=told.words))
            except TimeoutError:
                self._told[name] = _Told(told.words, min(told.look * 2, _LONGEST_LOOK))
                await self._look_at_events(name)
                continue
            if pod is None:
                raise StepLost(f"{name} is not on the cluster any more")
            status = status_of(pod)
            if status.begun or status.over or status.pull is not None:
                self._told.pop(name, None)
            if status.lost is not None:
                raise StepLost(status.lost)
            if status.begun:
                return status
            await self._say_why(name, status)

    async def remove(self, name: str, *, grace: int = 1) -> None:
        """Remove a pod, its processes and its secrets; returns when that is done, as far as the cluster can tell."""
        try:
            answer = await self._client.call("DELETE", f"pods/{name}", body=_deletion(grace))
        except ApiFault as fault:
            if fault.status != 404:
                raise
            answer = {}
        if (answer.get("metadata") or {}).get("finalizers"):
            await self._patch(name, {"metadata": {"finalizers": None}}, absent_ok=True)
        self._told.pop(name, None)
        if answer.get("kind") == "Pod" and self._watch.get(name) is not None:
            # A node that is away never says so: what is left then is the cluster's to clean up.
            try:
                async with asyncio.timeout(_GONE_WITHIN):
                    uid = answer["metadata"].get("uid")
                    await self._watch.until(name, lambda pod: pod is None or pod["metadata"].get("uid") != uid)
            except TimeoutError:
                pass

    async def stop(self, name: str, *, grace: int, finalizer: str) -> None:
        """Have the container told to end, and keep what becomes known of it; returns when it has ended."""
        kept = await self.find(name)
        if kept is None:
            return
        finalizers = [*(kept["metadata"].get("finalizers") or ()), finalizer]
        if finalizer not in finalizers[:-1] and "deletionTimestamp" not in kept["metadata"]:
            await self._patch(name, {"metadata": {"finalizers": finalizers}}, absent_ok=True)
        try:
            self._watch.note(await self._client.call("DELETE", f"pods/{name}", body=_deletion(grace)))
        except ApiFault as fault:
            if fault.status != 404:
                raise
        await self._watch.until(name, is_over)

    # --- small things -------------------------------------------------------------------------------------------

    async def _say_why(self, name: str, status: PodStatus) -> None:
        """Raise what keeps a pod from beginning."""
        if status.ending is not None:
            words = status.ending.words or "the container could not be started"
            raise StartRefused(Reason.START_FAILED, words, code=exit_code_of(words))
        if status.pull is not None:
            # The next attempt does not wait out the node's pauses, and this one does not begin after it was given up.
            await self.remove(name)
            if status.pull.away:
                raise RegistryUnavailable(status.pull.words)
            raise StartRefused(Reason.IMAGE_PULL, status.pull.words)
        if status.lasting:
            await self.remove(name)
            raise StartRefused(Reason.START_FAILED, status.waits or "")
        self._delay(name, status.waits or "")

    def _tell(self, name: str, words: str) -> bool:
        """Whether these words are news."""
        told = self._told.get(name, _Told())
        self._told[name] = _Told(words, told.look)
        return words != told.words

    def _delay(self, name: str, words: str) -> None:
        if self._tell(name, words):
            raise StartDelayed(words)

    async def _look_at_events(self, name: str) -> None:
        pod = self._watch.get(name)
        if pod is None:
            return
        query = {"fieldSelector": f"involvedObject.uid={pod['metadata']['uid']},type=Warning"}
        found = (await self._client.call("GET", "events", params=query))["items"]
        if not found:
            return
        event = max(found, key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
        words = f"{event.get('reason')}: {event.get('message')}"
        if any(sign in words for sign in _LASTING_TROUBLE):
            await self.remove(name)
            raise StartRefused(Reason.START_FAILED, words)
        self._delay(name, words)

    async def _make_secret(self, secret: Mapping[str, Any]) -> None:
        for again in (False, True):
            try:
                await self._client.call("POST", "secrets", body=secret)
            except ApiFault as fault:
                if fault.status != 409 or again:
                    raise
                # Of a pod that had this name before, or of this one by a service that died.
                await self._client.call("DELETE", f"secrets/{secret['metadata']['name']}")
            else:
                return

    async def _patch(self, name: str, change: Mapping[str, Any], *, absent_ok: bool = False) -> Pod:
        try:
            pod: Pod = await self._client.call("PATCH", f"pods/{name}", body=change, content_type=_MERGE)
        except ApiFault as fault:
            if absent_ok and (fault.status == 404 or "being deleted" in str(fault)):
                return {}
            raise
        if "deletionTimestamp" not in pod["metadata"] or pod["metadata"].get("finalizers"):
            self._watch.note(pod)
        return pod


def _deletion(grace: int) -> dict[str, Any]:
    return {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": grace}


def _is_news(pod: Pod | None, told: str | None) -> bool:
    if pod is None:
        return True
    status = status_of(pod)
    final = status.begun or status.over or status.pull is not None
    return final or status.lasting or (status.waits is not None and status.waits != told)


def _refusal(fault: ApiFault, news: bool) -> Exception:
    """Say what a pod that was not made means."""
    words = str(fault)
    if fault.status == 403 and "exceeded quota" in words:
        return StartDelayed(words) if news else EngineUnavailable(words)
    if fault.status == 404:
        return EngineRefused(words)
    if fault.status in (400, 422) or (fault.status == 403 and "cannot create resource" not in words):
        return StartRefused(Reason.START_FAILED, words)
    return fault

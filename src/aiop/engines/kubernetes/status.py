"""What a pod's status says of its attempt. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiop.engines.kubernetes.pods import CREATED, HELD_BACK
from aiop.model.state import Reason

__all__ = ["Ending", "PodStatus", "PullFault", "is_over", "status_of"]

_PULL_REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
_REGISTRY_AWAY = re.compile(
    r"no such host|connection refused|i/o timeout|timeout exceeded|deadline exceeded|connection reset"
    r"|network is unreachable|no route to host|server misbehaving|unexpected EOF|TLS handshake"
    r"|toomanyrequests|50[0234] |RegistryUnavailable",
    re.IGNORECASE,
)
_NO_CLAIM = re.compile(r'persistentvolumeclaim "\S+" not found')
_LASTING_WAITS = frozenset({"CreateContainerConfigError", "CreateContainerError"})
"""Waits that end in nothing unless somebody mends what the pod refers to, or the node gets over its trouble."""

_NOT_STARTED = frozenset({"StartError", "ContainerCannotRun"})
_NODE_TROUBLE = (
    "cannot allocate memory",
    "code = Unavailable",
    "connection refused",
    "context canceled",
    "context deadline exceeded",
    "error reading from server",
    "is reserved for",
    "no space left on device",
    "resource temporarily unavailable",
    "timed out waiting for the condition",
    "too many open files",
    "transport is closing",
    "ttrpc: closed",
)
"""Words of what failed for the state that the node was in, not for what it was asked: the same may go well later."""

_KILLED = frozenset({137, 143})
_GONE = frozenset({"ContainerStatusUnknown", "Unknown"})
_DEADLINE = "DeadlineExceeded"
_NODE_AWAY = frozenset({"DeletionByTaintManager", "DeletionByPodGC"})


@dataclass(frozen=True, slots=True)
class PullFault:
    """Why the image is not there; ``away``: its registry does not answer, and may later."""

    words: str
    away: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """How a container ended. ``started`` is false if it never ran: ``words`` say why."""

    code: int
    reason: Reason | None
    words: str | None
    message: str
    finished_at: datetime | None
    started: bool = True


@dataclass(frozen=True, slots=True)
class PodStatus:
    """What is known of a pod. ``waits`` says why it has not started, ``lost`` why nothing will come of it."""

    running: bool
    started_at: datetime | None
    ending: Ending | None
    lost: str | None
    waits: str | None
    lasting: bool
    pull: PullFault | None
    image_digest: str | None
    stopped: bool
    """It was told to end by us."""
    deleted: bool

    @property
    def begun(self) -> bool:
        """Whether its container has run, or runs."""
        return self.started_at is not None

    @property
    def over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.ending is not None or self.lost is not None


def status_of(pod: Mapping[str, Any]) -> PodStatus:
    """Read a pod."""
    status, meta = pod.get("status") or {}, pod["metadata"]
    container: Mapping[str, Any] = next(iter(status.get("containerStatuses") or ()), {})
    state = container.get("state") or {}
    running, ended, waiting = (state.get(name) for name in ("running", "terminated", "waiting"))
    stopped = HELD_BACK in (meta.get("finalizers") or ())
    deleted = bool(meta.get("deletionTimestamp"))
    ending = _ending(ended, status) if ended else None
    began = (running or ended or {}).get("startedAt") if ending is None or ending.started else None
    waits, lasting = _waits(status, waiting or {}) if not running and not ended else (None, False)
    return PodStatus(
        running=running is not None,
        started_at=_started_at(began, meta),
        ending=ending,
        lost=_lost(status, ended, stopped=stopped, deleted=deleted),
        waits=waits,
        lasting=lasting,
        pull=_pull(waiting or {}),
        image_digest=_digest(container),
        stopped=stopped,
        deleted=deleted,
    )


def is_over(pod: Mapping[str, Any] | None) -> bool:
    """Whether nothing more comes of a pod, or there is none."""
    return pod is None or status_of(pod).over


def _ending(ended: Mapping[str, Any], status: Mapping[str, Any]) -> Ending:
    code, why = int(ended["exitCode"]), ended.get("reason")
    message = ended.get("message") or ""
    started = not (why in _NOT_STARTED or ended.get("startedAt") in (None, "", _EPOCH))
    reason, words = (Reason.EXIT_CODE if code else None), None
    if not started:
        reason, words = Reason.START_FAILED, message or why
    elif code and why == "OOMKilled":
        reason, words = Reason.OOM_KILLED, "OOMKilled: the memory limit was reached"
    elif status.get("reason") == _DEADLINE:
        reason, words = Reason.TIMEOUT, f"{_DEADLINE}: {status.get('message') or ''}".rstrip(": ")
    return Ending(code, reason, words, message, _time(ended.get("finishedAt")), started)


_EPOCH = "1970-01-01T00:00:00Z"


def _lost(status: Mapping[str, Any], ended: Mapping[str, Any] | None, *, stopped: bool, deleted: bool) -> str | None:
    words = _disruption(status)
    if ended is None:
        if status.get("phase") == "Failed" and status.get("reason") != _DEADLINE:
            return words or f"{status.get('reason') or 'Failed'}: {status.get('message') or 'its container never ran'}"
        return words if words is not None and words.split(":")[0] in _NODE_AWAY else None
    if ended.get("reason") in _NOT_STARTED and _is_trouble(str(ended.get("message"))):
        return f"{ended['reason']}: {ended.get('message')}"
    if ended.get("reason") in _GONE:
        return f"{ended['reason']}: {ended.get('message') or 'the node does not know how the container ended'}"
    if stopped or not ended["exitCode"] or ended.get("reason") == "OOMKilled":
        return None
    if words is not None:
        return words
    if status.get("reason") and status["reason"] != _DEADLINE:
        return f"{status['reason']}: {status.get('message') or ''}".rstrip(": ")
    if deleted and ended["exitCode"] in _KILLED:
        return "somebody deleted the pod"
    return None


def _disruption(status: Mapping[str, Any]) -> str | None:
    for condition in status.get("conditions") or ():
        if condition.get("type") == "DisruptionTarget" and condition.get("status") == "True":
            return f"{condition.get('reason')}: {condition.get('message') or ''}".rstrip(": ")
    return None


def _waits(status: Mapping[str, Any], waiting: Mapping[str, Any]) -> tuple[str | None, bool]:
    for condition in status.get("conditions") or ():
        unscheduled = condition.get("type") == "PodScheduled" and condition.get("status") == "False"
        if unscheduled and condition.get("reason") == "Unschedulable":
            words = str(condition.get("message") or "")
            return f"Unschedulable: {words}", _NO_CLAIM.search(words) is not None
    why = waiting.get("reason")
    if why in _LASTING_WAITS:
        words = waiting.get("message") or ""
        return f"{why}: {words}", not _is_trouble(words)
    return None, False


def _pull(waiting: Mapping[str, Any]) -> PullFault | None:
    if waiting.get("reason") not in _PULL_REASONS:
        return None
    words = str(waiting.get("message") or "")
    return PullFault(f"{waiting['reason']}: {words}", _REGISTRY_AWAY.search(words) is not None or _is_trouble(words))


def _is_trouble(words: str) -> bool:
    return any(sign in words for sign in _NODE_TROUBLE)


def _digest(container: Mapping[str, Any]) -> str | None:
    image = str(container.get("imageID") or "")
    digest = image.rpartition("@")[2]
    return digest if digest.startswith("sha256:") else None


def _started_at(text: str | None, meta: Mapping[str, Any]) -> datetime | None:
    at = _time(text)
    if at is None:
        return None
    # The cluster's times are whole seconds: it did not start before it was made.
    created = _time((meta.get("annotations") or {}).get(CREATED))
    return max(at, created) if created is not None else at


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None

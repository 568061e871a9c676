"""States, reasons and the two transition tables. Ended states never change."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

__all__ = [
    "EXECUTION_TRANSITIONS",
    "STEP_TRANSITIONS",
    "ExecutionStatus",
    "Reason",
    "StepStatus",
    "WaitCode",
    "Waiting",
]

_LISTED = 5


class ExecutionStatus(enum.StrEnum):
    """State of an execution; a workflow's status is that of its newest execution."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self not in (ExecutionStatus.PENDING, ExecutionStatus.RUNNING)


class StepStatus(enum.StrEnum):
    """State of a step, and of each of its attempts."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self not in (StepStatus.PENDING, StepStatus.RUNNING)


EXECUTION_TRANSITIONS: Mapping[ExecutionStatus, frozenset[ExecutionStatus]] = MappingProxyType(
    {
        ExecutionStatus.PENDING: frozenset(
            {ExecutionStatus.RUNNING, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED}
        ),
        ExecutionStatus.RUNNING: frozenset(
            {ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED}
        ),
        ExecutionStatus.COMPLETED: frozenset(),
        ExecutionStatus.FAILED: frozenset(),
        ExecutionStatus.CANCELLED: frozenset(),
    }
)
"""``failed`` straight from ``pending``: nothing could be started (a definition that no longer loads)."""

STEP_TRANSITIONS: Mapping[StepStatus, frozenset[StepStatus]] = MappingProxyType(
    {
        StepStatus.PENDING: frozenset(
            {StepStatus.RUNNING, StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.CANCELLED, StepStatus.SKIPPED}
        ),
        StepStatus.RUNNING: frozenset(
            {StepStatus.PENDING, StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.CANCELLED}
        ),
        StepStatus.COMPLETED: frozenset(),
        StepStatus.FAILED: frozenset(),
        StepStatus.CANCELLED: frozenset(),
        StepStatus.SKIPPED: frozenset(),
    }
)
"""``running`` to ``pending``: another attempt follows. Straight from ``pending`` to an end: the start was seen
and the end too before either was committed, or the step could not be started (template, image)."""


class Reason(enum.StrEnum):
    """Why a step or an execution did not complete: a stable code for programs."""

    EXIT_CODE = "exit_code"
    TIMEOUT = "timeout"
    OOM_KILLED = "oom_killed"
    IMAGE_PULL = "image_pull"
    START_FAILED = "start_failed"
    ENGINE_LOST = "engine_lost"
    OUTPUT_MISSING = "output_missing"
    OUTPUT_INVALID = "output_invalid"
    TEMPLATE = "template"
    CONDITION = "condition"
    VOLUME = "volume"
    WORKSPACE = "workspace"
    UPSTREAM_FAILED = "upstream_failed"
    WHEN_FALSE = "when_false"
    FAIL_FAST = "fail_fast"
    STEP_FAILED = "step_failed"
    EXECUTION_TIMEOUT = "execution_timeout"
    AGENT_DELETED = "agent_deleted"
    CANCELLED = "cancelled"
    INTERNAL = "internal"


class WaitCode(enum.StrEnum):
    """What a pending step or execution waits for."""

    DEPENDENCY = "dependency"
    AGENT_CAPACITY = "agent_capacity"
    NO_AGENT = "no_agent"
    ENGINE_UNAVAILABLE = "engine_unavailable"
    RETRY_BACKOFF = "retry_backoff"
    IMAGE_PULL = "image_pull"
    START = "start"
    STORAGE = "storage"
    CANCELLING = "cancelling"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is waited for, as a code and as a sentence for people."""

    code: WaitCode
    detail: str

    @classmethod
    def for_steps(cls, missing: Sequence[str]) -> Self:
        """Wait for steps that have not ended; at least one."""
        more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
        return cls(WaitCode.DEPENDENCY, f"waits for {', '.join(missing[:_LISTED])}{more}")

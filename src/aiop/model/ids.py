"""Identities. Those of stored things are UUIDs of version 7, so that they sort by the time of creation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

import uuid_utils

__all__ = ["ExecutionId", "StepId", "StepKey", "TokenId", "VersionId", "WorkflowId", "new_id"]

WorkflowId = NewType("WorkflowId", str)
VersionId = NewType("VersionId", str)
ExecutionId = NewType("ExecutionId", str)
TokenId = NewType("TokenId", str)
StepId = NewType("StepId", str)


@dataclass(frozen=True, slots=True, order=True)
class StepKey:
    """The name of one attempt, everywhere: in the database, on the engine, in logs.

    ``index`` counts within a fan-out of one step from 0; ``attempt`` counts from 1 and includes the attempts
    that infrastructure faults cost.
    """

    execution: ExecutionId
    step: StepId
    index: int = 0
    attempt: int = 1

    @property
    def name(self) -> str:
        """Name of the container; unique over all executions, and of characters that every engine takes."""
        return f"aiop-{self.execution}-{self.step}-{self.index}-{self.attempt}"


def new_id() -> str:
    """Make a UUID of version 7."""
    return str(uuid_utils.uuid7())

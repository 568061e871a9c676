"""Identities. Those of stored things are UUIDs of version 7, so that they sort by the time of creation."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import NewType

import uuid_utils

__all__ = [
    "AgentId",
    "AuditId",
    "ExecutionId",
    "LayerId",
    "PipelineId",
    "SnapshotId",
    "StepId",
    "StepKey",
    "TokenId",
    "UploadId",
    "VersionId",
    "WorkflowId",
    "new_id",
]

WorkflowId = NewType("WorkflowId", str)
PipelineId = NewType("PipelineId", str)
VersionId = NewType("VersionId", str)
AgentId = NewType("AgentId", str)
ExecutionId = NewType("ExecutionId", str)
AuditId = NewType("AuditId", str)
TokenId = NewType("TokenId", str)
StepId = NewType("StepId", str)
UploadId = NewType("UploadId", str)

SnapshotId = NewType("SnapshotId", str)
"""The digest of a tree of files, in hexadecimal: equal trees have the same."""

LayerId = NewType("LayerId", str)
"""Short, because many of them must fit into the options of one mount."""


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

    @property
    def layer(self) -> LayerId:
        """Name of what this attempt changes in its workspace: 16 characters that stand for all of the key."""
        digest = hashlib.blake2b(self.name.encode(), digest_size=10).digest()
        return LayerId(base64.b32encode(digest).decode().lower())


def new_id() -> str:
    """Make a UUID of version 7."""
    return str(uuid_utils.uuid7())

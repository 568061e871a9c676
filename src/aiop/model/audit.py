"""Who did what, as it is kept."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiop.model.ids import AuditId, TokenId

__all__ = ["Actor", "AuditAction", "AuditEntry", "TargetType"]


class TargetType(enum.StrEnum):
    """What was acted on."""

    WORKFLOW = "workflow"
    PIPELINE = "pipeline"
    EXECUTION = "execution"
    AGENT = "agent"
    SECRET = "secret"  # noqa: S105 - the name of a kind
    IMAGE = "image"
    USER = "user"
    TOKEN = "token"  # noqa: S105


class AuditAction(enum.StrEnum):
    """What was done: the type of the target and a past participle."""

    WORKFLOW_CREATED = "WorkflowCreated"
    WORKFLOW_CHANGED = "WorkflowChanged"
    WORKFLOW_DELETED = "WorkflowDeleted"
    PIPELINE_CREATED = "PipelineCreated"
    PIPELINE_CHANGED = "PipelineChanged"
    PIPELINE_DELETED = "PipelineDeleted"
    EXECUTION_SUBMITTED = "ExecutionSubmitted"
    EXECUTION_CANCEL_REQUESTED = "ExecutionCancelRequested"
    AGENT_CREATED = "AgentCreated"
    AGENT_CHANGED = "AgentChanged"
    AGENT_DELETED = "AgentDeleted"
    SECRET_CREATED = "SecretCreated"  # noqa: S105
    SECRET_REPLACED = "SecretReplaced"  # noqa: S105
    SECRET_DELETED = "SecretDeleted"  # noqa: S105
    IMAGE_PULLED = "ImagePulled"
    IMAGE_IMPORTED = "ImageImported"
    IMAGES_PRUNED = "ImagesPruned"
    USER_CREATED = "UserCreated"
    USER_CHANGED = "UserChanged"
    USER_DELETED = "UserDeleted"
    USER_SIGNED_IN = "UserSignedIn"
    USER_SIGN_IN_FAILED = "UserSignInFailed"
    USER_SIGNED_OUT = "UserSignedOut"
    TOKEN_CREATED = "TokenCreated"  # noqa: S105
    TOKEN_REVOKED = "TokenRevoked"  # noqa: S105

    @property
    def target_type(self) -> TargetType:
        """What such an action is done to."""
        return next(kind for kind in TargetType if self.startswith(kind.capitalize()))


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a call, and from where; all ``None`` for the service itself.

    ``token`` and ``token_id`` are those of the API token that was shown; without one it was a session. ``username`` is
    ``None`` for whoever has not shown who he is.
    """

    username: str | None = None
    token: str | None = None
    token_id: TokenId | None = None
    request_id: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that was done. ``detail`` says more about it, and never holds a secret."""

    id: AuditId
    at: datetime
    actor: Actor
    action: AuditAction
    target: str | None
    detail: Mapping[str, Any] = field(default_factory=dict)

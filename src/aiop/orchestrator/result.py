"""What one attempt came to, in the words of the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aiop.model.definition import JsonValue
from aiop.model.pipelines import OutputRecord, WorkspaceRecord
from aiop.model.state import Reason, StepStatus

__all__ = ["AttemptResult", "LeftFiles"]


@dataclass(frozen=True, slots=True)
class LeftFiles:
    """What an attempt of a pipeline's step leaves. ``keep``: its result may stand for later runs."""

    workspace: WorkspaceRecord
    outputs: tuple[OutputRecord, ...] = ()
    keep: bool = False


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """``outputs`` are the true values, unmasked. ``infrastructure``: a fault of the world ended the attempt; if it is
    also ``final``, no further attempt would help. If it is ``cached`` there was no container, and if ``replayed`` the
    engine has run nothing: the result is that of an equal run.
    """

    status: StepStatus
    reason: Reason | None = None
    error: str | None = None
    exit_code: int | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)
    outputs_truncated: bool = False
    image_digest: str | None = None
    infrastructure: bool = False
    final: bool = False
    cached: bool = False
    replayed: bool = False
    files: LeftFiles | None = None

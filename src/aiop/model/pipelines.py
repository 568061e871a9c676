"""Stored facts of pipelines, as the store takes and gives them; see ``records`` for what holds of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from aiop.model.artifacts import OutputKind
from aiop.model.ids import ExecutionId, LayerId, PipelineId, SnapshotId, StepId

__all__ = ["CacheEntry", "CacheOff", "CacheUse", "OutputRecord", "PipelineRecord", "WorkspaceRecord"]


@dataclass(frozen=True, slots=True)
class PipelineRecord:
    """A pipeline. ``definition`` is JSON text: the name of a file in the source, a text, or an object."""

    id: PipelineId
    name: str
    description: str | None
    source_directory: str
    definition: str
    caching_enabled: bool
    timeout_seconds: float | None
    created_at: datetime
    updated_at: datetime | None


class CacheUse(StrEnum):
    """What the cache was for a step: it gave the result, it had none, or it was not asked."""

    HIT = "hit"
    MISS = "miss"
    OFF = "off"


class CacheOff(StrEnum):
    """Why the cache was not asked."""

    PIPELINE = "pipeline"
    EXECUTION = "execution"
    STEP = "step"
    HOST_PATH = "host_path"


@dataclass(frozen=True, slots=True)
class WorkspaceRecord:
    """What a step of a pipeline saw and changed of files, and what the cache said.

    ``source`` is the view that it saw, ``layer`` what its newest attempt changes or what was restored; ``digest`` and
    ``size`` are known once it is sealed. ``parts`` are keyed digests of all that the result depends on, by name, and
    ``key`` that of them together; both are absent where no result is ever taken or kept. ``reason`` comes with ``OFF``,
    ``origin`` is the execution whose result was taken; not known of one that the engine had kept.
    """

    step: StepId
    index: int = 0
    source: SnapshotId | None = None
    layer: LayerId | None = None
    digest: str | None = None
    size: int = 0
    use: CacheUse = CacheUse.OFF
    reason: CacheOff | None = None
    key: str | None = None
    origin: ExecutionId | None = None
    parts: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A result that may stand for a run which would be equal.

    ``execution`` made it, by ``attempt`` of ``step``; what that attempt has logged belongs to the entry. ``outputs``
    are masked, ``sealed`` holds the true ones where masking changed them.
    """

    key: str
    execution: ExecutionId
    step: StepId
    index: int
    attempt: int
    layer: LayerId
    digest: str
    size: int
    image_digest: str | None
    outputs: Mapping[str, Any]
    outputs_truncated: bool = False
    sealed: bytes | None = None


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """A named output of an execution; ``size`` and ``sha256`` are those of the bytes that a download gives."""

    name: str
    step: StepId
    path: str
    kind: OutputKind
    size: int
    sha256: str

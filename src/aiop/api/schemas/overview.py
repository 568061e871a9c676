"""Executions at a glance, and how it went lately."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from aiop.api.schemas.executions import ExecutionHead

__all__ = ["GlanceList", "Throughput"]


class StepCounts(BaseModel):
    """How many steps are in which state."""

    model_config = ConfigDict(extra="forbid")

    pending: int
    running: int
    completed: int
    failed: int
    cancelled: int
    skipped: int


class Glance(ExecutionHead):
    """An execution with counts in place of its steps."""

    name: str | None = Field(description="Of the workflow or pipeline; none if that is deleted")
    created_at: datetime
    steps: StepCounts


class GlanceList(BaseModel):
    """A page of executions at a glance."""

    model_config = ConfigDict(extra="forbid")

    executions: list[Glance]
    total: int
    limit: int
    offset: int


class ThroughputBucket(BaseModel):
    """What ended within one stretch of time. The durations are of the executions that had begun, if there are any."""

    model_config = ConfigDict(extra="forbid")

    at: datetime = Field(description="When the stretch begins")
    completed: int
    failed: int
    cancelled: int
    mean_seconds: float | None
    longest_seconds: float | None


class Throughput(BaseModel):
    """Executions that ended, by stretches of time without gaps, the newest last."""

    model_config = ConfigDict(extra="forbid")

    since: datetime
    bucket_seconds: int
    buckets: list[ThroughputBucket]

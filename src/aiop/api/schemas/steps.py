"""The graph of an execution, and one step of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from aiop.api.schemas.executions import Artifact, ExecutionHead, StepItem, StepState, said
from aiop.model.state import Reason, StepStatus

__all__ = ["Attempt", "ExecutionGraph", "GraphStep", "StepDetail"]


class GraphStep(StepItem):
    """A step as a node of the graph."""

    depends_on: list[str]


class ExecutionGraph(ExecutionHead):
    """An execution as a graph: what a live picture needs, and nothing of what steps were given or have left."""

    name: str | None = Field(description="Of the workflow or pipeline; none if that is deleted")
    created_at: datetime
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    steps: list[GraphStep] = Field(description="In the order written")
    artifacts: list[Artifact] | SkipJsonSchema[None] = said("The named outputs of a pipeline")
    last_event: int = Field(description="`Last-Event-ID` with which the events go on from this state")


class Attempt(BaseModel):
    """One try at a step."""

    model_config = ConfigDict(extra="forbid")

    index: int
    attempt: int
    status: StepStatus
    ready_at: datetime | None = Field(description="When nothing but a place to run was missing")
    started_at: datetime | None
    completed_at: datetime | None
    exit_code: int | None
    reason: Reason | None
    error: str | None
    infrastructure: bool = Field(description="It ended by a fault of the engine or the network")
    image_digest: str | None
    log_bytes: int
    retry_at: datetime | None = Field(description="When another attempt follows")


class StepDetail(StepState):
    """A step with its attempts, and with what it was told to do."""

    execution_id: str = Field(json_schema_extra={"format": "uuid"})
    depends_on: list[str]
    attempts: list[Attempt]
    definition: dict[str, Any] = Field(description="The step as it was written")
    container_config: dict[str, Any] = Field(description="What all containers of the definition begin with")

"""Executions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from aiop.model.artifacts import OutputKind
from aiop.model.state import ExecutionStatus, Reason, StepStatus, WaitCode
from aiop.spec.schema import Word

__all__ = [
    "Artifact",
    "ExecuteRequest",
    "Execution",
    "ExecutionFields",
    "ExecutionHead",
    "ExecutionItem",
    "ExecutionList",
    "RegistryCredentials",
    "StepItem",
    "StepState",
    "Submitted",
    "WorkflowDefaults",
    "said",
]

_WORKFLOW_ID = "123e4567-e89b-12d3-a456-426614174000"
_ID = "123e4567-e89b-12d3-a456-426614174001"


class RegistryCredentials(BaseModel):
    """For the registry of `container_registry` and no other; encrypted until the execution ends, then erased.

    Both may refer to named secrets: `${secrets.NAME}`.
    """

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    username: str = Field(min_length=1, max_length=1024, repr=False)
    password: str = Field(min_length=1, max_length=65536, repr=False)


class WorkflowDefaults(BaseModel):
    """What holds where nothing else does."""

    model_config = ConfigDict(extra="forbid", strict=True)

    inputs: dict[str, Any] = Field(
        default_factory=dict,
        description="Inputs of the lowest priority; `default_timeout` is the timeout in seconds of steps without one",
    )


class ExecutionFields(BaseModel):
    """How anything is executed."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    inputs: dict[str, Any] = Field(default_factory=dict, repr=False)
    container_registry: Annotated[str, Field(max_length=512)] | None = Field(
        None, description="Prefix for images that name no registry"
    )
    container_credentials: RegistryCredentials | None = None
    workflow_defaults: WorkflowDefaults | None = None
    requires: Annotated[list[Word], Field(max_length=100)] = Field(
        default_factory=list, description="Capabilities that the agent must have, besides those of the definition"
    )
    ignore_unsupported: bool = Field(
        False, description="Execute also where the engine cannot give limits or a separation that steps ask for"
    )


class ExecuteRequest(ExecutionFields):
    """How to execute a workflow."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "inputs": {"param1": "value1", "param2": "value2"},
                    "container_registry": "docker.io",
                    "container_credentials": {"username": "user", "password": "pass"},
                    "workflow_defaults": {"inputs": {"default_timeout": 300}},
                }
            ]
        },
    )


class Submitted(BaseModel):
    """An execution that is stored and will run."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"execution_id": _ID, "status": "pending", "workflow_id": _WORKFLOW_ID}]},
    )

    execution_id: str = Field(json_schema_extra={"format": "uuid"})
    status: ExecutionStatus
    workflow_id: str = Field(json_schema_extra={"format": "uuid"})


class WaitingBody(BaseModel):
    """What is waited for."""

    model_config = ConfigDict(extra="forbid")

    code: WaitCode
    detail: str


def said(description: str) -> Any:
    """Declare a field that is there only when it says something: it may be absent and is never null."""
    return Field(None, description=description, json_schema_extra=_without_default)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


class _State(BaseModel):
    model_config = ConfigDict(extra="forbid")

    started_at: datetime | None
    completed_at: datetime | None
    reason: Reason | SkipJsonSchema[None] = said("Why it did not complete")
    error: str | SkipJsonSchema[None] = said("Why it did not complete, as a sentence")
    waiting: WaitingBody | SkipJsonSchema[None] = said("What it waits for")


class StepItem(_State):
    """A step in a list of executions."""

    id: str
    name: str
    status: StepStatus
    attempt: int | SkipJsonSchema[None] = said("The newest attempt, from the second on")
    exit_code: int | SkipJsonSchema[None] = said("Of the newest attempt, if it is not 0")
    cached: bool | SkipJsonSchema[None] = said("The result was taken from the cache")
    outputs_truncated: bool | SkipJsonSchema[None] = said(
        "Not all of standard output was kept: it was too long, or the engine was away"
    )


class StepState(StepItem):
    """A step of an execution."""

    inputs: dict[str, Any]
    outputs: dict[str, Any]


class ExecutionHead(_State):
    """An execution as every answer shows it."""

    id: str = Field(json_schema_extra={"format": "uuid"})
    workflow_id: str | SkipJsonSchema[None] = said("Whose execution it is; a pipeline's has `pipeline_id` instead")
    pipeline_id: str | SkipJsonSchema[None] = said("Whose execution it is, if not a workflow's")
    status: ExecutionStatus


class _ExecutionState(ExecutionHead):
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    created_at: datetime | SkipJsonSchema[None] = said("When it was submitted; shown until it is started")


_STEP: dict[str, Any] = {
    "id": "step1",
    "name": "Step 1",
    "status": "completed",
    "started_at": "2025-03-01T12:00:00Z",
    "completed_at": "2025-03-01T12:01:00Z",
}
_STEP2 = _STEP | {
    "id": "step2",
    "name": "Step 2",
    "started_at": "2025-03-01T12:01:00Z",
    "completed_at": "2025-03-01T12:02:00Z",
}
_EXAMPLE: dict[str, Any] = {
    "id": _ID,
    "workflow_id": _WORKFLOW_ID,
    "status": "completed",
    "steps": {"step1": _STEP, "step2": _STEP2},
    "inputs": {"param1": "value1", "param2": "value2"},
    "outputs": {"result": "success"},
    "started_at": "2025-03-01T12:00:00Z",
    "completed_at": "2025-03-01T12:02:00Z",
}


class ExecutionItem(_ExecutionState):
    """An execution in a list."""

    steps: dict[str, StepItem]


class Artifact(BaseModel):
    """A file or directory that a pipeline hands out, at `outputs/{name}` under the execution."""

    model_config = ConfigDict(extra="forbid")

    name: str
    step: str
    path: str = Field(description="In the workspace, after that step")
    kind: OutputKind
    size: int = Field(description="Of the download, in bytes")
    sha256: str = Field(description="Of the download")


class Execution(_ExecutionState):
    """An execution with all that is known of its steps, and the newest part of its log."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _EXAMPLE
                | {
                    "steps": {
                        "step1": _STEP | {"inputs": {"param1": "value1"}, "outputs": {"result": "step1 result"}},
                        "step2": _STEP2 | {"inputs": {"param2": "value2"}, "outputs": {"result": "step2 result"}},
                    },
                    "logs": "Execution logs...",
                }
            ]
        }
    )

    steps: dict[str, StepState]
    artifacts: list[Artifact] | SkipJsonSchema[None] = said("The named outputs of a pipeline")
    logs: str = Field(description="The last 1 MiB, each line behind the id of its step")


class ExecutionList(BaseModel):
    """A page of executions."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"executions": [_EXAMPLE], "total": 1, "limit": 20, "offset": 0}]},
    )

    executions: list[ExecutionItem]
    total: int
    limit: int
    offset: int

"""Workflows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from aiop.model.agent import Ability, EngineType
from aiop.model.state import ExecutionStatus
from aiop.spec import WorkflowDocument
from aiop.spec.schema import EXAMPLE

__all__ = [
    "EngineFit",
    "Validation",
    "Version",
    "VersionItem",
    "VersionList",
    "Workflow",
    "WorkflowItem",
    "WorkflowList",
]

_ID = "123e4567-e89b-12d3-a456-426614174000"
_STATE: dict[str, Any] = {"status": "pending", "created_at": "2025-03-01T12:00:00Z", "updated_at": None}


class Workflow(WorkflowDocument):
    """A workflow: its definition as it was sent, and its state."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": _ID, **EXAMPLE, **_STATE}]})

    id: str = Field(json_schema_extra={"format": "uuid"})
    status: ExecutionStatus = Field(description="That of the newest execution; `pending` before the first")
    created_at: datetime
    updated_at: datetime | None


class WorkflowItem(BaseModel):
    """A workflow in a list."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(json_schema_extra={"format": "uuid"})
    name: str
    description: str | None
    status: ExecutionStatus
    created_at: datetime
    updated_at: datetime | None


class WorkflowList(BaseModel):
    """A page of workflows."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "workflows": [
                        {"id": _ID, "name": EXAMPLE["name"], "description": EXAMPLE["description"], **_STATE}
                    ],
                    "total": 1,
                    "limit": 20,
                    "offset": 0,
                }
            ]
        },
    )

    workflows: list[WorkflowItem]
    total: int
    limit: int
    offset: int


class VersionItem(BaseModel):
    """A version of a definition in a list."""

    model_config = ConfigDict(extra="forbid")

    number: int = Field(description="Counts from 1")
    created_at: datetime


class VersionList(BaseModel):
    """A page of versions."""

    model_config = ConfigDict(extra="forbid")

    versions: list[VersionItem]
    total: int
    limit: int
    offset: int


class Version(VersionItem):
    """A version with the definition as it was sent."""

    definition: WorkflowDocument


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


class Unsupported(BaseModel):
    """A field that asks for what the engine cannot give."""

    model_config = ConfigDict(extra="forbid")

    field: str
    message: str


class EngineFit(BaseModel):
    """How a definition fits a type of engine."""

    model_config = ConfigDict(extra="forbid")

    type: EngineType
    abilities: dict[Ability, bool] = Field(description="What steps can ask for, and whether the engine gives it")
    unsupported: list[Unsupported] = Field(description="Empty if the engine does all that is asked for")


class Validation(BaseModel):
    """A definition without faults; one with faults is answered as `POST` would."""

    model_config = ConfigDict(extra="forbid")

    valid: bool
    name: str
    steps: int = Field(description="How many steps it has")
    engine: EngineFit | SkipJsonSchema[None] = Field(
        None,
        description="How it fits the type of engine that was named; there only if one was",
        json_schema_extra=_without_default,
    )

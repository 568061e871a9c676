"""Pipelines, their sources, and what the cache was for a step."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from aiop.api.schemas.executions import ExecutionFields
from aiop.errors import SourceRefused
from aiop.model.pipelines import CacheOff, CacheUse
from aiop.operations import MissReason
from aiop.spec import PipelineDocument, check_source_directory, names_a_file
from aiop.spec.schema import Name, Small, house

__all__ = [
    "CacheState",
    "ExecutePipelineRequest",
    "Pipeline",
    "PipelineChanges",
    "PipelineList",
    "PipelineRequest",
    "Source",
    "SubmittedPipeline",
]

_YEAR = 366 * 24 * 3600
_ID = "123e4567-e89b-12d3-a456-426614174003"
_EXECUTION = "123e4567-e89b-12d3-a456-426614174004"
_FIELDS: dict[str, Any] = {
    "name": "Example Pipeline",
    "description": "A simple example pipeline",
    "source_directory": "/src",
    "pipeline_definition": "example.yaml",
    "caching_enabled": True,
    "timeout_seconds": 1800,
}
_EXAMPLE = {"id": _ID, **_FIELDS, "created_at": "2025-03-01T12:00:00Z", "updated_at": None}


def _source(text: str) -> str:
    try:
        check_source_directory(text)
    except SourceRefused as error:
        raise house(str(error)) from None
    return text


def _definition(value: Any) -> Any:
    try:
        names_a_file(value)
    except ValueError as error:
        raise house(str(error)) from None
    return value


Source_ = Annotated[
    str,
    Field(max_length=4096, description="A directory of the service's machine, or `source:` and the id of an upload"),
    AfterValidator(_source),
]
Definition = Annotated[
    Any,
    PlainValidator(_definition),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string"}, {"$ref": f"#/components/schemas/{PipelineDocument.__name__}"}],
            "description": "The name of a file in the source, or the document itself, as text or as an object",
        }
    ),
]
Timeout = Annotated[float, Field(gt=0, le=_YEAR, allow_inf_nan=False, description="Bounds a whole execution"), Small]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class PipelineRequest(_Request):
    """A new pipeline. Its source, and a definition in a file there, are looked at when it is executed."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FIELDS]})

    name: Name
    description: Annotated[str, Field(max_length=10_000)] | None = None
    source_directory: Source_
    pipeline_definition: Definition
    caching_enabled: bool = Field(True, description="Whether results may stand for runs that would be equal")
    timeout_seconds: Timeout | None = None


class PipelineChanges(_Request):
    """The fields to change; those not sent stay as they are."""

    name: Name = ""
    description: Annotated[str, Field(max_length=10_000)] | None = None
    source_directory: Source_ = ""
    pipeline_definition: Definition = None
    caching_enabled: bool = True
    timeout_seconds: Timeout | None = None


class Pipeline(BaseModel):
    """A pipeline."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    id: str = Field(json_schema_extra={"format": "uuid"})
    name: str
    description: str | None
    source_directory: str
    pipeline_definition: str | PipelineDocument
    caching_enabled: bool
    timeout_seconds: float | None
    created_at: datetime
    updated_at: datetime | None


class PipelineList(BaseModel):
    """A page of pipelines."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"pipelines": [_EXAMPLE], "total": 1, "limit": 20, "offset": 0}]},
    )

    pipelines: list[Pipeline]
    total: int
    limit: int
    offset: int


class ExecutePipelineRequest(ExecutionFields):
    """How to execute a pipeline."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"inputs": {"param1": "value1", "param2": "value2"}, "source_directory": "/src"}]
        }
    )

    source_directory: Source_ | None = Field(None, description="Instead of the pipeline's own")
    skip_cache: bool = Field(False, description="Run every step; the results are kept for later executions")


class SubmittedPipeline(BaseModel):
    """An execution that is stored and will run."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"execution_id": _EXECUTION, "status": "pending", "pipeline_id": _ID}]},
    )

    execution_id: str = Field(json_schema_extra={"format": "uuid"})
    status: str
    pipeline_id: str = Field(json_schema_extra={"format": "uuid"})


class Source(BaseModel):
    """An uploaded source."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(json_schema_extra={"format": "uuid"})
    source_directory: str = Field(description="How pipelines name it")
    files: int
    size: int = Field(description="Bytes of all files")


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


class CacheState(BaseModel):
    """What the cache was for a step of an execution, and why."""

    model_config = ConfigDict(extra="forbid")

    execution_id: str = Field(json_schema_extra={"format": "uuid"})
    step: str
    cache: CacheUse
    reason: MissReason | CacheOff | None
    detail: str
    key: str | None = Field(description="The digest of all that the result depends on")
    from_execution: str | SkipJsonSchema[None] = Field(
        None, description="Which execution has made the result", json_schema_extra=_without_default
    )
    compared_with: str | None = Field(description="The execution of this pipeline that ran this step before")
    changed: list[str] = Field(description="What of the key has changed since then")

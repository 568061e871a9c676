"""The shape of workflow documents, as Pydantic models: for checking, and for OpenAPI.

What can only be said about several fields or several steps together (names, graph, templates) is in ``lint``.
A ``null`` stands for a field that was not given.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

from aiop.spec.quantities import parse_cpu, parse_memory

__all__ = [
    "EXAMPLE",
    "MAX_STEPS",
    "ContainerDocument",
    "Described",
    "Document",
    "InputDocument",
    "OutputDocument",
    "ResourcesDocument",
    "RetryDocument",
    "StepDocument",
    "VolumeDocument",
    "WorkflowDocument",
    "house",
]

MAX_STEPS = 20_000
MAX_NAME = 255
MAX_TEXT = 128 * 1024 - 1
"""Linux takes no longer argument or environment string (MAX_ARG_STRLEN)."""
MAX_FILE = 1024 * 1024
MAX_EXPRESSION = 4096
MAX_FIELDS = 50
MAX_KEYS = 1000
_YEAR = 366 * 24 * 3600
_WEEK = 7 * 24 * 3600

STEP_ID = r"^[A-Za-z_][A-Za-z0-9_-]{0,62}$"
FIELD_NAME = r"^[A-Za-z_][A-Za-z0-9_-]{0,127}$"
WORD = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"


def house(text: str) -> PydanticCustomError:
    """Make the error of a validator, whose words are shown as they stand."""
    return PydanticCustomError("house", "{text}", {"text": text})


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise house("Must not hold a NUL character")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise house("Must not be blank")
    return text


def _absolute(text: str) -> str:
    if not text.startswith(("/", "${")):
        raise house("Must be an absolute path")
    return text


def _literal_absolute(text: str) -> str:
    if not text.startswith("/"):
        raise house("Must be an absolute path")
    return text


def _environment_key(text: str) -> str:
    if not text or "=" in text or "\0" in text:
        raise house("Must not be empty nor hold `=` or a NUL character")
    if text.upper().startswith("AIOP_"):
        raise house("Names that begin with `AIOP_` are set by the service")
    return text


def _whole(value: Any) -> Any:
    # JSON has one kind of number, and to JSON Schema ``1.0`` is an integer.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _cpu(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise house('Must be a number of cores like 0.5, or thousandths like "500m"')
    try:
        return parse_cpu(value)
    except ValueError as error:
        raise house(str(error)) from None


def _memory(value: Any) -> int:
    value = _whole(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise house('Must be a number of bytes, or text like "256Mi"')
    try:
        return parse_memory(value)
    except ValueError as error:
        raise house(str(error)) from None


def _few_keys(value: Any) -> Any:
    # Asked before the entries are looked at, each of which can be two errors; `max_length` is asked afterwards.
    if isinstance(value, dict) and len(value) > MAX_KEYS:
        raise house(f"Must have at most {MAX_KEYS} entries")
    return value


def _number(value: Any) -> Any:
    # Pydantic's strict floats take any int, and an int can be too long for a float.
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**63:
        raise house("The number is too large")
    return value


class Described:
    """Tells in the schema what the validator beside it checks, which has better words for a fault than the schema."""

    def __init__(self, **keywords: Any) -> None:
        self._keywords = keywords

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Add the keywords."""
        return handler(core) | self._keywords


Text = Annotated[str, StringConstraints(max_length=MAX_TEXT), AfterValidator(_without_nul)]
Filled = Annotated[Text, StringConstraints(min_length=1)]
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_NAME),
    AfterValidator(_not_blank),
    Described(pattern=r"\S"),
]
FieldName = Annotated[str, StringConstraints(pattern=FIELD_NAME)]
Word = Annotated[str, StringConstraints(pattern=WORD)]
Path = Annotated[str, StringConstraints(min_length=1, max_length=4096), AfterValidator(_without_nul)]
Cpu = Annotated[
    int,
    PlainValidator(_cpu),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}], "examples": ["500m"]}),
]
Memory = Annotated[
    int,
    PlainValidator(_memory),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}], "examples": ["256Mi"]}),
]
# Behind the bounds, which the schema would otherwise not tell by their names there.
Whole = BeforeValidator(_whole)
Small = BeforeValidator(_number)
Seconds = Annotated[float, Field(ge=0, le=_WEEK, allow_inf_nan=False), Small]


Few = BeforeValidator(_few_keys)
"""Bounds a table."""


class Document(BaseModel):
    """A JSON object as it is sent: no unknown fields, and no value of one type taken for another."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _bound_fields(cls, value: Any) -> Any:
        # Every unknown field is an error of its own.
        if isinstance(value, dict) and len(value) > MAX_FIELDS:
            raise house(f"Must have at most {MAX_FIELDS} fields")
        return value


class VolumeDocument(Document):
    """A directory or file that the container sees at `target`."""

    source: Annotated[Path, Field(description="An absolute host path, `./` and a path, or the name of a volume")]
    target: Annotated[Path, AfterValidator(_literal_absolute)]
    read_only: bool | None = None


class ResourcesDocument(Document):
    """Limits of the container."""

    cpu: Cpu | None = None
    memory: Memory | None = None
    gpus: Annotated[int, Field(ge=0, le=1024), Whole] | None = None


class ContainerDocument(Document):
    """What to run; as `container_config`, the defaults for every step."""

    image: Annotated[Filled, StringConstraints(max_length=4096)] | None = None
    command: Annotated[list[Text], Field(min_length=1, max_length=10_000)] | None = None
    args: Annotated[list[Text], Field(max_length=10_000)] | None = None
    script: Annotated[Filled, Field(description="Text run by the image's `sh`; excludes `command`")] | None = None
    environment: Annotated[dict[Annotated[str, AfterValidator(_environment_key)], Text], Few] | None = None
    volumes: Annotated[list[VolumeDocument], Field(max_length=200)] | None = None
    working_dir: Annotated[Path, AfterValidator(_absolute)] | None = None
    user: Annotated[Filled, StringConstraints(max_length=255)] | None = None
    resources: ResourcesDocument | None = None
    network: Literal["default", "none"] | None = None
    files: (
        Annotated[
            dict[
                Annotated[Path, AfterValidator(_literal_absolute)],
                Annotated[str, StringConstraints(max_length=MAX_FILE), AfterValidator(_without_nul)],
            ],
            Few,
        ]
        | None
    ) = None
    pull: Literal["missing", "always"] | None = None


class OutputDocument(Document):
    """An output that the step promises; without `path` it is read from the file named by `AIOP_OUTPUT`."""

    path: Annotated[Path, AfterValidator(_literal_absolute)] | None = None
    type: Literal["string", "json"] | None = None
    default: Any = None
    sensitive: bool | None = None


class InputDocument(Document):
    """An input that the workflow takes."""

    type: Literal["string", "number", "integer", "boolean", "object", "array"] | None = None
    default: Any = None
    required: bool | None = None
    description: Annotated[str, StringConstraints(max_length=10_000)] | None = None
    sensitive: bool | None = None


class RetryDocument(Document):
    """When and how a failed attempt is followed by another."""

    max_attempts: Annotated[int, Field(ge=1, le=1000, description="The first attempt included"), Whole] | None = None
    delay: Annotated[Seconds, Field(description="In seconds")] | None = None
    backoff: Literal["fixed", "exponential"] | None = None
    factor: Annotated[float, Field(ge=1, le=1000, allow_inf_nan=False), Small] | None = None
    max_delay: Annotated[Seconds, Field(description="In seconds")] | None = None
    jitter: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), Small] | None = None
    on: (
        Annotated[list[Literal["exit_code", "timeout", "oom_killed", "engine_lost"]], Field(min_length=1, max_length=4)]
        | None
    ) = None
    exit_codes: (
        Annotated[list[Annotated[int, Field(ge=1, le=255), Whole]], Field(min_length=1, max_length=255)] | None
    ) = None


class StepDocument(Document):
    """One node of the graph."""

    id: Annotated[str, StringConstraints(pattern=STEP_ID)]
    name: Name | None = None
    depends_on: Annotated[list[str], Field(max_length=MAX_STEPS)] | None = None
    container: ContainerDocument | None = None
    inputs: Annotated[dict[FieldName, Any], Few] | None = None
    outputs: Annotated[dict[FieldName, OutputDocument], Few] | None = None
    when: Annotated[str, StringConstraints(min_length=1, max_length=MAX_EXPRESSION)] | None = None
    retry: RetryDocument | None = None
    retries: (
        Annotated[int, Field(ge=0, le=999, description="Short for `retry.max_attempts`, less one"), Whole] | None
    ) = None
    retry_delay: Annotated[Seconds, Field(description="Short for `retry.delay`")] | None = None
    timeout_seconds: (
        Annotated[float, Field(gt=0, le=_YEAR, description="For one attempt", allow_inf_nan=False), Small] | None
    ) = None
    grace_seconds: (
        Annotated[float, Field(ge=0, le=3600, description="Between TERM and KILL", allow_inf_nan=False), Small] | None
    ) = None
    continue_on_error: bool | None = None
    requires: Annotated[list[Word], Field(max_length=100)] | None = None


EXAMPLE: dict[str, Any] = {
    "name": "Example Workflow",
    "description": "A simple example workflow",
    "steps": [
        {
            "id": "step1",
            "name": "Step 1",
            "container": {
                "image": "python:3.9-slim",
                "command": ["python", "script.py"],
                "environment": {"ENV_VAR": "value"},
                "volumes": [{"source": "/tmp", "target": "/data"}],  # noqa: S108 - the reference's own example
            },
        },
        {
            "id": "step2",
            "name": "Step 2",
            "container": {"image": "node:18-alpine", "command": ["node", "script.js"]},
            "depends_on": ["step1"],
        },
    ],
    "container_config": {"image": "python:3.9-slim", "environment": {"DEBUG": "true"}},
}


class WorkflowDocument(Document):
    """A workflow definition, as it is sent and as it is answered."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    name: Name
    description: Annotated[str, StringConstraints(max_length=10_000)] | None = None
    steps: Annotated[list[StepDocument], Field(min_length=1, max_length=MAX_STEPS)]
    container_config: ContainerDocument | None = None
    inputs: Annotated[dict[FieldName, InputDocument], Few] | None = None
    outputs: Annotated[dict[FieldName, Any], Few] | None = None
    fail_fast: bool | None = None
    requires: Annotated[list[Word], Field(max_length=100)] | None = None

"""What can be said of a step, with the names and shapes of the API (docs/reference/workflow-language.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypedDict

from aiop.build.references import Condition, Reference

__all__ = [
    "ContainerFields",
    "InputType",
    "OutputField",
    "PipelineStepFields",
    "ResourcesFields",
    "RetryFields",
    "StepFields",
    "Text",
    "VolumeFields",
]

Text: TypeAlias = str | Reference
InputType: TypeAlias = Literal["string", "number", "integer", "boolean", "object", "array"]


class VolumeFields(TypedDict, total=False):
    """A directory or file that the container sees at ``target``; a host path, ``./`` and a path, or a name."""

    source: Text
    target: str
    read_only: bool


class ResourcesFields(TypedDict, total=False):
    """Limits: ``cpu`` in cores or like ``"500m"``, ``memory`` in bytes or like ``"256Mi"``."""

    cpu: float | str
    memory: int | str
    gpus: int


class ContainerFields(TypedDict, total=False):
    """What runs; for a whole workflow, the defaults."""

    image: Text
    command: Sequence[Text]
    args: Sequence[Text]
    script: Text
    environment: Mapping[str, Text]
    volumes: Sequence[VolumeFields]
    working_dir: Text
    user: Text
    resources: ResourcesFields
    network: Literal["default", "none"]
    files: Mapping[str, Text]
    pull: Literal["missing", "always"]


class RetryFields(TypedDict, total=False):
    """When and how a failed attempt is followed by another; delays are in seconds."""

    max_attempts: int
    delay: float
    backoff: Literal["fixed", "exponential"]
    factor: float
    max_delay: float
    jitter: float
    on: Sequence[Literal["exit_code", "timeout", "oom_killed", "engine_lost"]]
    exit_codes: Sequence[int]


class OutputField(TypedDict, total=False):
    """An output that a step promises; without ``path`` it is read from ``$AIOP_OUTPUT``."""

    path: str
    type: Literal["string", "json"]
    default: Any
    sensitive: bool


class StepFields(ContainerFields, total=False):
    """What a step is, besides its id and what it comes after."""

    name: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, OutputField]
    when: str | Condition
    retry: RetryFields
    retries: int
    retry_delay: float
    timeout_seconds: float
    grace_seconds: float
    continue_on_error: bool
    requires: Sequence[str]


class PipelineStepFields(StepFields, total=False):
    """What a step of a pipeline is: ``sources`` are the patterns of files that it sees of the source."""

    cache: bool
    sources: Sequence[str]

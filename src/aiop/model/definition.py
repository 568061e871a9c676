"""A checked workflow definition. ``aiop.spec`` makes these; nothing else should."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from aiop.model.ids import StepId
from aiop.model.state import Reason

__all__ = [
    "ABSENT",
    "Absent",
    "Backoff",
    "Container",
    "Definition",
    "InputDeclaration",
    "JsonValue",
    "NamedOutput",
    "Network",
    "OutputDeclaration",
    "OutputType",
    "PullPolicy",
    "Resources",
    "Retry",
    "SecretUse",
    "Step",
    "Volume",
]

JsonValue = Any
"""A value as ``json.loads`` gives it."""


class Absent(enum.Enum):
    """The type of ``ABSENT``: no value was given (``None`` is JSON's null, a value)."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


class Network(enum.StrEnum):
    """``NONE`` is loopback only."""

    DEFAULT = "default"
    NONE = "none"


class PullPolicy(enum.StrEnum):
    """When an image is asked of its registry: only if absent on the engine, or before each attempt."""

    MISSING = "missing"
    ALWAYS = "always"


class Backoff(enum.StrEnum):
    """How the delay between attempts grows."""

    FIXED = "fixed"
    EXPONENTIAL = "exponential"


class OutputType(enum.StrEnum):
    """How the text of an output is read."""

    STRING = "string"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Resources:
    """Limits of one container; ``None`` sets no limit. CPU in thousandths of a core, memory in bytes."""

    cpu_millis: int | None = None
    memory_bytes: int | None = None
    gpus: int | None = None


@dataclass(frozen=True, slots=True)
class Volume:
    """``source``: an absolute host path, ``./`` under the workflow directory, or the name of an engine's volume."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Container:
    """What to run; the workflow's ``container_config`` is merged in already. Strings may hold templates.

    ``command`` replaces the image's entrypoint and ``args`` its default command (as in Kubernetes).
    ``script`` stands for ``sh -c SCRIPT`` and excludes ``command``.
    """

    image: str
    command: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    script: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[Volume, ...] = ()
    working_dir: str | None = None
    user: str | None = None
    resources: Resources = Resources()
    network: Network = Network.DEFAULT
    files: Mapping[str, str] = field(default_factory=dict)
    pull: PullPolicy = PullPolicy.MISSING


@dataclass(frozen=True, slots=True)
class OutputDeclaration:
    """An output that the step promises; without ``path`` it is read from ``$AIOP_OUTPUT``."""

    name: str
    path: str | None = None
    type: OutputType = OutputType.STRING
    default: JsonValue = ABSENT
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class InputDeclaration:
    """An input that the workflow takes; ``type`` in JSON Schema's words, ``None`` for any."""

    name: str
    type: str | None = None
    default: JsonValue = ABSENT
    required: bool = False
    description: str | None = None
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """When and how a failed attempt is followed by another; ``max_attempts`` includes the first.

    ``jitter`` is the largest fraction of the delay that is added at random. ``exit_codes``, if given, narrows
    ``Reason.EXIT_CODE`` to these codes.
    """

    max_attempts: int = 1
    delay: timedelta = timedelta(0)
    backoff: Backoff = Backoff.FIXED
    factor: float = 2.0
    max_delay: timedelta | None = None
    jitter: float = 0.0
    on: frozenset[Reason] = frozenset({Reason.EXIT_CODE, Reason.TIMEOUT, Reason.OOM_KILLED})
    exit_codes: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One node of the graph."""

    id: StepId
    name: str
    container: Container
    depends_on: tuple[StepId, ...] = ()
    inputs: Mapping[str, JsonValue] | None = None
    outputs: Mapping[str, OutputDeclaration] = field(default_factory=dict)
    when: str | None = None
    retry: Retry = Retry()
    timeout: timedelta | None = None
    grace: timedelta = timedelta(seconds=10)
    continue_on_error: bool = False
    requires: tuple[str, ...] = ()
    cache: bool = True
    sources: tuple[str, ...] | None = None
    """Patterns of the files that the step sees of the source; ``None`` is all of it. For pipelines, as is ``cache``."""


@dataclass(frozen=True, slots=True)
class NamedOutput:
    """A file or directory that a pipeline hands out: what is at ``path`` in the workspace after ``step``."""

    name: str
    path: str
    step: StepId


@dataclass(frozen=True, slots=True)
class SecretUse:
    """One mention of a secret, at ``field``: ``optional`` with a default, else maybe with a ``message`` of its own."""

    field: str
    name: str
    optional: bool = False
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """A workflow or a pipeline as checked: ids are unique, every dependency exists, there is no cycle.

    ``steps`` keep the order in which they were written.
    """

    name: str
    steps: Sequence[Step]
    description: str | None = None
    inputs: Mapping[str, InputDeclaration] | None = None
    outputs: Mapping[str, JsonValue] | None = None
    fail_fast: bool = False
    requires: tuple[str, ...] = ()
    named_outputs: tuple[NamedOutput, ...] = ()
    secrets: tuple[SecretUse, ...] = ()

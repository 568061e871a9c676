"""What an engine is told to run, and what it tells back. Every template is substituted here, every path resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aiop.model.definition import Network, PullPolicy, Resources
from aiop.model.registry import plain_registry
from aiop.model.state import Reason

__all__ = [
    "OUTPUT_LIMIT",
    "VOLATILE",
    "WORKSPACE",
    "ContainerRun",
    "Credentials",
    "HostMount",
    "Outcome",
    "OutputFile",
    "VolumeMount",
    "Workspace",
    "exit_code_of",
]

WORKSPACE = "/workspace"
"""Where a step of a pipeline sees its workspace unless it names a working directory."""

OUTPUT_LIMIT = 1024 * 1024
"""Largest size of one output value, in bytes."""


VOLATILE = frozenset({"AIOP_EXECUTION_ID", "AIOP_ATTEMPT", "TRACEPARENT", "TRACESTATE"})
"""Variables that tell an attempt which one it is: they make no difference to what its result is taken for."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """For one registry host and no other; never printed."""

    registry: str
    username: str = field(repr=False)
    password: str = field(repr=False)

    def are_for(self, registry: str) -> bool:
        """Whether they may be shown to this registry."""
        return plain_registry(self.registry) == plain_registry(registry)


@dataclass(frozen=True, slots=True)
class HostMount:
    """A host directory or file; ``source`` is absolute, without links, and was found under an allowed root."""

    source: str
    target: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class VolumeMount:
    """A volume that the engine keeps under ``name`` and makes at first use."""

    name: str
    target: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class Workspace:
    """A directory for one attempt, stacked of others in the format of overlayfs: what the attempt writes changes
    none of them.

    All but ``target`` (in the container) are absolute paths on the service's machine, without links, and exist.
    ``lowers`` are read only, the topmost first; ``upper`` takes what changes and is empty at first; ``work`` is
    scratch space of the engine on the same file system.
    """

    target: str
    lowers: tuple[str, ...]
    upper: str
    work: str


@dataclass(frozen=True, slots=True)
class ContainerRun:
    """One container, ready to be made.

    ``command`` replaces the entrypoint, ``args`` the default command; ``None`` keeps the image's. ``environment``
    lacks ``AIOP_OUTPUT``: the engine sets it to a path of its choice in a directory that any user can write to.
    ``output_paths`` are the declared outputs to hand back, name to path in the container. Any user of the container
    may write in the ``workspace``. ``secret_environment`` and ``secret_files`` name those variables and files that hold
    secrets, for engines that treat such ones with more care. A success of a run with the same ``cache_key`` may be
    taken for one of this, by engines that have kept it; a failure never is.
    """

    image: str
    command: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    mounts: tuple[HostMount | VolumeMount, ...] = ()
    workspace: Workspace | None = None
    working_dir: str | None = None
    user: str | None = None
    resources: Resources = Resources()
    network: Network = Network.DEFAULT
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    output_paths: Mapping[str, str] = field(default_factory=dict)
    pull: PullPolicy = PullPolicy.MISSING
    credentials: Credentials | None = field(default=None, repr=False)
    secret_environment: frozenset[str] = frozenset()
    secret_files: frozenset[str] = frozenset()
    cache_key: str | None = None


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file that a step left; ``content`` is ``None`` if it is too large or no regular file: see ``error``."""

    content: bytes | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended. ``reason`` is ``None`` for exit code 0.

    ``exit_code`` is ``None`` if nothing was started (image, start); ``error`` is then the engine's own sentence.
    ``outputs`` holds the declared paths that exist, ``output_file`` what is at ``AIOP_OUTPUT`` if anything is.
    ``log_gap`` says why the end of stdout and stderr may be missing, where the engine could not keep it.
    ``replayed``: nothing was run, the engine gave a success with the same cache key that it has kept.
    """

    exit_code: int | None
    reason: Reason | None = None
    error: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    image_digest: str | None = None
    output_file: OutputFile | None = None
    outputs: Mapping[str, OutputFile] = field(default_factory=dict)
    log_gap: str | None = None
    replayed: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether the container ended with exit code 0 and nothing else was wrong."""
        return self.reason is None


def exit_code_of(words: str) -> int | None:
    """Return what a shell would have ended with if it could not run the command, by an engine's words for that."""
    lowered = words.lower()
    if "permission denied" in lowered:
        return 126
    if "not found" in lowered or "no such file or directory" in lowered:
        return 127
    return None

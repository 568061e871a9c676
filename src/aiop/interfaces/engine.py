"""Places where containers run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from aiop.model.definition import PullPolicy
from aiop.model.ids import StepKey
from aiop.model.records import Stream
from aiop.model.run import ContainerRun, Credentials, Outcome

__all__ = ["Capabilities", "Engine", "EngineInfo", "EngineLoad", "LoadedEngine", "OutputSink"]


OutputSink = Callable[[Stream, bytes, datetime], None]
"""Takes a piece of a container's output as it was read, never raises and never blocks. Pieces of one stream come
in order; they are cut anywhere, also inside a character."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do; data, so that the docs, the API and the contract suite print and ask the same."""

    cpu_limit: bool
    memory_limit: bool
    gpus: bool
    network_none: bool
    process_limit: bool
    """A container cannot fill the machine with processes: it has at most 4096."""
    no_new_privileges: bool
    """No process in a container gets more rights than its user has."""
    user_names: bool
    """A user can be named; else it must be given by its number."""
    host_mounts: bool
    named_volumes: bool
    files: bool
    output_paths: bool
    read_only_volumes: bool
    """A named volume can be mounted for reading only."""
    live_parts: bool
    """Output is shown before its line has ended."""
    live_mounts: bool
    """A host directory is the same in the container; else it is copied in before the start, and back after the end."""
    graceful_stop: bool
    """What is stopped is told so first (TERM), and leaves its outputs; else it is killed at once."""
    reattach: bool
    """A container outlives the service, and can be adopted afterwards."""
    workspace: bool
    """A container can have a ``Workspace``."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What answered: for people, and for the health check."""

    type: str
    version: str
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EngineLoad:
    """What this service has open at an engine: sessions, and commands that run in them."""

    sessions: int
    executions: int


@runtime_checkable
class LoadedEngine(Protocol):
    """An engine that is spoken to in sessions, and can tell its load."""

    def load(self) -> EngineLoad:
        """Count what is open now; nobody is asked."""


class Engine(Protocol):
    """A place where containers run.

    Order of calls for one key: ``start`` or ``adopt``, then ``wait``, then ``remove``; ``stop`` at any moment. Only one
    task at a time calls for one key; calls for different keys run at once, and the engine bounds how many
    of them it works on (a start may queue).

    Every method may raise ``EngineUnavailable``; nothing is lost then: call again later (``start`` if it had not
    returned, else ``adopt`` and ``wait``). The sink is then given the attempt's output again **from its beginning**.

    The container carries its key as its name and as labels, together with the label of the installation
    (several services may share one engine), and nothing removes it but ``remove``.
    """

    capabilities: Capabilities

    async def check(self) -> EngineInfo:
        """Ask the engine who it is; raises ``EngineUnavailable``, and ``EngineRefused`` if it cannot be used."""

    async def resolve(self, image: str, *, pull: PullPolicy, credentials: Credentials | None) -> str:
        """Return the digest of what ``start`` would run: that of the registry, else the image's id on this engine.

        Pulls what ``start`` would pull, once for all who ask. Raises ``ImageRefused`` if the registry refuses,
        ``RegistryUnavailable`` if it cannot be reached.
        """

    async def start(self, key: StepKey, run: ContainerRun, sink: OutputSink) -> datetime | None:
        """Pull the image if needed, then make and start the container, or adopt the one with this key.

        Idempotent: a container that was made is started, one that runs or has ended is taken as it is and never started
        a second time. Returns when it was started (the engine's time), or ``None`` if it could not be: ``wait``
        then gives the outcome (``image_pull``, ``start_failed``). A registry that cannot be reached is
        ``RegistryUnavailable``; one that refuses is an outcome. ``StepLost`` if the engine died while it started the
        container, so that nobody knows whether it runs or has run. ``StartDelayed`` if the engine has taken it and must
        wait for something before it can start it. ``still_ours`` is awaited right before the container is made.

        The layer of a ``workspace`` (its ``upper``) holds what the container changed, whole and in overlayfs' format,
        from the moment in which ``wait`` returns; what it holds before, or without ``wait``, is undefined.
        """

    async def adopt(self, key: StepKey, run: ContainerRun, sink: OutputSink) -> datetime | None:
        """Take up the container with this key, which was started before; raises ``StepLost`` if there is none.

        ``run`` equals that of ``start`` but for secrets that were replaced since: the container keeps what it has.
        """

    async def wait(self, key: StepKey) -> Outcome:
        """Return the outcome once the container has ended and the sink was given all of its output.

        Raises ``StepLost`` if the container vanished, or was ended by the engine's own end and not by itself,
        ``stop`` or its memory limit. Cancelling the wait leaves the container running.
        """

    async def stop(self, key: StepKey, *, grace: timedelta) -> None:
        """Send TERM, after ``grace`` KILL; returns when the container has ended. Nothing happens if there is none.

        What it ends has the outcome of its exit code (143, 137, or what the process chose).
        """

    async def remove(self, key: StepKey) -> None:
        """Remove the container with all that belongs to it, by force; idempotent. Named volumes and layers stay."""

    async def attempts(self) -> Sequence[StepKey]:
        """List the keys of all containers of this installation, in any state."""

    async def aclose(self) -> None:
        """Let go of connections; containers run on."""

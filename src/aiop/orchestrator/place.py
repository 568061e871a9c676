"""Where an execution runs: one agent, with its engine, its bounds and its defaults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiop.interfaces import Engine
from aiop.model.ids import StepKey
from aiop.orchestrator.gate import EngineGate
from aiop.orchestrator.slots import Slots
from aiop.spec import VolumePolicy

__all__ = ["Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """``engine``, ``gate`` and ``slots`` are shared by all agents on the same engine."""

    engine: Engine
    gate: EngineGate
    slots: Slots
    patience: timedelta
    """How long one attempt waits for an engine that does not answer."""
    volumes: VolumePolicy
    committed: Callable[[Sequence[StepKey]], None]
    """Told the attempts whose end is committed: their containers may go."""
    agent: str = ""
    """The agent's name, for people."""
    registry: str | None = None
    """For images that name none, where the execution does not say it either."""
    timeout: timedelta | None = None
    """Of an execution as a whole."""
    deleted: bool = False
    """The agent is gone, and its executions are to be failed."""

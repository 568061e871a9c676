"""On what terms an execution runs: what it asked for, and what its agent has for those that did not ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from aiop.model.records import ExecutionRecord
from aiop.orchestrator.place import Place

__all__ = ["Terms"]


@dataclass(frozen=True, slots=True)
class Terms:
    """``timeout`` is that of the whole, the shorter one of its own and its agent's; ``step_timeout`` of steps that have
    none; ``registry`` is for images that name none.
    """

    registry: str | None
    timeout: timedelta | None
    step_timeout: timedelta | None

    @classmethod
    def of(cls, record: ExecutionRecord, place: Place) -> Terms:
        """Read them."""
        own, agents = _seconds(record, "timeout"), place.timeout
        return cls(
            registry=record.options.get("container_registry") or place.registry,
            timeout=min((each for each in (own, agents) if each is not None), default=None),
            step_timeout=_seconds(record, "default_timeout"),
        )


def _seconds(record: ExecutionRecord, option: str) -> timedelta | None:
    seconds = record.options.get(option)
    return None if seconds is None else timedelta(seconds=seconds)

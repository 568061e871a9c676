"""What a fake container does between its start and its end, as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

from aiop.model.records import Stream
from aiop.model.run import OutputFile
from aiop.model.state import Reason

__all__ = ["Act", "Pause", "Print", "Remove", "Save", "Script"]


@dataclass(frozen=True, slots=True)
class Print:
    """Write to a stream, in one piece."""

    stream: Stream
    data: bytes


@dataclass(frozen=True, slots=True)
class Save:
    """Write a file in the container."""

    path: str
    data: bytes
    append: bool = False


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a file in the container."""

    path: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Keep running for ``delay`` of the world's clock; ``None``: until ``FakeWorld.release``."""

    delay: timedelta | None = None


Act: TypeAlias = Print | Save | Remove | Pause


@dataclass(frozen=True, slots=True)
class Script:
    """The life of one container: ``acts``, then ``output``, then the gate, then ``duration``, then the end.

    A ``reason`` of ``IMAGE_PULL`` or ``START_FAILED`` means that nothing is started at all; without one the reason
    follows from the exit code. ``output_file`` and ``outputs`` (by name) replace what ``acts`` saved.
    """

    exit_code: int = 0
    output: tuple[tuple[Stream, bytes], ...] = ()
    output_file: bytes | OutputFile | None = None
    outputs: Mapping[str, bytes | OutputFile] = field(default_factory=dict)
    gate: bool = False
    duration: timedelta = timedelta(0)
    reason: Reason | None = None
    error: str | None = None
    ignores_term: bool = False
    acts: tuple[Act, ...] = ()

    @property
    def startable(self) -> bool:
        """Whether a container comes to be at all."""
        return self.reason not in (Reason.IMAGE_PULL, Reason.START_FAILED)

    def timeline(self) -> Iterator[Act]:
        """Yield all that happens, in order."""
        yield from self.acts
        for stream, data in self.output:
            yield Print(stream, data)
        if self.gate:
            yield Pause()
        if self.duration > timedelta(0):
            yield Pause(self.duration)

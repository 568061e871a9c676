"""Traces: W3C trace contexts, and the ids of spans. They follow from what is stored, so that an execution has one
trace, whichever process tells of it and how often.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from aiop.model.ids import ExecutionId, StepId, StepKey

__all__ = ["TraceContext", "attempt_span", "context_of", "execution_span", "part_span", "step_span"]

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 1
_STATE_LIMIT = 512


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Where in which trace something happens; ``state`` is what vendors have added to it."""

    trace_id: str
    span_id: str
    flags: int = _SAMPLED
    state: str | None = None

    @classmethod
    def parse(cls, traceparent: str | None, state: str | None = None) -> TraceContext | None:
        """Read a ``traceparent`` of any version as the W3C says; ``None`` for what is none, which is to be ignored."""
        found = _TRACEPARENT.fullmatch(traceparent.strip()) if traceparent else None
        if found is None:
            return None
        version, trace_id, span_id, flags, more = found.groups()
        if version == "ff" or (version == "00" and more) or not int(trace_id, 16) or not int(span_id, 16):
            return None
        kept = state if state and len(state) <= _STATE_LIMIT and state.isascii() and state.isprintable() else None
        return cls(trace_id, span_id, int(flags, 16) & 0x03, kept)

    @property
    def sampled(self) -> bool:
        """Whether the trace is to be recorded."""
        return bool(self.flags & _SAMPLED)

    @property
    def traceparent(self) -> str:
        """Write it as a header."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"

    def at(self, span_id: str) -> TraceContext:
        """Return the context of another span of the trace."""
        return TraceContext(self.trace_id, span_id, self.flags, self.state)


def context_of(execution: ExecutionId, caller: TraceContext | None) -> TraceContext:
    """Return the context of an execution: in the trace of its caller, else in one whose id is its own."""
    trace = caller or TraceContext(execution.replace("-", ""), "")
    return trace.at(execution_span(execution))


def execution_span(execution: ExecutionId) -> str:
    """Return the id of the span of an execution."""
    return _span_id(execution)


def step_span(execution: ExecutionId, step: StepId, index: int) -> str:
    """Return the id of the span of a step."""
    return _span_id(f"{execution}/{step}/{index}")


def attempt_span(key: StepKey) -> str:
    """Return the id of the span of an attempt; what runs in its container is its child."""
    return _span_id(f"{key.execution}/{key.step}/{key.index}/{key.attempt}")


def part_span(span: str, part: str) -> str:
    """Return the id of a span for a part of another."""
    return _span_id(f"{span}/{part}")


def _span_id(name: str) -> str:
    return hashlib.blake2b(name.encode(), digest_size=8).hexdigest()

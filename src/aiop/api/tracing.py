"""In which trace a caller is, by W3C Trace Context."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header

from aiop.model.trace import TraceContext

__all__ = ["CallerTrace"]


async def _trace(
    traceparent: Annotated[
        str | None, Header(description="Trace of the caller (W3C Trace Context), which the execution becomes part of")
    ] = None,
    tracestate: Annotated[str | None, Header(description="Goes with `traceparent`")] = None,
) -> TraceContext | None:
    return TraceContext.parse(traceparent, tracestate)


CallerTrace = Annotated[TraceContext | None, Depends(_trace)]
"""The caller's place in his trace; ``None`` if he does not say, or says it in no known way: that is ignored."""

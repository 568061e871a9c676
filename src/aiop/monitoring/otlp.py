"""Sends spans by OTLP, from a thread of its own: whatever the collector does, nobody else waits for it.

The libraries are loaded with the first batch, in that thread: a service that tells no traces pays nothing for them.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from aiop import __version__
from aiop.monitoring.spans import Span

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

__all__ = ["OtlpSender"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
log = structlog.get_logger()


def _exporter() -> SpanExporter:
    """Make the exporter of OpenTelemetry; the variables ``OTEL_EXPORTER_OTLP_*`` say where to and how."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


class OtlpSender:
    """Sends one batch after the other. A batch that could not be sent was tried for some seconds."""

    def __init__(self, installation: str, *, exporter: Callable[[], SpanExporter] = _exporter) -> None:
        """``installation`` tells services apart."""
        self._installation = installation
        self._make = exporter
        self._exporter: SpanExporter | None = None
        self._resource: Resource | None = None
        self._jobs: queue.SimpleQueue[tuple[Sequence[Span], asyncio.Future[bool]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False

    async def send(self, spans: Sequence[Span]) -> bool:
        """Send a batch; returns whether the collector has taken it. Never raises."""
        if self._closed:
            return False
        if self._thread is None:
            # A daemon, so that a collector that hangs does not keep the process from ending.
            self._thread = threading.Thread(target=self._work, name="otlp", daemon=True)
            self._thread.start()
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._jobs.put((spans, done))
        return await done

    def close(self) -> None:
        """Send nothing more; what is being sent is broken off."""
        self._closed = True
        self._jobs.put(None)
        if self._exporter is not None:
            self._exporter.shutdown()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            spans, done = job
            sent = self._sent(spans)
            try:
                done.get_loop().call_soon_threadsafe(_settle, done, sent)
            except RuntimeError:  # the loop is closed: nobody waits
                return

    def _sent(self, spans: Sequence[Span]) -> bool:
        try:
            if self._exporter is None:
                self._resource = self._describe()
                self._exporter = self._make()
            assert self._resource is not None  # noqa: S101 - it is made before the exporter
            result = self._exporter.export([_readable(span, self._resource) for span in spans])
        except Exception:
            log.exception("trace_export_failed")
            return False
        return result.name == "SUCCESS"

    def _describe(self) -> Resource:
        from opentelemetry.sdk.resources import Resource

        # What ``OTEL_SERVICE_NAME`` and ``OTEL_RESOURCE_ATTRIBUTES`` say wins.
        own = {"service.name": "aiop", "service.version": __version__, "service.instance.id": self._installation}
        given: Mapping[str, Any] = Resource.create().attributes
        named = {name: value for name, value in given.items() if not str(value).startswith("unknown_service")}
        return Resource({**own, **named})


def _settle(done: asyncio.Future[bool], sent: bool) -> None:
    if not done.done():
        done.set_result(sent)


def _readable(span: Span, resource: Resource) -> ReadableSpan:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

    own = span.context
    trace_id, state = int(own.trace_id, 16), TraceState.from_header([own.state] if own.state else [])

    def context(span_id: str, *, remote: bool) -> SpanContext:
        return SpanContext(trace_id, int(span_id, 16), remote, TraceFlags(own.flags), state)

    is_execution = "cicd.pipeline.result" in span.attributes
    return ReadableSpan(
        name=span.name,
        context=context(own.span_id, remote=False),
        parent=None if span.parent is None else context(span.parent, remote=span.of_caller),
        resource=resource,
        attributes=dict(span.attributes),
        kind=SpanKind.SERVER if is_execution else SpanKind.INTERNAL,
        status=Status(StatusCode.UNSET) if span.error is None else Status(StatusCode.ERROR, span.error),
        start_time=_nanoseconds(span.start),
        end_time=_nanoseconds(span.end),
        instrumentation_scope=InstrumentationScope("aiop", __version__),
    )


def _nanoseconds(at: datetime) -> int:
    since = at - _EPOCH
    return (since.days * 86400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000

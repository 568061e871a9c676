"""A collector that listens: takes OTLP over HTTP, as protobuf, in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Received:
    """One span as it came over the wire."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    start: int
    end: int
    error: str | None
    attributes: dict[str, Any]
    state: str


@dataclass
class Receiver:
    """What has come, and what is answered."""

    url: str = ""
    status: int = 200
    requests: int = 0
    headers: list[dict[str, str]] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    _spans: list[Received] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def spans(self) -> list[Received]:
        with self._changed:
            return list(self._spans)

    def wait(self, count: int, seconds: float = 60) -> list[Received]:
        """Return once so many spans have come."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._spans) >= count, seconds), f"{len(self._spans)} of {count}"
            return list(self._spans)

    def wait_for_requests(self, count: int, seconds: float = 60) -> None:
        """Return once so many requests have come, whatever was answered."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.requests >= count, seconds)

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        assert path == "/v1/traces"
        assert headers["content-type"] == "application/x-protobuf"
        with self._changed:
            self.requests += 1
            self.headers.append(headers)
            if self.status == 200:
                for batch in ExportTraceServiceRequest.FromString(body).resource_spans:
                    self.resources.append(_values(batch.resource.attributes))
                    for scope in batch.scope_spans:
                        self._spans.extend(_received(span) for span in scope.spans)
            self._changed.notify_all()


def _received(span: Any) -> Received:
    return Received(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.kind,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.status.message if span.status.code == 2 else None,
        _values(span.attributes),
        span.trace_state,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextmanager
def otlp_receiver() -> Iterator[Receiver]:
    """Listen on a free port of this machine."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.take(self.path, headers, self.rfile.read(int(headers["content-length"])))
            self.send_response(receiver.status)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

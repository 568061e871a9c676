"""A service that is a table of answers, and answers for it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx

WORKFLOW = "01a207c0-b966-77bb-8de4-ee836d9b5291"
EXECUTION = "01a207c0-b987-7470-a409-1b8338fe9f74"

Answer = Callable[[httpx.Request], httpx.Response]


class StubService:
    """Answers what a test tells it to; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self._answers: list[tuple[str, re.Pattern[str], Answer]] = []

    def on(self, method: str, path: str, answer: Answer | Any, *, status: int = 200) -> None:
        """Answer requests for ``path`` (a pattern); the newest that fits is taken. Data becomes JSON."""
        made = answer if callable(answer) else lambda _: httpx.Response(status, json=answer)
        self._answers.insert(0, (method, re.compile(path), made))

    def refuse(self, method: str, path: str, status: int, code: str, message: str, *faults: tuple[str, str]) -> None:
        errors = [{"field": field, "message": text} for field, text in faults]
        body = {"status": status, "code": code, "message": message, "details": {"errors": errors}}
        self.on(method, path, body, status=status)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.raw_path.decode()))
        if request.content and request.headers.get("content-type") == "application/json":
            self.bodies.append(json.loads(request.content))
        for method, path, answer in self._answers:
            if method == request.method and path.fullmatch(request.url.path):
                return answer(request)
        raise AssertionError(f"nothing was prepared for {request.method} {request.url}")


def workflow(**changes: Any) -> dict[str, Any]:
    return {
        "id": WORKFLOW,
        "name": "words",
        "description": None,
        "steps": [
            {"id": "survey", "container": {"image": "busybox"}},
            {"id": "count", "container": {"image": "busybox"}, "depends_on": ["survey"]},
        ],
        "status": "pending",
        "created_at": "2025-03-01T12:00:00Z",
        "updated_at": None,
        **changes,
    }


def execution(status: str = "completed", **changes: Any) -> dict[str, Any]:
    return {
        "id": EXECUTION,
        "workflow_id": WORKFLOW,
        "status": status,
        "steps": {
            "survey": {
                "id": "survey",
                "name": "survey",
                "status": "completed",
                "started_at": "2025-03-01T12:00:00Z",
                "completed_at": "2025-03-01T12:01:05Z",
            },
            "count": {"id": "count", "name": "count", "status": status, "started_at": None, "completed_at": None},
        },
        "inputs": {"text": "to be"},
        "outputs": {"words": 2},
        "started_at": "2025-03-01T12:00:00Z",
        "completed_at": "2025-03-01T12:02:00Z",
        "logs": "[survey] one\n[count] two\n",
        **changes,
    }


def page(key: str, *rows: Any) -> dict[str, Any]:
    return {key: list(rows), "total": len(rows), "limit": 20, "offset": 0}


def events(*found: tuple[str, dict[str, Any]], end: str = "completed") -> Answer:
    """A stream of events, each a second after the last."""
    text = ""
    for seq, (kind, data) in enumerate(found, 1):
        body = {"seq": seq, "type": kind, "at": f"2025-03-01T12:00:{seq:02}Z", "data": data}
        text += f"id: {seq}\nevent: {kind}\ndata: {json.dumps(body)}\n\n"
    text += f'event: end\ndata: {{"status": "{end}"}}\n\n'
    return lambda _: httpx.Response(200, text=text, headers={"content-type": "text/event-stream"})


RUN = (
    ("ExecutionStarted", {}),
    ("StepStarted", {"step": "survey", "attempt": 1}),
    ("StepRetried", {"step": "survey", "attempt": 1, "error": "exit code 1", "detail": "attempt 2 follows in 1 s"}),
    ("StepStarted", {"step": "survey", "attempt": 2}),
    ("StepFinished", {"step": "survey", "status": "completed", "exit_code": 0}),
    ("StepSkipped", {"step": "count", "status": "skipped", "reason": "when_false"}),
    ("ExecutionFinished", {"status": "completed"}),
)

"""``/monitoring/dagger``: how the service is, for people and for Prometheus."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from aiop.api.access import MetricsReader, Viewer
from aiop.api.openapi import describe
from aiop.api.requests import NoQuery
from aiop.api.respond import json_response
from aiop.api.schemas.monitoring import Status
from aiop.api.services import services_of
from aiop.monitoring import METRICS_TYPE, EngineState, ServiceStatus

__all__ = ["router"]

router = APIRouter(prefix="/monitoring/dagger", tags=["monitoring"])

_TEXT = {"text/plain": {"schema": {"type": "string"}}}
_MEGABYTE = 1_000_000


@router.get("/status", dependencies=[NoQuery], **describe("get_dagger_status", answer=Status, errors=(400, 401)))
async def get_dagger_status(request: Request, _: Viewer) -> Response:
    """Get Dagger status: the figures of this service and of its engines."""
    return json_response(_view(await services_of(request).monitoring.status()))


@router.get("/metrics", dependencies=[NoQuery], **describe("get_dagger_metrics", content=_TEXT, errors=(400, 401)))
async def get_dagger_metrics(request: Request, _: MetricsReader) -> Response:
    """Get Dagger metrics, as Prometheus text. Open without a token if the service is set so."""
    return Response(await services_of(request).monitoring.metrics(), media_type=METRICS_TYPE)


def _view(status: ServiceStatus) -> dict[str, Any]:
    return {
        "status": status.health,
        "version": status.version,
        "active_workflows": status.active_workflows,
        "active_steps": status.active_steps,
        "memory_usage_mb": round(status.memory_bytes / _MEGABYTE, 1),
        "cpu_usage_percent": round(status.cpu_percent, 1),
        "engines": [_engine(engine) for engine in status.engines],
    }


def _engine(engine: EngineState) -> dict[str, Any]:
    view: dict[str, Any] = {
        "agent": engine.agent,
        "type": engine.type,
        "version": engine.version,
        "status": engine.status,
    }
    if engine.load is not None:
        view |= {"sessions": engine.load.sessions, "executions": engine.load.executions}
    return view if engine.error is None else view | {"error": engine.error}

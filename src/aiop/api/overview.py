"""``/monitoring/dagger``: executions at a glance, and how it went lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from aiop.api.access import Viewer
from aiop.api.execution_view import explain, parent
from aiop.api.executions import ExecutionParameters, explained
from aiop.api.openapi import describe
from aiop.api.paging import Digits, page_response
from aiop.api.respond import json_response
from aiop.api.schemas.overview import GlanceList, Throughput
from aiop.api.services import Services, services_of
from aiop.interfaces import Ended, Glance
from aiop.model.records import ExecutionSummary
from aiop.model.state import ExecutionStatus, StepStatus

__all__ = ["router"]

router = APIRouter(prefix="/monitoring/dagger", tags=["monitoring"])

_COUNTED = (ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED)


class ThroughputParameters(BaseModel):
    """Which time, and how finely."""

    model_config = ConfigDict(extra="forbid")

    hours: Digits = Field(24, ge=1, le=24 * 90, description="How far to look back")
    buckets: Digits = Field(48, ge=1, le=500, description="Into how many stretches of time")


@router.get("/executions", **describe("list_glances", answer=GlanceList, errors=(400, 401)))
async def list_glances(request: Request, _: Viewer, query: Annotated[ExecutionParameters, Query()]) -> Response:
    """List executions with counts of their steps in place of the steps."""
    services = services_of(request)
    page = await services.store.glances(query.store_query())
    executions = [glance.execution for glance in page.items]
    names = await services.store.names(
        {each.workflow_id for each in executions if each.workflow_id is not None},
        {each.pipeline_id for each in executions if each.pipeline_id is not None},
    )
    glances = [
        replace(glance, execution=execution)
        for glance, execution in zip(page.items, await explained(services, executions), strict=True)
    ]
    views = [await _glance_view(services, glance, names) for glance in glances]
    return page_response("executions", views, page.total, query)


@router.get("/throughput", **describe("get_throughput", answer=Throughput, errors=(400, 401)))
async def get_throughput(request: Request, _: Viewer, query: Annotated[ThroughputParameters, Query()]) -> Response:
    """Tell how many executions have ended how, and how long they took, by stretches of time up to now."""
    services = services_of(request)
    seconds = max(1, query.hours * 3600 // query.buckets)
    # The stretches lie where they lay at the call before, so that a chart that is looked at again stands still.
    last = int(services.clock.now().timestamp()) // seconds * seconds
    since = datetime.fromtimestamp(last - (query.buckets - 1) * seconds, UTC)
    width = timedelta(seconds=seconds)
    ended: dict[int, list[Ended]] = {}
    for each in await services.store.ended(since, width=width):
        ended.setdefault(each.bucket, []).append(each)
    buckets = [_bucket_view(since + number * width, ended.get(number, ())) for number in range(query.buckets)]
    return json_response({"since": since, "bucket_seconds": seconds, "buckets": buckets})


async def _glance_view(services: Services, glance: Glance, names: Mapping[str, str]) -> dict[str, Any]:
    execution = glance.execution
    outline = await services.operations.definitions.outline(execution.version_id)
    counts = {status: glance.counts.get(status, 0) for status in StepStatus}
    counts[StepStatus.PENDING] += len(outline) - sum(counts.values())
    view: dict[str, Any] = {
        "id": execution.id,
        **parent(execution),
        "name": names.get(_parent_id(execution)),
        "status": execution.status,
        "created_at": execution.created_at,
        "started_at": execution.started_at,
        "completed_at": execution.completed_at,
        "steps": counts,
    }
    explain(view, execution)
    return view


def _parent_id(execution: ExecutionSummary) -> str:
    return execution.workflow_id or execution.pipeline_id or ""


def _bucket_view(at: datetime, ended: Sequence[Ended]) -> dict[str, Any]:
    counts = {each.status: each.count for each in ended}
    begun = [each for each in ended if each.mean is not None and each.longest is not None]
    weight = sum(each.count for each in begun)
    total = sum((each.mean * each.count for each in begun if each.mean), timedelta())
    longest = max((each.longest for each in begun if each.longest is not None), default=None)
    return {
        "at": at,
        **{status: counts.get(status, 0) for status in _COUNTED},
        "mean_seconds": total.total_seconds() / weight if begun else None,
        "longest_seconds": None if longest is None else longest.total_seconds(),
    }

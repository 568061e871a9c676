"""``/healthz`` and ``/readyz``: open, for probes."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from aiop.api.openapi import describe
from aiop.api.requests import NoQuery
from aiop.api.respond import json_response
from aiop.api.services import services_of

__all__ = ["router"]

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """All is well."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["ok"]


@router.get("/healthz", dependencies=[NoQuery], **describe("get_health", answer=Health, errors=(400,)))
async def get_health() -> Response:
    """Tell that the process lives."""
    return json_response({"status": "ok"})


@router.get("/readyz", dependencies=[NoQuery], **describe("get_readiness", answer=Health, errors=(400,)))
async def get_readiness(request: Request) -> Response:
    """Tell whether the service can work: the database answers, and takes what it is given."""
    services = services_of(request)
    await services.store.ping()
    if services.store.health is not None:
        raise services.store.health
    return json_response({"status": "ok"})

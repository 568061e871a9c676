"""``/dagger/agents``."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from aiop.api.access import Admin, Viewer
from aiop.api.openapi import describe
from aiop.api.paging import ListParameters, page_response, sort_by
from aiop.api.requests import NoQuery, model_of, uuid_of
from aiop.api.respond import json_response, no_content
from aiop.api.schemas.agents import Agent, AgentChange, AgentItem, AgentList, AgentRequest, EngineBody
from aiop.api.services import services_of
from aiop.interfaces import AgentQuery
from aiop.model.agent import LACKING, AgentRecord, AgentStatus, EngineAddress, PodSettings
from aiop.model.ids import AgentId
from aiop.operations import AgentSettings, TlsFiles

__all__ = ["router"]

router = APIRouter(prefix="/dagger/agents", tags=["agents"])

_PLAIN = ("name", "description", "container_registry", "workflow_directory")
"""Fields that are stored as they are sent."""


class AgentParameters(ListParameters):
    """Filters and order of the list."""

    status: AgentStatus | None = Field(None, description="Filter agents by status")
    capability: str | None = Field(None, max_length=63, description="Filter agents by capability")
    name: str | None = Field(None, max_length=255, description="Part of the name, case ignored")
    sort: str | None = sort_by("id", "name", "created_at", "updated_at")


class DeleteParameters(BaseModel):
    """How an agent is deleted."""

    model_config = ConfigDict(extra="forbid")

    force: bool = Field(False, description="Delete it although executions are on it; they fail with `agent_deleted`")


@router.get("", **describe("list_agents", answer=AgentList, errors=(400, 401)))
async def list_agents(request: Request, _: Viewer, query: Annotated[AgentParameters, Query()]) -> Response:
    """List agents."""
    page = await services_of(request).store.agents(
        AgentQuery(**query.paging, status=query.status, capability=query.capability, name=query.name)
    )
    return page_response("agents", [_item(agent) for agent in page.items], page.total, query)


@router.post(
    "",
    dependencies=[NoQuery],
    **describe(
        "create_agent",
        answer=AgentItem,
        status=HTTPStatus.CREATED,
        takes=AgentRequest,
        errors=(400, 401, 403, 413),
    ),
)
async def create_agent(request: Request, _: Admin) -> Response:
    """Register an agent. Its engine is looked at once; one that does not answer makes it `offline` for now."""
    body = await model_of(request, AgentRequest)
    agent = await services_of(request).agents.register(AgentSettings(**_settings(body)))
    return json_response(_item(agent), status=HTTPStatus.CREATED, headers={"Location": f"{router.prefix}/{agent.id}"})


@router.get("/{agent_id}", dependencies=[NoQuery], **describe("get_agent", answer=Agent, errors=(400, 401, 404)))
async def get_agent(request: Request, _: Viewer, agent_id: str) -> Response:
    """Get an agent."""
    services = services_of(request)
    return json_response(_whole(await services.store.agent(_id(agent_id)), services.default_engine))


@router.patch(
    "/{agent_id}",
    dependencies=[NoQuery],
    **describe("update_agent", answer=Agent, takes=AgentChange, errors=(400, 401, 403, 404, 413)),
)
async def update_agent(request: Request, _: Admin, agent_id: str) -> Response:
    """Change an agent. Its engine can be changed only while nothing runs there."""
    body = await model_of(request, AgentChange)
    services = services_of(request)
    return json_response(_whole(await services.agents.change(_id(agent_id), _settings(body)), services.default_engine))


@router.delete("/{agent_id}", **describe("delete_agent", status=HTTPStatus.NO_CONTENT, errors=(400, 401, 403, 404)))
async def delete_agent(
    request: Request, _: Admin, agent_id: str, query: Annotated[DeleteParameters, Query()]
) -> Response:
    """Delete an agent; one with executions under way only by `force`."""
    await services_of(request).agents.delete(_id(agent_id), force=query.force)
    return no_content()


def _id(text: str) -> AgentId:
    return AgentId(uuid_of(text, "Agent"))


def _settings(body: AgentChange) -> dict[str, Any]:
    """Name what was sent as ``AgentSettings`` does."""
    sent = body.model_fields_set
    settings: dict[str, Any] = {name: getattr(body, name) for name in _PLAIN if name in sent}
    if "capabilities" in sent:
        settings["capabilities"] = tuple(body.capabilities)
    if "max_concurrent_executions" in sent:
        settings["max_load"] = body.max_concurrent_executions
    if "timeout_seconds" in sent:
        settings["timeout"] = None if body.timeout_seconds is None else timedelta(seconds=body.timeout_seconds)
    if "engine" in sent:
        settings |= _engine(body.engine)
    return settings


def _engine(body: EngineBody | None) -> dict[str, Any]:
    if body is None:
        return {"engine": None, "tls": None, "kubeconfig": None}
    pods = PodSettings.of(body.pods.model_dump()) if body.pods else None
    settings: dict[str, Any] = {"engine": EngineAddress(body.type, body.endpoint, pods)}
    if "tls" in body.model_fields_set:
        settings["tls"] = TlsFiles(body.tls.ca, body.tls.certificate, body.tls.key) if body.tls else None
    if "kubeconfig" in body.model_fields_set:
        settings["kubeconfig"] = body.kubeconfig
    return settings


def _item(agent: AgentRecord) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": agent.id,
        "name": agent.name,
        "description": agent.description,
        "capabilities": agent.capabilities,
        "status": agent.status,
        "current_load": agent.load,
        "max_load": agent.max_load,
        "container_registry": agent.container_registry,
        "workflow_directory": agent.workflow_directory,
        "created_at": agent.created_at,
        "updated_at": agent.updated_at,
    }
    if agent.error is not None:
        view["error"] = agent.error
    return view


def _whole(agent: AgentRecord, default: EngineAddress) -> dict[str, Any]:
    engine = agent.engine or default
    view: dict[str, Any] = {
        "type": engine.type,
        "endpoint": engine.endpoint,
        "version": agent.version,
        "lacks": sorted(agent.lacks | LACKING.get(engine.type, frozenset())),
        "tls": agent.sealed is not None,
    }
    if engine.pods is not None:
        view["pods"] = engine.pods.document
    return {
        **_item(agent),
        "timeout_seconds": None if agent.timeout is None else agent.timeout.total_seconds(),
        "engine": view,
        "last_seen_at": agent.last_seen_at,
    }

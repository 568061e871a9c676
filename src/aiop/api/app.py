"""The application."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from aiop import __version__
from aiop.api import (
    agents,
    audit,
    auth,
    browser_sessions,
    errors,
    execution_files,
    execution_steps,
    executions,
    health,
    images,
    live,
    monitoring,
    openapi,
    overview,
    pipelines,
    secrets,
    sources,
    tokens,
    users,
    workflows,
)
from aiop.api.guard import Guard
from aiop.api.measuring import Measuring
from aiop.api.requests import QueryOnce
from aiop.api.services import Services
from aiop.api.site import Site

__all__ = ["create_app"]

_TAGS = [
    {"name": "workflows", "description": "Definitions of graphs of container steps."},
    {"name": "pipelines", "description": "Graphs of steps over a tree of files, with a cache."},
    {"name": "executions", "description": "Runs of workflows and pipelines, their state, events and logs."},
    {"name": "agents", "description": "Places where containers run."},
    {"name": "secrets", "description": "Named values for workflows that nobody can read back."},
    {"name": "images", "description": "What the embedded engine runs."},
    {"name": "monitoring", "description": "How the service is."},
    {"name": "auth", "description": "Sessions, API tokens and users."},
    {"name": "audit", "description": "Who did what."},
    {"name": "health", "description": "For probes; open."},
]


def create_app(services: Services, *, site: Path | None = None, whole: bool = True) -> FastAPI:
    """Build the ASGI application; it has no state of its own, and nothing to start or stop.

    ``site`` is where the files of the web UI are, if they are to be served. Unless ``whole``, it answers probes and
    Prometheus alone: for a replica that leaves the rest to others.
    """
    app = FastAPI(
        title="aiop",
        version=__version__,
        description="Runs graphs of container steps, durably.",
        openapi_tags=_TAGS,
        redirect_slashes=False,
        # Their pages load scripts from another host.
        docs_url=None,
        redoc_url=None,
        dependencies=[QueryOnce],
    )
    app.state.services = services
    watched = (monitoring, health)
    resources = (
        workflows,
        pipelines,
        sources,
        executions,
        execution_files,
        execution_steps,
        live,
        agents,
        secrets,
        images,
        monitoring,
        overview,
        auth,
        browser_sessions,
        tokens,
        users,
        audit,
        health,
    )
    for resource in resources if whole else watched:
        app.include_router(resource.router)
    errors.install(app)
    openapi.install(app)
    app.add_middleware(Measuring)
    if site is not None:
        reserved = {path.split("/")[1] for route in iter_route_contexts(app.routes) if (path := route.path)}
        app.add_middleware(Site, directory=site, reserved=reserved)
    app.add_middleware(Guard)
    return app

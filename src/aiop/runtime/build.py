"""Puts the service together: everything that is opened here is closed here, in the opposite order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from fastapi import FastAPI

from aiop.api import Services, create_app
from aiop.auth import AuthService, FernetVault, ensure_admin
from aiop.bus.local import LocalBus
from aiop.config import Settings
from aiop.operations import Operations
from aiop.orchestrator.attempt import Place
from aiop.orchestrator.gate import EngineGate
from aiop.orchestrator.plans import Plans
from aiop.orchestrator.runner import RunnerContext
from aiop.orchestrator.slots import Slots
from aiop.orchestrator.supervisor import Supervisor
from aiop.orchestrator.sweep import Remover, Retention, Sweeper
from aiop.runtime.clock import SystemClock
from aiop.runtime.engines import build_engine
from aiop.runtime.installation import Installation, open_installation
from aiop.spec import VolumePolicy
from aiop.store import open_store

__all__ = ["Service", "build_service"]


@dataclass(frozen=True, slots=True)
class Service:
    """What is to be run: the app by a server, the loops as tasks."""

    app: FastAPI
    installation: Installation
    supervisor: Supervisor
    remover: Remover
    sweeper: Sweeper
    stopping: asyncio.Event
    """To be set when the service is to end; streams end then."""


@asynccontextmanager
async def build_service(settings: Settings) -> AsyncIterator[Service]:
    """Open all parts; raises ``InstallationInUseError`` and ``StorageUnavailable``."""
    async with AsyncExitStack() as stack:
        installation = stack.enter_context(open_installation(settings))
        clock = SystemClock()
        bus = LocalBus()
        vault = FernetVault(installation.secret)
        store = await stack.enter_async_context(open_store(settings.store_url, clock=clock))
        password = settings.admin_password.get_secret_value() if settings.admin_password else None
        await ensure_admin(store, clock, password=password, file=installation.admin_password_file)

        engine = build_engine(settings, installation, clock)
        stack.push_async_callback(engine.aclose)
        gate = EngineGate(engine, clock)
        stack.push_async_callback(gate.aclose)
        remover = Remover(engine)
        workflow_directory = str(settings.workflow_directory) if settings.workflow_directory else None
        volumes = VolumePolicy(settings.volume_roots, workflow_directory)
        context = RunnerContext(
            place=Place(
                engine,
                gate,
                Slots(settings.max_concurrent_steps),
                patience=timedelta(seconds=settings.engine_lost_seconds),
            ),
            store=store,
            bus=bus,
            clock=clock,
            vault=vault,
            volumes=volumes,
            log_limit=settings.log_limit_bytes,
            infrastructure_attempts=settings.infrastructure_attempts,
            committed=remover.put,
        )
        supervisor = Supervisor(
            installation.id,
            context,
            store,
            bus,
            plans=Plans().load,
            limit=settings.max_concurrent_executions,
            ttl=settings.lease_ttl,
        )
        retention = Retention(
            age=timedelta(days=settings.retention_days) if settings.retention_days else None,
            count=settings.retention_count or None,
        )
        auth = AuthService(
            store,
            clock,
            secret=installation.secret,
            access_ttl=timedelta(seconds=settings.access_token_seconds),
            refresh_ttl=timedelta(seconds=settings.refresh_token_seconds),
        )
        services = Services(
            store=store,
            operations=Operations(store, bus, vault, volume_policy=volumes),
            auth=auth,
            bus=bus,
            clock=clock,
            max_body_bytes=settings.max_body_bytes,
        )
        sweeper = Sweeper(engine, store, clock, remover, retention)
        yield Service(create_app(services), installation, supervisor, remover, sweeper, services.stopping)

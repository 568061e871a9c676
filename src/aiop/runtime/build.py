"""Puts the service together: everything that is opened here is closed here, in the opposite order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

from fastapi import FastAPI

import aiop
from aiop.api import Services, create_app
from aiop.auth import AuthService, FernetVault, ensure_admin
from aiop.bus import LocalBus, PostgresBus
from aiop.config import Settings
from aiop.engines.oci.images import ImageStore
from aiop.errors import AiopError
from aiop.interfaces import Clock, ReplicaStore, Vault
from aiop.model.agent import AgentRecord, EngineAddress
from aiop.model.ids import AgentId, new_id
from aiop.model.replica import Replica, ReplicaRole
from aiop.monitoring import Monitoring, OtlpSender, Tracing
from aiop.operations import AgentOperations, ImageOperations, Operations, PipelineOperations
from aiop.orchestrator.files_sweep import FilesSweeper
from aiop.orchestrator.fleet import Fleet
from aiop.orchestrator.plans import Plans
from aiop.orchestrator.roster import Roster
from aiop.orchestrator.runner import RunnerContext
from aiop.orchestrator.supervisor import Supervisor
from aiop.orchestrator.sweep import HistorySweeper, Retention
from aiop.orchestrator.workspaces import PipelineFiles
from aiop.runtime.artifacts import build_artifacts
from aiop.runtime.clock import SystemClock
from aiop.runtime.engines import EngineBuilder, assumed_engine, default_engine
from aiop.runtime.installation import Installation, open_installation
from aiop.store import HEAD, open_store

__all__ = ["OtherKeyError", "Service", "build_service"]

Loop: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class OtherKeyError(AiopError):
    """The database was made with another secret key: nothing that is sealed in it could be opened."""


UI = Path(aiop.__file__).parent / "ui"
"""Where the web UI is built into."""


@dataclass(frozen=True, slots=True)
class Service:
    """What is to be run: the app by a server, the loops as tasks."""

    app: FastAPI
    installation: Installation
    role: ReplicaRole
    supervisor: Supervisor
    fleet: Fleet
    sweeper: HistorySweeper
    files_sweeper: FilesSweeper
    monitoring: Monitoring
    tracing: Tracing | None
    roster: Roster
    bus: PostgresBus | None
    stopping: asyncio.Event
    """To be set when the service is to end; streams end then."""

    @property
    def loops(self) -> Mapping[str, Loop]:
        """What is to run until it is cancelled, one after the other in this order: executions let go of their engines
        before those are closed.
        """
        loops: dict[str, Loop] = {}
        if self.role.runs:
            loops |= {
                "supervisor": self.supervisor.run,
                "fleet": self.fleet.run,
                "sweeper": self.sweeper.run,
                "files-sweeper": self.files_sweeper.run,
            }
            if self.tracing is not None:
                loops["tracing"] = self.tracing.run
        loops |= {"process-meter": self.monitoring.process.run, "roster": self.roster.run}
        if self.bus is not None:
            loops["bus"] = self.bus.run
        return loops


@asynccontextmanager
async def build_service(settings: Settings) -> AsyncIterator[Service]:
    """Open all parts; raises ``InstallationInUseError``, ``OtherKeyError``, ``SchemaUnfit``, ``StorageUnavailable``."""
    async with AsyncExitStack() as stack:
        installation = stack.enter_context(open_installation(settings))
        clock = SystemClock()
        bus = PostgresBus(settings.store_url, clock) if settings.shares_database else LocalBus()
        vault = FernetVault(installation.secret)
        store = await stack.enter_async_context(
            open_store(
                settings.store_url,
                clock=clock,
                series_limit=settings.metrics_workflows,
                traced=settings.traced,
                replica=installation.replica,
            )
        )
        installation = await _agreed(installation, store, vault)
        me = Replica(installation.replica, settings.role, aiop.__version__, HEAD, clock.now())
        roster = Roster(me, store, clock, ttl=settings.lease_ttl, compare=clock.compare)
        await roster.beat()
        password = settings.admin_password.get_secret_value() if settings.admin_password else None
        await ensure_admin(store, clock, password=password, file=installation.admin_password_file)

        artifacts = build_artifacts(settings, installation, clock, alone=lambda: roster.alone)
        await artifacts.open()
        stack.push_async_callback(artifacts.aclose)

        images = ImageStore(
            installation.images, clock, limit=settings.images_limit_bytes, docker=settings.docker_endpoint
        )
        await images.open()
        stack.push_async_callback(images.aclose)

        engine = default_engine(settings)
        fleet = Fleet(
            store,
            bus,
            clock,
            EngineBuilder(settings, installation, clock, vault, images, default=engine).source,
            slots=settings.max_concurrent_steps,
            patience=timedelta(seconds=settings.engine_lost_seconds),
            mine=roster.mine,
        )
        if settings.local_agent and settings.role.runs:
            await store.add_agent(_local_agent(settings, installation, clock, engine))
        context = RunnerContext(
            store=store,
            bus=bus,
            clock=clock,
            vault=vault,
            log_limit=settings.log_limit_bytes,
            infrastructure_attempts=settings.infrastructure_attempts,
            files=PipelineFiles(artifacts, store, vault, clock),
            traced=settings.traced,
        )
        supervisor = Supervisor(
            installation.replica,
            context,
            store,
            bus,
            plans=Plans().load,
            places=fleet,
            ttl=settings.lease_ttl,
            shared=settings.shares_database,
            replicas=lambda: roster.running,
        )
        retention = Retention(
            age=timedelta(days=settings.retention_days) if settings.retention_days else None,
            count=settings.retention_count or None,
            audit=timedelta(days=settings.audit_retention_days) if settings.audit_retention_days else None,
        )
        auth = AuthService(
            store,
            clock,
            secret=installation.secret,
            access_ttl=timedelta(seconds=settings.access_token_seconds),
            refresh_ttl=timedelta(seconds=settings.refresh_token_seconds),
        )
        monitoring = Monitoring(store, clock, default_engine=engine, loads=fleet)
        tracing = None
        if settings.traced:
            sender = OtlpSender(installation.id)
            stack.callback(sender.close)
            tracing = Tracing(store, bus, clock, sender, mine=lambda: roster.mine("traces"))
        services = Services(
            store=store,
            operations=Operations(store, bus, vault, volume_roots=settings.volume_roots),
            pipelines=PipelineOperations(
                store, artifacts, bus, vault, source_roots=settings.source_roots, volume_roots=settings.volume_roots
            ),
            artifacts=artifacts,
            agents=AgentOperations(store, bus, vault, clock, probe=fleet, assumed=assumed_engine(engine)),
            images=ImageOperations(store, images, default_engine=engine),
            default_engine=engine,
            auth=auth,
            bus=bus,
            clock=clock,
            monitoring=monitoring,
            open_metrics=settings.metrics_open,
            max_body_bytes=settings.max_body_bytes,
        )
        sweeper = HistorySweeper(store, clock, retention, mine=lambda: roster.mine("history"))
        files_sweeper = FilesSweeper(artifacts, store, clock, limit=settings.cache_limit_bytes)
        yield Service(
            create_app(services, site=UI if settings.role.serves else None, whole=settings.role.serves),
            installation,
            settings.role,
            supervisor,
            fleet,
            sweeper,
            files_sweeper,
            monitoring,
            tracing,
            roster,
            bus if isinstance(bus, PostgresBus) else None,
            services.stopping,
        )


async def _agreed(installation: Installation, store: ReplicaStore, vault: Vault) -> Installation:
    """Take over what all replicas agree on; raises ``OtherKeyError``."""
    fingerprint = vault.digest(b"fingerprint")
    if await store.agree("key_fingerprint", fingerprint) != fingerprint:
        raise OtherKeyError(
            "the secret key is not the one that this database was made with: set AIOP_SECRET_KEY to that of the other "
            "replicas, or to what is in the file secret-key of the first one's data directory"
        )
    return replace(installation, id=await store.agree("id", installation.id))


def _local_agent(settings: Settings, installation: Installation, clock: Clock, engine: EngineAddress) -> AgentRecord:
    """Describe the agent that a fresh installation runs workflows on."""
    return AgentRecord(
        id=AgentId(new_id()),
        name="local",
        description="The engine of this machine",
        created_at=clock.now(),
        engine=assumed_engine(engine),
        workflow_directory=str(settings.workflow_directory) if settings.workflow_directory else None,
        max_load=settings.max_concurrent_executions,
        installation=installation.replica,
        error="not checked yet",
    )

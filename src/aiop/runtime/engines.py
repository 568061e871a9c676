"""Which engine an agent has, and what may be mounted there. Engines are imported only where they are used."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Hashable
from posixpath import normpath
from typing import assert_never

import structlog

from aiop.config import Settings
from aiop.engines.oci.images import ImageStore
from aiop.interfaces import Clock, Engine, Vault
from aiop.model.agent import LACKING, AgentRecord, EngineAddress, EngineType, PodSettings
from aiop.orchestrator.fleet import EngineSource
from aiop.runtime.installation import Installation
from aiop.runtime.rootless import is_root_of_machine
from aiop.spec import VolumePolicy

__all__ = ["EngineBuilder", "assumed_engine", "default_engine"]


def default_engine(settings: Settings) -> EngineAddress:
    """Name the engine of agents that name none; looks at this machine if nothing was said."""
    match EngineType(_chosen(settings)):
        case EngineType.DOCKER:
            return EngineAddress(EngineType.DOCKER, settings.docker_endpoint or os.environ.get("DOCKER_HOST") or None)
        case EngineType.DAGGER:
            return EngineAddress(EngineType.DAGGER, settings.dagger_endpoint)
        case EngineType.KUBERNETES:
            return EngineAddress(EngineType.KUBERNETES, None, PodSettings.of(settings.kubernetes_pods))
        case other:
            return EngineAddress(other)


def _chosen(settings: Settings) -> str:
    if settings.engine != "auto":
        return settings.engine
    from aiop.engines.oci.host import shortcomings

    faults = ["a Docker Engine is named"] if settings.docker_endpoint else shortcomings()
    if not faults and os.geteuid() != 0:
        faults = ["the service is in no user namespace"]
    chosen = "docker" if faults else "oci"
    structlog.get_logger().info("engine_chosen", engine=chosen, embedded_lacks="; ".join(faults) or None)
    return chosen


def assumed_engine(default: EngineAddress) -> EngineAddress | None:
    """Name the engine that agents are registered with if they name none: that of the service, if it lacks something.

    Else it may become another one with the settings.
    """
    return default if default.type in LACKING else None


class EngineBuilder:
    """Makes engines of agents, with the settings of this installation."""

    def __init__(
        self,
        settings: Settings,
        installation: Installation,
        clock: Clock,
        vault: Vault,
        images: ImageStore,
        *,
        default: EngineAddress,
    ) -> None:
        self._settings = settings
        self._installation = installation
        self._clock = clock
        self._vault = vault
        self._images = images
        self._default = default
        # What a process that was killed has left there.
        shutil.rmtree(installation.dagger, ignore_errors=True)

    @property
    def source(self) -> EngineSource:
        """What the fleet draws on."""
        return EngineSource(self._key, self._build, self._volumes, self._is_reachable)

    def _key(self, agent: AgentRecord) -> Hashable:
        return agent.engine or self._default, agent.sealed

    def _build(self, agent: AgentRecord) -> Engine:
        """Build it; nothing is asked of it yet. Raises ``ValueError`` if its certificates cannot be opened."""
        address = agent.engine or self._default
        match address.type:
            case EngineType.DOCKER:
                return self._docker(address, agent.sealed)
            case EngineType.DAGGER:
                from aiop.engines.dagger import DaggerEngine

                cli = self._settings.dagger_cli
                return DaggerEngine(
                    endpoint=address.endpoint,
                    scratch=self._installation.dagger,
                    cli=None if cli is None else str(cli),
                    mount_limit=self._settings.dagger_mount_limit_bytes,
                )
            case EngineType.KUBERNETES:
                return self._kubernetes(address.pods or PodSettings(), agent.sealed)
            case EngineType.OCI:
                from aiop.engines.oci.engine import OciEngine

                return OciEngine(
                    root=self._installation.containers,
                    installation=self._installation.id,
                    images=self._images,
                    start_limit=self._settings.engine_start_limit,
                )
            case EngineType.FAKE:
                from aiop.engines.fake import FakeEngine, FakeWorld

                return FakeEngine(FakeWorld(clock=self._clock))
            case _:
                assert_never(address.type)

    def _docker(self, address: EngineAddress, sealed: bytes | None) -> Engine:
        from aiop.engines.docker import DockerEngine, TlsMaterial

        tls = TlsMaterial(**json.loads(self._vault.open(sealed))) if sealed is not None else None
        return DockerEngine(
            endpoint=address.endpoint,
            installation=self._installation.id,
            handover=self._installation.handover if _is_local(address) else None,
            start_limit=self._settings.engine_start_limit,
            tls=tls,
            mounts=is_root_of_machine(),  # what containers write as root, only root can settle and delete
        )

    def _is_reachable(self, agent: AgentRecord) -> bool:
        return agent.installation in (None, self._installation.replica)

    def _kubernetes(self, pods: PodSettings, sealed: bytes | None) -> Engine:
        from aiop.engines.kubernetes import ClusterAccess, KubernetesEngine

        kubeconfig = json.loads(self._vault.open(sealed))["kubeconfig"] if sealed is not None else None
        return KubernetesEngine(
            access=ClusterAccess(kubeconfig, pods.context, pods.namespace),
            installation=self._installation.id,
            settings=pods,
        )

    def _volumes(self, agent: AgentRecord) -> VolumePolicy:
        roots, directory = self._settings.volume_roots, agent.workflow_directory
        address = agent.engine or self._default
        if address.type is EngineType.KUBERNETES:
            allowed = address.pods is not None and address.pods.host_paths
            return VolumePolicy(roots if allowed else (), directory if allowed else None, realpath=normpath)
        if _is_local(address):
            return VolumePolicy(roots, directory)
        # The links of another machine cannot be looked up from here.
        return VolumePolicy(roots, directory, realpath=normpath)


def _is_local(address: EngineAddress) -> bool:
    # The files that a Dagger Engine gets are those of the machine that speaks to it.
    return address.type is EngineType.DAGGER or address.endpoint is None or address.endpoint.startswith("unix://")

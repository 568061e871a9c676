"""From a rendered step to what an engine is told to run. Pure, but for the links that volumes are resolved through."""

from __future__ import annotations

from aiop.model.definition import Step
from aiop.model.run import ContainerRun, Credentials
from aiop.spec import RenderedStep, VolumePolicy, apply_registry

__all__ = ["container_run"]


def container_run(
    step: Step, rendered: RenderedStep, *, registry: str | None, volumes: VolumePolicy, credentials: Credentials | None
) -> ContainerRun:
    """Put together what ``rendered`` says and what has no templates; raises ``VolumeRefused``."""
    return ContainerRun(
        image=apply_registry(rendered.image, registry),
        command=rendered.command,
        args=rendered.args,
        environment=rendered.environment,
        mounts=tuple(volumes.resolve(volume) for volume in rendered.volumes),
        working_dir=rendered.working_dir,
        user=rendered.user,
        resources=step.container.resources,
        network=step.container.network,
        files=rendered.files,
        output_paths=rendered.output_paths,
        pull=step.container.pull,
        credentials=credentials,
    )

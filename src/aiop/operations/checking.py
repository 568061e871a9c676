"""From the bytes of a request to a definition that may be stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from aiop.errors import Fault, InvalidRequest
from aiop.model.agent import AgentRecord
from aiop.model.definition import Definition, JsonValue, Volume
from aiop.spec import VolumePolicy, VolumeRefused, check_definition, parse_json

__all__ = ["check_document", "check_value", "policy_of", "text_of"]


def text_of(body: bytes) -> str:
    """Return the JSON text that a body holds; the body must have been parsed before."""
    return body.decode().strip()


def policy_of(roots: Sequence[str], agents: Iterable[AgentRecord]) -> VolumePolicy:
    """Return what may be mounted on one agent or another; the agent that it comes to has the last word."""
    directories = [agent.workflow_directory for agent in agents if agent.workflow_directory and not agent.deleted]
    return VolumePolicy((*roots, *directories), directories[0] if directories else None)


def check_document(body: bytes, policy: VolumePolicy) -> Definition:
    """Check a definition together with the volumes that it names.

    Raises ``InvalidRequest`` with everything that is wrong.
    """
    return check_value(parse_json(body), policy, check_definition)


def check_value(document: JsonValue, policy: VolumePolicy, check: Callable[[JsonValue], Definition]) -> Definition:
    """Check a document by ``check``, together with the volumes that it names; raises as ``check_document``."""
    faults: list[Fault] = []
    definition: Definition | None = None
    try:
        definition = check(document)
    except InvalidRequest as error:
        faults.extend(error.faults)
    faults.extend(_volume_faults(document, policy))
    if faults or definition is None:
        raise InvalidRequest(faults)
    return definition


def _volume_faults(document: object, policy: VolumePolicy) -> Iterator[Fault]:
    # Looked up in the document and not in the definition, where the volumes of ``container_config`` are merged
    # into each step: so each fault has its own path and comes once. Wrong shapes are the other check's matter.
    if not isinstance(document, dict):
        return
    yield from _faults_under("container_config", document.get("container_config"), policy)
    steps = document.get("steps")
    for index, step in enumerate(steps if isinstance(steps, list) else ()):
        if isinstance(step, dict):
            yield from _faults_under(f"steps[{index}].container", step.get("container"), policy)


def _faults_under(field: str, container: Any, policy: VolumePolicy) -> Iterator[Fault]:
    volumes = container.get("volumes") if isinstance(container, dict) else None
    for index, volume in enumerate(volumes if isinstance(volumes, list) else ()):
        source = volume.get("source") if isinstance(volume, dict) else None
        if not isinstance(source, str) or "${" in source:  # a template is resolved when its step starts
            continue
        try:
            policy.resolve(Volume(source=source, target=""))
        except VolumeRefused as error:
            yield Fault(f"{field}.volumes[{index}].source", str(error))

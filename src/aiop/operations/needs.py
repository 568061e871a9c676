"""What the steps of a definition ask for that not every engine can give. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aiop.errors import Fault
from aiop.model.agent import LACKING, Ability, AgentRecord, EngineType
from aiop.model.definition import Container, Definition, Network, Volume

__all__ = ["Need", "lacking", "needs_of", "unsupported"]

_HINT = "`ignore_unsupported` executes without"


@dataclass(frozen=True, slots=True)
class Need:
    """One field that asks for something."""

    ability: Ability
    field: str


def needs_of(definition: Definition) -> tuple[Need, ...]:
    """Return every field that asks for something; what ``container_config`` says is told of each step."""
    return tuple(
        Need(ability, f"steps[{number}].container.{field}")
        for number, step in enumerate(definition.steps)
        for ability, field in _asked(step.container)
    )


def unsupported(needs: Iterable[Need], agents: Sequence[AgentRecord]) -> Iterator[Fault]:
    """Say which fields none of the agents can do justice to, or else which no single one can do all of."""
    needs = list(needs)
    alone = [need for need in needs if not any(need.ability.word in agent.able for agent in agents)]
    for need in alone or needs:
        why = "No agent that could run it has" if alone else "No one agent that could run it has all that is asked for:"
        yield Fault(need.field, f"{why} an engine with {need.ability}; {_HINT}")


def lacking(definition: Definition, engine: EngineType) -> tuple[Fault, ...]:
    """Say which fields an engine of this type cannot do justice to."""
    lacks = LACKING.get(engine, frozenset())
    return tuple(
        Fault(need.field, f"The engine has no {need.ability}; {_HINT}")
        for need in needs_of(definition)
        if need.ability in lacks
    )


def _asked(container: Container) -> Iterator[tuple[Ability, str]]:
    resources = container.resources
    if resources.cpu_millis is not None:
        yield Ability.CPU_LIMIT, "resources.cpu"
    if resources.memory_bytes is not None:
        yield Ability.MEMORY_LIMIT, "resources.memory"
    if resources.gpus is not None:
        yield Ability.GPUS, "resources.gpus"
    if container.network is Network.NONE:
        yield Ability.NETWORK_NONE, "network"
    for number, volume in enumerate(container.volumes):
        if volume.read_only and _is_named(volume):
            yield Ability.READ_ONLY_VOLUMES, f"volumes[{number}].read_only"


def _is_named(volume: Volume) -> bool:
    return "/" not in volume.source and volume.source != "."

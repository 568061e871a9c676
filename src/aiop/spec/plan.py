"""A definition made ready to run: its graph, its templates and its conditions, each compiled once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiop.model.definition import Definition, Step
from aiop.model.ids import StepId
from aiop.spec.conditions import Condition, ConditionCompiler
from aiop.spec.containers import CompiledContainer, RenderedContainer
from aiop.spec.graph import Graph
from aiop.spec.templates import CompiledValue, Kind, Reference, Scope, TemplateError, compile_value

__all__ = ["CompiledStep", "Plan"]


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """A step with its templates and its condition; ``render_step`` makes it concrete.

    ``mentioned_inputs`` and ``mentioned_secrets`` are those that the container's templates name. ``literal`` is the
    container of a step that refers to nothing.
    """

    step: Step
    container: CompiledContainer
    literal: RenderedContainer | None
    inputs: Mapping[str, CompiledValue] | None
    condition: Condition | None
    mentioned_inputs: tuple[str, ...]
    mentioned_secrets: tuple[str, ...]
    output_paths: Mapping[str, str]

    @classmethod
    def of(cls, step: Step, conditions: ConditionCompiler) -> CompiledStep:
        """Compile a step of a checked definition."""
        container = CompiledContainer.of(step.container)
        references = [reference for template in container.templates() for reference in template.references]
        return cls(
            step=step,
            container=container,
            literal=None if references else _literal(container),
            inputs=None if step.inputs is None else {name: compile_value(it) for name, it in step.inputs.items()},
            condition=None if step.when is None else conditions.compile(step.when),
            mentioned_inputs=_names(references, Kind.INPUT),
            mentioned_secrets=_names(references, Kind.SECRET),
            output_paths={name: it.path for name, it in step.outputs.items() if it.path is not None},
        )


def _names(references: Iterable[Reference], kind: Kind) -> tuple[str, ...]:
    return tuple(dict.fromkeys(reference.name for reference in references if reference.kind is kind))


def _literal(container: CompiledContainer) -> RenderedContainer | None:
    try:
        return container.render(Scope())
    except TemplateError:  # an escape may hide what no container can have: told when the step starts
        return None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything about a definition that does not change from run to run; keep it as long as the definition.

    ``steps`` are in the order of ``definition.steps``, so that the indexes of ``graph`` hold for them. Conditions of
    one plan are evaluated from one thread at a time.
    """

    definition: Definition
    graph: Graph
    steps: tuple[CompiledStep, ...]
    outputs: Mapping[str, CompiledValue] | None

    @classmethod
    def of(cls, definition: Definition) -> Plan:
        """Compile a checked definition."""
        conditions = ConditionCompiler()
        outputs = definition.outputs
        return cls(
            definition=definition,
            graph=Graph.of(definition),
            steps=tuple(CompiledStep.of(step, conditions) for step in definition.steps),
            outputs=None if outputs is None else {name: compile_value(it) for name, it in outputs.items()},
        )

    def step(self, step_id: StepId) -> CompiledStep:
        """Return the step with this id; raises ``KeyError``."""
        return self.steps[self.graph.index[step_id]]

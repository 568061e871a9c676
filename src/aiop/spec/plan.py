"""A definition made ready to run: its graph, its templates and its conditions, each compiled once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from aiop.model.definition import Container, Definition, JsonValue, Step
from aiop.model.ids import StepId
from aiop.spec.conditions import Condition, ConditionCompiler
from aiop.spec.graph import Graph
from aiop.spec.templates import (
    CompiledValue,
    Kind,
    Scope,
    StepResult,
    Template,
    compile_template,
    compile_value,
)

__all__ = ["CompiledContainer", "CompiledStep", "Plan"]


@dataclass(frozen=True, slots=True)
class CompiledContainer:
    """The strings of a container; ``script`` has become a command."""

    image: Template
    command: tuple[Template, ...] | None
    args: tuple[Template, ...] | None
    environment: Mapping[str, Template]
    working_dir: Template | None
    user: Template | None
    files: Mapping[str, Template]
    volume_sources: tuple[Template, ...]

    @classmethod
    def of(cls, container: Container) -> CompiledContainer:
        """Compile; a container's own command or script excludes the image's default arguments."""
        command, args = container.command, container.args
        if container.script is not None:
            command = ("sh", "-c", container.script)
            # The first argument after a script is its $0, by which the shell names itself in errors.
            args = ("sh", *args) if args else ()
        if command is not None and args is None:
            args = ()
        return cls(
            image=compile_template(container.image),
            command=None if command is None else tuple(map(compile_template, command)),
            args=None if args is None else tuple(map(compile_template, args)),
            environment={key: compile_template(text) for key, text in container.environment.items()},
            working_dir=None if container.working_dir is None else compile_template(container.working_dir),
            user=None if container.user is None else compile_template(container.user),
            files={path: compile_template(text) for path, text in container.files.items()},
            volume_sources=tuple(compile_template(volume.source) for volume in container.volumes),
        )

    def templates(self) -> Iterator[Template]:
        """Walk over all strings."""
        yield self.image
        yield from self.command or ()
        yield from self.args or ()
        yield from self.environment.values()
        yield from (template for template in (self.working_dir, self.user) if template is not None)
        yield from self.files.values()
        yield from self.volume_sources


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """A step with its templates and its condition; ``render_step`` makes it concrete.

    ``mentioned_inputs`` are those that the container's templates name. A container that ``is_literal`` is the same in
    every scope.
    """

    step: Step
    container: CompiledContainer
    inputs: Mapping[str, CompiledValue] | None
    condition: Condition | None
    mentioned_inputs: tuple[str, ...]
    is_literal: bool

    @classmethod
    def of(cls, step: Step, conditions: ConditionCompiler) -> CompiledStep:
        """Compile a step of a checked definition."""
        container = CompiledContainer.of(step.container)
        references = [reference for template in container.templates() for reference in template.references]
        names = (reference.name for reference in references if reference.kind is Kind.INPUT)
        return cls(
            step=step,
            container=container,
            inputs=None if step.inputs is None else {name: compile_value(it) for name, it in step.inputs.items()},
            condition=None if step.when is None else conditions.compile(step.when),
            mentioned_inputs=tuple(dict.fromkeys(names)),
            is_literal=not references,
        )


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

    def render_outputs(self, scope: Scope) -> dict[str, JsonValue]:
        """Return the execution's outputs once its steps have ended; raises ``TemplateError``.

        Without ``outputs`` in the definition they are those of the last step, or of all last steps by their ids. A step
        is a last one if none depends on it.
        """
        if self.outputs is not None:
            return {name: value.render(scope) for name, value in self.outputs.items()}
        last = [self.graph.ids[i] for i in self.graph.sinks]
        if len(last) == 1:
            return _outputs(scope.steps.get(last[0]))
        return {step: _outputs(scope.steps.get(step)) for step in last if step in scope.steps}

    def secrets(self) -> frozenset[str]:
        """Return the names of the secrets that any step refers to."""
        return frozenset(_secrets(self.steps))


def _outputs(result: StepResult | None) -> dict[str, JsonValue]:
    return {} if result is None else dict(result.outputs)


def _secrets(steps: Iterable[CompiledStep]) -> Iterator[str]:
    for step in steps:
        if not step.is_literal:
            for template in step.container.templates():
                yield from (reference.name for reference in template.references if reference.kind is Kind.SECRET)

"""Templates: references inside the strings of a document, parsed once and rendered often.

``${inputs.NAME}``, ``${steps.ID.outputs.NAME}``, ``${steps.ID.status}``, ``${steps.ID.exit_code}``,
``${execution.id}``, ``${workflow.name}`` and ``${secrets.NAME}``, each also with ``:-default`` (taken if the value is
missing, null or empty, as in a shell) or ``:?message``. Any other ``${...}`` belongs to the shell and stays.
``$${`` writes a literal ``${``. What is put in is never scanned again.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiop.model.definition import ABSENT, Absent, JsonValue
from aiop.model.ids import StepId
from aiop.model.state import StepStatus

__all__ = [
    "NAME",
    "CompiledValue",
    "Kind",
    "Reference",
    "Scope",
    "StepResult",
    "Template",
    "TemplateError",
    "TemplateSyntaxError",
    "as_text",
    "compile_template",
    "compile_value",
    "render",
    "strings_of",
]


class TemplateError(Exception):
    """A reference has no value; the message is a sentence for people and holds no value."""


class TemplateSyntaxError(ValueError):
    """Something begins like a reference and is none."""


class Kind(enum.Enum):
    """What a reference refers to."""

    INPUT = "inputs"
    STEP_OUTPUT = "outputs"
    STEP_STATUS = "status"
    STEP_EXIT_CODE = "exit_code"
    EXECUTION_ID = "execution"
    WORKFLOW_NAME = "workflow"
    SECRET = "secrets"  # noqa: S105 - the name of a namespace


@dataclass(frozen=True, slots=True)
class StepResult:
    """What other steps may know of a step that has ended."""

    status: StepStatus
    exit_code: int | None = None
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scope:
    """The values that references and conditions see."""

    inputs: Mapping[str, JsonValue] = field(default_factory=dict)
    steps: Mapping[StepId, StepResult] = field(default_factory=dict)
    execution_id: str = ""
    workflow_name: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Reference:
    """One ``${...}``. ``name`` is that of the input, output or secret; ``step`` is set for steps."""

    kind: Kind
    name: str = ""
    step: StepId | None = None
    default: str | None = None
    message: str | None = None

    def __str__(self) -> str:
        """Write the reference without its default, as messages name it."""
        if self.step is not None:
            return (
                f"${{steps.{self.step}.outputs.{self.name}}}"
                if self.name
                else f"${{steps.{self.step}.{self.kind.value}}}"
            )
        tail = {Kind.EXECUTION_ID: "id", Kind.WORKFLOW_NAME: "name"}.get(self.kind, self.name)
        return f"${{{self.kind.value}.{tail}}}"

    def resolve(self, scope: Scope) -> JsonValue:
        """Return the value with its type; raises ``TemplateError`` if there is none and no default."""
        value = self._find(scope)
        if value is ABSENT or ((self.default is not None or self.message is not None) and value in (None, "")):
            if self.default is not None:
                return self.default
            if self.message:
                raise TemplateError(f"{self}: {self.message}")
            raise TemplateError(f"{self}{': there is no such secret' if self.kind is Kind.SECRET else ' has no value'}")
        return value

    def _find(self, scope: Scope) -> JsonValue | Absent:
        if self.step is not None:
            result = scope.steps.get(self.step)
            return ABSENT if result is None else self._find_in_step(result)
        match self.kind:
            case Kind.INPUT:
                return scope.inputs.get(self.name, ABSENT)
            case Kind.SECRET:
                return scope.secrets.get(self.name, ABSENT)
            case Kind.EXECUTION_ID:
                return scope.execution_id
            case _:
                return scope.workflow_name

    def _find_in_step(self, result: StepResult) -> JsonValue | Absent:
        if self.kind is Kind.STEP_OUTPUT:
            return result.outputs.get(self.name, ABSENT)
        if self.kind is Kind.STEP_STATUS:
            return result.status.value
        return ABSENT if result.exit_code is None else result.exit_code


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled string: literal pieces and references in turn."""

    parts: tuple[str | Reference, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references in the order in which they stand."""
        return tuple(part for part in self.parts if isinstance(part, Reference))

    @property
    def is_literal(self) -> bool:
        """Whether it renders to the same text in every scope."""
        return not any(isinstance(part, Reference) for part in self.parts)

    def render(self, scope: Scope) -> JsonValue:
        """Put the values in; a template that is exactly one reference gives its value with its type."""
        if len(self.parts) == 1:
            (part,) = self.parts
            return part if isinstance(part, str) else part.resolve(scope)
        return self.render_text(scope)

    def render_text(self, scope: Scope) -> str:
        """Put the values in, as text."""
        return "".join(part if isinstance(part, str) else as_text(part.resolve(scope)) for part in self.parts)


NAME = r"[A-Za-z_][A-Za-z0-9_-]{0,127}"
"""What an input, an output, a step or a secret can be called in a reference."""

_TOKEN = re.compile(
    r"""
      (?P<escape>\$\$\{)
    | \$\{ (?:
          inputs\.(?P<input>NAME)
        | steps\.(?P<step>NAME)\.(?:outputs\.(?P<output>NAME)|(?P<fact>status|exit_code))
        | secrets\.(?P<secret>NAME)
        | (?P<execution>execution\.id)
        | (?P<workflow>workflow\.name)
      )
      (?: :(?P<operator>[-?])(?P<argument>[^}]*) )? \}
    | (?P<broken>\$\{(?:inputs|steps|secrets|execution|workflow)\.)
    """.replace("NAME", NAME),
    re.VERBOSE,
)
_LONGEST_QUOTE = 80


def compile_template(text: str) -> Template:
    """Parse; raises ``TemplateSyntaxError`` for what begins like a reference and is none."""
    if "${" not in text:
        return Template((text,))
    parts: list[str | Reference] = []
    literal: list[str] = []
    position = 0
    for match in _TOKEN.finditer(text):
        literal.append(text[position : match.start()])
        position = match.end()
        if match["escape"]:
            literal.append("${")
        else:
            reference = _reference(match, text)
            if any(literal):
                parts.append("".join(literal))
            literal = []
            parts.append(reference)
    literal.append(text[position:])
    if any(literal) or not parts:
        parts.append("".join(literal))
    return Template(tuple(parts))


def _reference(match: re.Match[str], text: str) -> Reference:
    if match["broken"]:
        quoted = text[match.start() : match.start() + _LONGEST_QUOTE].partition("}")
        raise TemplateSyntaxError(f"Not a valid reference: {quoted[0]}{quoted[1]}")
    argument, operator = match["argument"], match["operator"]
    if argument is not None and "${" in argument:
        raise TemplateSyntaxError(f"A default or message cannot hold another `${{`: {match[0][:_LONGEST_QUOTE]}")
    kind, name = _target(match)
    return Reference(
        kind=kind,
        name=name,
        step=StepId(match["step"]) if match["step"] else None,
        default=argument if operator == "-" else None,
        message=argument if operator == "?" else None,
    )


def _target(match: re.Match[str]) -> tuple[Kind, str]:
    if match["step"]:
        return (Kind.STEP_OUTPUT, match["output"]) if match["output"] else (Kind(match["fact"]), "")
    if match["input"]:
        return Kind.INPUT, match["input"]
    if match["secret"]:
        return Kind.SECRET, match["secret"]
    return (Kind.EXECUTION_ID, "") if match["execution"] else (Kind.WORKFLOW_NAME, "")


def as_text(value: JsonValue) -> str:
    """Write a value inside text: strings as they are, everything else as compact JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class CompiledValue:
    """A JSON value whose strings, at any depth, were compiled; keys are not templates."""

    references: tuple[Reference, ...]
    render: Callable[[Scope], JsonValue]


def compile_value(value: JsonValue) -> CompiledValue:
    """Compile all strings in ``value``; raises ``TemplateSyntaxError``."""
    references: list[Reference] = []
    compiled = _compile(value, references)
    if not references:
        constant = compiled.parts[0] if isinstance(compiled, Template) else _render(compiled, Scope())
        return CompiledValue((), lambda _: constant)
    return CompiledValue(tuple(references), lambda scope: _render(compiled, scope))


def render(value: JsonValue, scope: Scope) -> JsonValue:
    """Render all strings in ``value``, which is not changed; see ``compile_value`` for doing it more than once."""
    return compile_value(value).render(scope)


def _compile(value: JsonValue, references: list[Reference]) -> Any:
    if isinstance(value, str):
        template = compile_template(value)
        references.extend(template.references)
        return template
    if isinstance(value, dict):
        return {key: _compile(item, references) for key, item in value.items()}
    if isinstance(value, list):
        return [_compile(item, references) for item in value]
    return value


def _render(compiled: Any, scope: Scope) -> JsonValue:
    if isinstance(compiled, Template):
        return compiled.render(scope)
    if isinstance(compiled, dict):
        return {key: _render(item, scope) for key, item in compiled.items()}
    if isinstance(compiled, list):
        return [_render(item, scope) for item in compiled]
    return compiled


def strings_of(value: JsonValue, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Walk over all strings in ``value`` that may hold templates, each with its place; never recurses."""
    stack: list[tuple[tuple[str | int, ...], JsonValue]] = [(path, value)]
    while stack:
        place, item = stack.pop()
        if isinstance(item, str):
            yield place, item
        elif isinstance(item, dict):
            stack.extend(((*place, str(key)), child) for key, child in reversed(item.items()))
        elif isinstance(item, list):
            stack.extend(((*place, index), item[index]) for index in range(len(item) - 1, -1, -1))

"""Every name that templates and conditions refer to, against what the document declares and what runs before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aiop.model.definition import JsonValue
from aiop.spec.conditions import ConditionCompiler, ConditionSyntaxError
from aiop.spec.faults import unknown_name
from aiop.spec.findings import Findings, Place
from aiop.spec.graph import Graph
from aiop.spec.outline import Outline, OutlineStep, as_object, texts_of_container
from aiop.spec.secrets import SECRET_HOLDERS
from aiop.spec.strict_json import MAX_DEPTH
from aiop.spec.templates import Kind, Reference, TemplateSyntaxError, compile_template, strings_of

__all__ = ["lint_references"]

MAX_REFERENCES = 100_000
MAX_CONDITIONS = 512 * 1024
_FACTS = ("status", "exit_code", "outputs")


def lint_references(outline: Outline, graph: Graph | None, findings: Findings) -> None:
    """Find references to what is unknown, and, given a graph (without cycles), to what may not be over then."""
    lint = _ReferenceLint(outline, findings)
    try:
        lint.check_workflow()
        for i, step in enumerate(outline.steps):
            if findings.full:
                return
            lint.check_step(i, step)
    except _TooMuchError as error:
        findings.add((), str(error))
        return
    if graph is not None:
        lint.check_ancestors(graph)


class _TooMuchError(Exception):
    """The document would take too long to check."""


@dataclass
class _ReferenceLint:
    outline: Outline
    findings: Findings
    conditions: ConditionCompiler = field(default_factory=ConditionCompiler)
    waits: dict[tuple[int, int], list[Place]] = field(default_factory=dict)
    """Who reads of whom, with the places where."""
    references: int = 0
    condition_texts: set[str] = field(default_factory=set)
    condition_size: int = 0

    def check_workflow(self) -> None:
        self.check_value(None, ("outputs",), as_object(self.outline.raw.get("outputs")), ())
        everywhere = [step.inputs.keys() for step in self.outline.steps]
        shared = set(everywhere[0]).intersection(*everywhere) if everywhere else set()
        for place, text in texts_of_container(self.outline.config):
            for reference in self.parse(("container_config", *place), text):
                here = ("container_config", *place)
                if reference.step is not None:
                    self.findings.add(here, "`container_config` holds for every step and cannot refer to one")
                self.check_name(here, reference, shared)
                self.check_secret(here, reference, allowed=place[0] in SECRET_HOLDERS)

    def check_step(self, i: int, step: OutlineStep) -> None:
        self.check_value(i, (*step.path, "inputs"), step.inputs, ())
        for place, text in texts_of_container(step.container):
            here = (*step.path, "container", *place)
            for reference in self.parse(here, text):
                self.check_reference(i, here, reference, step.inputs)
                self.check_secret(here, reference, allowed=place[0] in SECRET_HOLDERS)
        for name, output in as_object(step.raw.get("outputs")).items():
            self.check_depth((*step.path, "outputs", name, "default"), as_object(output).get("default"))
        when = step.raw.get("when")
        if isinstance(when, str) and when:
            self.check_condition(i, (*step.path, "when"), when)

    def check_value(self, i: int | None, place: Place, value: JsonValue, own_inputs: Iterable[str]) -> None:
        if not self.check_depth(place, value):
            return
        for here, text in strings_of(value, place):
            for reference in self.parse(here, text):
                self.check_reference(i, here, reference, own_inputs)
                self.check_secret(here, reference, allowed=False)

    def check_depth(self, place: Place, value: JsonValue) -> bool:
        """Values of any shape are rendered by recursion later."""
        level: list[Any] = [value]
        for _ in range(MAX_DEPTH):
            level = [
                child
                for item in level
                if isinstance(item, dict | list)
                for child in (item.values() if isinstance(item, dict) else item)
            ]
            if not level:
                return True
        self.findings.add(place, f"Nested deeper than {MAX_DEPTH} levels")
        return False

    def parse(self, place: Place, text: Any) -> tuple[Reference, ...]:
        if not isinstance(text, str) or "${" not in text:
            return ()
        try:
            references = compile_template(text).references
        except TemplateSyntaxError as error:
            self.findings.add(place, str(error))
            return ()
        self.references += len(references)
        if self.references > MAX_REFERENCES:
            raise _TooMuchError(f"More than {MAX_REFERENCES} references")
        return references

    def check_reference(self, i: int | None, place: Place, reference: Reference, own_inputs: Iterable[str]) -> None:
        self.check_name(place, reference, own_inputs)
        if reference.step is not None:
            self.check_step_name(i, place, reference.step)

    def check_secret(self, place: Place, reference: Reference, *, allowed: bool) -> None:
        if reference.kind is Kind.SECRET and not allowed:
            self.findings.add(place, "Secrets can be used only in `environment` and `files`")

    def check_name(self, place: Place, reference: Reference, own_inputs: Iterable[str]) -> None:
        if reference.kind is Kind.INPUT and reference.name not in own_inputs:
            self.check_input(place, reference.name, own_inputs)

    def check_input(self, place: Place, name: str, own_inputs: Iterable[str] = ()) -> None:
        declared = self.outline.declared_inputs
        if declared is not None and name not in declared:
            self.findings.add(place, unknown_name, "input", name, [*declared, *own_inputs])

    def check_step_name(self, i: int | None, place: Place, name: str) -> None:
        other = self.outline.index.get(name)
        if other is None:
            self.findings.add(place, unknown_name, "step", name, self.outline.index)
        elif i is not None:
            self.waits.setdefault((i, other), []).append(place)

    def check_condition(self, i: int, place: Place, text: str) -> None:
        self.count_condition(text)
        try:
            mentions = self.conditions.compile(text).mentions
        except ConditionSyntaxError as error:
            for message in error.messages:
                self.findings.add(place, message)
            return
        for name in sorted(filter(None, mentions.inputs)):
            self.check_input(place, name)
        for name in sorted(filter(None, mentions.execution)):
            if name != "id":
                self.findings.add(place, f"`execution` has no `{name}`, but `id`")
        for mention in sorted(mentions.steps, key=str):
            if mention.field is not None and mention.field not in _FACTS:
                self.findings.add(place, f"A step has no `{mention.field}`, but `status`, `exit_code` and `outputs`")
            if mention.step is not None:
                self.check_step_name(i, place, mention.step)

    def count_condition(self, text: str) -> None:
        """Compiling takes some microseconds for each character, but equal texts are compiled once."""
        if text not in self.condition_texts:
            self.condition_texts.add(text)
            self.condition_size += len(text)
        if self.condition_size > MAX_CONDITIONS:
            raise _TooMuchError(f"Different conditions of more than {MAX_CONDITIONS // 1024} KiB together")

    def check_ancestors(self, graph: Graph) -> None:
        ids = graph.ids
        for i, other in sorted(graph.non_ancestors(self.waits)):
            for place in self.waits[i, other]:
                message = f"Step `{ids[i]}` does not depend on `{ids[other]}`, which may not have ended then"
                self.findings.add(place, message)

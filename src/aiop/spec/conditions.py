"""Conditions (``when``): CEL over ``inputs``, ``steps``, ``execution``, and ``success()``, ``failure()``, ``always()``.

CEL has no loops without an end, and the library gives up after 10,000 iterations; ``cel_bounds`` sees
to it that an iteration stays small.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiop.model.definition import JsonValue
from aiop.model.ids import StepId
from aiop.spec.cel_bounds import Labour, bounds_faults, labour_of
from aiop.spec.cel_text import Mentions, StepMention, mentions_of, tokens_of
from aiop.spec.templates import Scope, StepResult

__all__ = ["Condition", "ConditionCompiler", "ConditionError", "ConditionSyntaxError"]

MAX_BYTES = 4096
MAX_DATA = 1024 * 1024
MAX_SEARCHED_DATA = 32 * 1024
MAX_ADDED_DATA = 16 * 1024 * 1024
MAX_WORK = 10**9
"""Terms times iterations times size: about a second."""
MAX_ITERATIONS = 10_000
"""The library's own limit."""

_COMPILE_ERROR = re.compile(r"ERROR: <input>:(-?[0-9]+):(-?[0-9]+): ([^\n]*)")
_LONGEST_MESSAGE = 300


class ConditionError(Exception):
    """The condition has no answer; the message is a sentence for people and holds no value."""


class ConditionSyntaxError(ValueError):
    """The text is no condition; ``messages`` has a sentence for each thing that is wrong."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


@dataclass(slots=True)
class _Facts:
    """What the three functions answer during one evaluation."""

    succeeded: bool = False
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition. Evaluate from one thread at a time, together with others of the same compiler."""

    text: str
    mentions: Mentions
    _labour: Labour
    _program: Any
    _facts: _Facts

    @property
    def handles_failure(self) -> bool:
        """Whether it is asked even if a dependency failed, because it mentions ``failure()`` or ``always()``."""
        return not self.mentions.functions.isdisjoint(("failure", "always"))

    def evaluate(self, scope: Scope, *, dependencies_succeeded: bool, dependency_failed: bool) -> bool:
        """Answer whether the step shall run; a condition that does not handle failure implies ``success()``.

        Raises ``ConditionError`` if it reads what does not exist, mixes types, is too laborious, or is not a boolean.
        """
        if not (dependencies_succeeded or self.handles_failure):
            return False
        data = _data(scope, self.mentions, self._labour)
        self._facts.succeeded, self._facts.failed = dependencies_succeeded, dependency_failed
        try:
            value = self._program.eval(data=data)
            answer, kind = value.plain_value(), value.type().name()
        except (RuntimeError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise ConditionError(_runtime_message(str(error))) from None
        if isinstance(answer, bool):
            return answer
        if "error" in kind.lower():
            raise ConditionError(_runtime_message(str(answer)))
        raise ConditionError(f"The condition gives a value of type {kind.lower()}, not true or false")


class ConditionCompiler:
    """Compiles the conditions of one definition; the library is loaded with the first one."""

    def __init__(self) -> None:
        self._facts = _Facts()
        self._env: Any = None
        self._bool_types: tuple[Any, ...] = ()
        self._compiled: dict[str, Condition] = {}

    def compile(self, text: str) -> Condition:
        """Compile and check types; raises ``ConditionSyntaxError``. Equal texts are compiled once."""
        if text not in self._compiled:
            self._compiled[text] = self._compile(text)
        return self._compiled[text]

    def _compile(self, text: str) -> Condition:
        _check_text(text)
        tokens = tokens_of(text)
        if faults := bounds_faults(tokens):
            raise ConditionSyntaxError(faults)
        if self._env is None:
            self._load()
        try:
            program = self._env.compile(text)
        except (RuntimeError, ValueError) as error:
            raise ConditionSyntaxError(_compile_messages(str(error))) from None
        kind = program.return_type()
        if kind not in self._bool_types:
            raise ConditionSyntaxError([f"Must give true or false, but gives {kind.name().lower()}"])
        return Condition(text, mentions_of(tokens), labour_of(tokens), program, self._facts)

    def _load(self) -> None:
        from cel_expr_python import cel  # 17 MB that only definitions with a condition need

        facts = self._facts
        functions = {"success": lambda: facts.succeeded, "failure": lambda: facts.failed, "always": lambda: True}
        values = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
        self._env = cel.NewEnv(
            variables={"inputs": values, "steps": values, "execution": values},
            functions=[
                cel.FunctionDecl(name, [cel.Overload(f"{name}_of_dependencies", cel.Type.BOOL, [], False, impl)])
                for name, impl in functions.items()
            ],
        )
        self._bool_types = (cel.Type.BOOL, cel.Type.DYN)


def _check_text(text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ConditionSyntaxError(["Must be text of valid Unicode characters"]) from None
    if size > MAX_BYTES:
        raise ConditionSyntaxError([f"A condition has at most {MAX_BYTES} bytes"])
    if "\0" in text:
        raise ConditionSyntaxError(["Must not hold a NUL character"])


def _data(scope: Scope, mentions: Mentions, labour: Labour) -> dict[str, Any]:
    """Pick what is mentioned: an evaluation must not cost more in a larger execution."""
    inputs: Mapping[str, JsonValue] = scope.inputs
    if None not in mentions.inputs:
        inputs = {name: value for name, value in inputs.items() if name in mentions.inputs}
    data = {
        "inputs": dict(inputs),
        "steps": _steps(scope.steps, mentions.steps),
        "execution": {"id": scope.execution_id},
    }
    _check_labour(labour, data)
    return data


def _check_labour(labour: Labour, data: JsonValue) -> None:
    size, items = _measure(data)
    if size > MAX_DATA:
        raise ConditionError(f"The condition reads values of more than {MAX_DATA // 1024} KiB")
    if labour.searches and size > MAX_SEARCHED_DATA:
        raise ConditionError(f"The condition searches in values of more than {MAX_SEARCHED_DATA // 1024} KiB")
    iterations = min(MAX_ITERATIONS, (items + labour.terms) ** min(labour.loops, 4))
    if labour.terms * iterations * size > MAX_WORK or labour.additions * size > MAX_ADDED_DATA:
        raise ConditionError("The condition does too much work on values of this size")


def _steps(results: Mapping[StepId, StepResult], mentions: frozenset[StepMention]) -> dict[str, Any]:
    picked: dict[str, dict[str, JsonValue]] = {}
    for name, field, output in ((it.step, it.field, it.output) for it in mentions):
        if name is None:
            return {step: _step(result, result.outputs) for step, result in results.items()}
        if (result := results.get(StepId(name))) is not None:
            outputs = picked.setdefault(name, {})
            if field in (None, "outputs"):
                wanted = result.outputs if output is None else (output,)
                outputs.update((key, result.outputs[key]) for key in wanted if key in result.outputs)
    return {name: _step(results[StepId(name)], outputs) for name, outputs in picked.items()}


def _step(result: StepResult, outputs: Mapping[str, JsonValue]) -> dict[str, Any]:
    return {"status": result.status.value, "exit_code": result.exit_code, "outputs": dict(outputs)}


def _measure(data: JsonValue) -> tuple[int, int]:
    """Return about how many bytes ``data`` has, and how many items; stops counting beyond ``MAX_DATA``."""
    stack = [data]
    size = items = 0
    while stack and size <= MAX_DATA:
        item = stack.pop()
        size += 8
        items += 1
        if isinstance(item, str):
            size += len(item)
        elif isinstance(item, Mapping):
            size += sum(map(len, item))
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return size, items


def _compile_messages(error: str) -> list[str]:
    found = [
        (f"At line {line}, column {column}: {text}" if int(line) > 0 else text)[:_LONGEST_MESSAGE]
        for line, column, text in _COMPILE_ERROR.findall(error.replace(" (in container '')", ""))
    ]
    return list(dict.fromkeys(found)) or [f"Not a condition: {error.splitlines()[0][:_LONGEST_MESSAGE]}"]


def _runtime_message(error: str) -> str:
    """Say what kind of error it was; the library's own text can hold values, which may be secret."""
    known = {
        "not found": "The condition reads a value that does not exist; has() can ask first",
        "index": "The condition reads a value that does not exist; has() can ask first",
        "no matching overload": "The condition uses an operator or function on types that it does not take",
        "no such overload": "The condition uses an operator or function on types that it does not take",
        "iteration budget": "The condition takes too many iterations",
        "zero": "The condition divides by zero",
        "out of range": "The condition meets a number that is out of range",
        "overflow": "The condition meets a number that is out of range",
    }
    lowered = error.lower()
    return next((text for mark, text in known.items() if mark in lowered), "The condition could not be evaluated")

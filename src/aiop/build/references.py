"""Values that are known only when the workflow runs, and conditions over them."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn, TypeAlias

__all__ = [
    "EXECUTION_ID",
    "WORKFLOW_NAME",
    "Condition",
    "Reference",
    "Scalar",
    "always",
    "failure",
    "secret",
    "success",
]

Scalar: TypeAlias = str | int | float | bool | None

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CEL_WORD = re.compile(
    "as|break|const|continue|else|false|for|function|if|import|in|let|loop|namespace|null|package|return|true|var|void|while"
)
"""Reserved by the language definition of CEL, so no names after a dot."""


class Reference:
    """A value of the running workflow: an input, an output of a step, ...

    As text it is the template that stands for the value, so it may be used in f-strings. Compared with ``== != < <= >
    >=`` it gives a ``Condition``.
    """

    __hash__ = None  # type: ignore[assignment] # what is equal is not known here

    def __init__(self, *path: str, cel: bool = True) -> None:
        self._path = path
        self._cel = cel

    @property
    def step(self) -> str | None:
        """The id of the step that gives the value, if one does."""
        return self._path[1] if self._path[0] == "steps" else None

    def or_else(self, text: str) -> str:
        """Refer to the value, or to ``text`` where there is none or it is empty."""
        return self._with("-", text)

    def or_fail(self, message: str) -> str:
        """Refer to the value; where there is none or it is empty, the step fails with this message."""
        return self._with("?", message)

    def is_in(self, *values: Scalar) -> Condition:
        """Ask whether the value is one of these."""
        return self._condition(f"in [{', '.join(map(_literal, values))}]")

    def expression(self) -> str:
        """Write the value as CEL knows it, for conditions that are written as text."""
        if not self._cel:
            raise TypeError(f"conditions cannot ask for {self}")
        first, *rest = self._path
        plain = (_WORD.fullmatch(name) and not _CEL_WORD.fullmatch(name) for name in rest)
        return first + "".join(
            f".{name}" if fine else f"[{_literal(name)}]" for name, fine in zip(rest, plain, strict=True)
        )

    def __str__(self) -> str:
        return f"${{{'.'.join(self._path)}}}"

    __repr__ = __str__

    def __eq__(self, other: Scalar | Reference) -> Condition:  # type: ignore[override]
        return self._compare("==", other)

    def __ne__(self, other: Scalar | Reference) -> Condition:  # type: ignore[override]
        return self._compare("!=", other)

    def __lt__(self, other: Scalar | Reference) -> Condition:
        return self._compare("<", other)

    def __le__(self, other: Scalar | Reference) -> Condition:
        return self._compare("<=", other)

    def __gt__(self, other: Scalar | Reference) -> Condition:
        return self._compare(">", other)

    def __ge__(self, other: Scalar | Reference) -> Condition:
        return self._compare(">=", other)

    def __bool__(self) -> NoReturn:
        raise _undecided(self)

    def _with(self, operator: str, text: str) -> str:
        if "}" in text or "${" in text:
            raise ValueError("what stands for a missing value cannot hold '}' or another reference")
        return f"${{{'.'.join(self._path)}:{operator}{text}}}"

    def _compare(self, operator: str, other: Scalar | Reference) -> Condition:
        if not isinstance(other, Reference):
            return self._condition(f"{operator} {_literal(other)}")
        return self._condition(f"{operator} {other.expression()}", *filter(None, [other.step]))

    def _condition(self, rest: str, *steps: str) -> Condition:
        return Condition(f"{self.expression()} {rest}", *filter(None, [self.step]), *steps)


class Condition:
    """A text of CEL that says whether a step runs, and the ``steps`` that it asks about. Joined with ``& | ~``."""

    def __init__(self, text: str, *steps: str) -> None:
        self.text = text
        self.steps = frozenset(steps)

    def __and__(self, other: Condition) -> Condition:
        return Condition(f"({self.text}) && ({other.text})", *self.steps, *other.steps)

    def __or__(self, other: Condition) -> Condition:
        return Condition(f"({self.text}) || ({other.text})", *self.steps, *other.steps)

    def __invert__(self) -> Condition:
        return Condition(f"!({self.text})", *self.steps)

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def __bool__(self) -> NoReturn:
        raise _undecided(self)


EXECUTION_ID = Reference("execution", "id")
WORKFLOW_NAME = Reference("workflow", "name", cel=False)


def secret(name: str) -> Reference:
    """Refer to a secret of the service; only in ``environment`` and ``files``."""
    return Reference("secrets", name, cel=False)


def success() -> Condition:
    """Ask whether no dependency failed; what a step without a condition asks."""
    return Condition("success()")


def failure() -> Condition:
    """Ask whether a dependency failed."""
    return Condition("failure()")


def always() -> Condition:
    """Run in any case."""
    return Condition("always()")


def _literal(value: Any) -> str:
    """Write a value as CEL, which takes JSON's texts, numbers and words."""
    if value is not None and not isinstance(value, str | int | float):
        raise TypeError(f"a condition compares with texts, numbers, true, false and null, not with {value!r}")
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _undecided(what: object) -> TypeError:
    return TypeError(f"{what} is known only when the workflow runs; give it as `when`, and join conditions with & | ~")

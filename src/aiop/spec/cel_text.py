"""What the text of a CEL expression mentions, found on its tokens: CEL's Python library shows no syntax tree.

Strings and comments are skipped. A comprehension variable that is named like one of ours is taken for ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Mentions", "StepMention", "Token", "calls_in", "closing", "mentions_of", "text_at", "tokens_of"]

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|//[^\n]*)
    | (?P<string>[rRbB]{0,2}(?:
          \"\"\"(?:\\.|[^\\])*?\"\"\" | '''(?:\\.|[^\\])*?'''
        | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
      ))
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<number>[0-9][A-Za-z0-9]*)
    | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """``kind`` is ``string``, ``name``, ``number`` or ``mark``."""

    kind: str
    text: str

    @property
    def literal(self) -> str | None:
        """The value of a plain string without escapes."""
        if self.kind != "string" or self.text[0] not in "\"'" or "\\" in self.text:
            return None
        quote = 3 if self.text[:3] in ('"""', "'''") else 1
        return self.text[quote:-quote]


@dataclass(frozen=True, slots=True)
class StepMention:
    """``steps.ID.FIELD``; ``None`` where the text does not say it, for all of them."""

    step: str | None
    field: str | None = None
    output: str | None = None


@dataclass(frozen=True, slots=True)
class Mentions:
    """The names that an expression reads. ``None`` among ``inputs`` or ``execution`` stands for all."""

    inputs: frozenset[str | None]
    steps: frozenset[StepMention]
    execution: frozenset[str | None]
    functions: frozenset[str]


def tokens_of(text: str) -> list[Token]:
    """Part the text; never fails, what cannot be is left to the compiler."""
    tokens = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "mark"
        if kind != "space":
            tokens.append(Token(kind, match[0]))
    return tokens


def mentions_of(tokens: Sequence[Token]) -> Mentions:
    """Collect what is mentioned."""
    inputs: set[str | None] = set()
    steps: set[StepMention] = set()
    execution: set[str | None] = set()
    for position in _variables(tokens):
        names = _selected(tokens, position + 1)
        match tokens[position].text:
            case "inputs":
                inputs.add(next(names, None))
            case "execution":
                execution.add(next(names, None))
            case "steps":
                steps.add(_step_mention(names))
    return Mentions(
        inputs=frozenset(inputs),
        steps=frozenset(steps),
        execution=frozenset(execution),
        functions=frozenset(calls_in(tokens)),
    )


def _variables(tokens: Sequence[Token]) -> Iterator[int]:
    for position, token in enumerate(tokens):
        if (
            token.kind == "name"
            and token.text in ("inputs", "steps", "execution")
            and text_at(tokens, position - 1) != "."
            and text_at(tokens, position + 1) != "("
        ):
            yield position


def _selected(tokens: Sequence[Token], position: int) -> Iterator[str]:
    """Read ``.name`` and ``["name"]`` one after the other, up to what is neither or is a method."""
    while True:
        mark = text_at(tokens, position)
        if mark == "." and position + 1 < len(tokens) and tokens[position + 1].kind == "name":
            if text_at(tokens, position + 2) == "(":
                return
            yield tokens[position + 1].text
            position += 2
        elif mark == "[" and text_at(tokens, position + 2) == "]":
            name = tokens[position + 1].literal
            if name is None:
                return
            yield name
            position += 3
        else:
            return


def _step_mention(names: Iterator[str]) -> StepMention:
    step, field, output = (next(names, None) for _ in range(3))
    return StepMention(step, field, output if field == "outputs" else None)


def calls_in(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the names of the functions and methods that are called."""
    for position, token in enumerate(tokens):
        if token.kind == "name" and text_at(tokens, position + 1) == "(":
            yield token.text


def closing(tokens: Sequence[Token], opening: int) -> int:
    """Return the position of the bracket that closes the one at ``opening``; the end if there is none."""
    depth = 0
    for position in range(opening, len(tokens)):
        if tokens[position].kind == "mark":
            depth += (tokens[position].text in "([{") - (tokens[position].text in ")]}")
            if not depth:
                return position
    return len(tokens)


def text_at(tokens: Sequence[Token], position: int) -> str | None:
    """Return the text of a token; ``None`` before the first and after the last."""
    return tokens[position].text if 0 <= position < len(tokens) else None

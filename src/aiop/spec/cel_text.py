"""What the text of a CEL expression mentions, found on its tokens: CEL's Python library shows no syntax tree.

Strings and comments are skipped. A comprehension variable that is named like one of ours is taken for ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Mentions", "StepMention", "bounds_faults", "mentions_of", "tokens_of"]

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
_LOOPS = frozenset({"all", "exists", "exists_one", "existsOne", "filter"})
_REPETITION = re.compile(r"\{([0-9]+)(?:,([0-9]*))?\}")
_MAX_PATTERN = 256
_MAX_REPETITION = 100


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
    laborious: bool
    """It loops, adds, or searches for something that is not written out: its cost may exceed the size of its data."""


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
        functions=frozenset(_calls(tokens)),
        laborious=_is_laborious(tokens),
    )


def bounds_faults(tokens: Sequence[Token]) -> list[str]:
    """Name what is refused because CEL's own limit on iterations does not bound its memory or time."""
    faults = []
    calls = set(_calls(tokens))
    if "map" in calls:
        faults.append("map() is not available in conditions; exists(), all() and filter() are")
    if any(token.text == "+" for token in _within_loops(tokens)):
        faults.append("`+` cannot be used inside exists(), all() and filter()")
    if any(token.kind == "name" and token.text == "matches" for token in _within_loops(tokens)):
        faults.append("matches() cannot be used inside exists(), all() and filter()")
    for position, token in enumerate(tokens):
        if token.kind == "name" and token.text == "matches" and _text_at(tokens, position + 1) == "(":
            faults.extend(_pattern_faults(tokens, position))
    return list(dict.fromkeys(faults))


def _pattern_faults(tokens: Sequence[Token], call: int) -> Iterator[str]:
    """The pattern is the last argument, of a method and of a function alike."""
    end = _closing(tokens, call + 1)
    pattern = tokens[end - 1] if end - 1 > call + 1 else None
    before = _text_at(tokens, end - 2)
    if pattern is None or pattern.kind != "string" or before not in ("(", ","):
        yield "The pattern of matches() must be written out as a string"
        return
    counts = [int(number[:9]) for match in _REPETITION.finditer(pattern.text) for number in match.groups() if number]
    if len(pattern.text) > _MAX_PATTERN or len(counts) > 8 or any(count > _MAX_REPETITION for count in counts):
        yield f"The pattern of matches() is limited to {_MAX_PATTERN} characters and repetitions of {_MAX_REPETITION}"


def _variables(tokens: Sequence[Token]) -> Iterator[int]:
    for position, token in enumerate(tokens):
        if (
            token.kind == "name"
            and token.text in ("inputs", "steps", "execution")
            and _text_at(tokens, position - 1) != "."
            and _text_at(tokens, position + 1) != "("
        ):
            yield position


def _selected(tokens: Sequence[Token], position: int) -> Iterator[str]:
    """Read ``.name`` and ``["name"]`` one after the other, up to what is neither or is a method."""
    while True:
        mark = _text_at(tokens, position)
        if mark == "." and position + 1 < len(tokens) and tokens[position + 1].kind == "name":
            if _text_at(tokens, position + 2) == "(":
                return
            yield tokens[position + 1].text
            position += 2
        elif mark == "[" and _text_at(tokens, position + 2) == "]":
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


def _calls(tokens: Sequence[Token]) -> Iterator[str]:
    for position, token in enumerate(tokens):
        if token.kind == "name" and _text_at(tokens, position + 1) == "(":
            yield token.text


def _within_loops(tokens: Sequence[Token]) -> Iterator[Token]:
    end = 0
    for position, token in enumerate(tokens):
        if position < end:
            yield token
        elif token.text in _LOOPS and _text_at(tokens, position - 1) == "." and _text_at(tokens, position + 1) == "(":
            end = _closing(tokens, position + 1)


def _is_laborious(tokens: Sequence[Token]) -> bool:
    if any(token.text == "+" for token in tokens) or _LOOPS.union({"matches"}).intersection(_calls(tokens)):
        return True
    searches = (i for i, token in enumerate(tokens) if token.text == "contains" and _text_at(tokens, i + 1) == "(")
    return any(i + 2 >= len(tokens) or tokens[i + 2].kind != "string" for i in searches)


def _closing(tokens: Sequence[Token], opening: int) -> int:
    depth = 0
    for position in range(opening, len(tokens)):
        if tokens[position].kind == "mark":
            depth += (tokens[position].text in "([{") - (tokens[position].text in ")]}")
            if not depth:
                return position
    return len(tokens)


def _text_at(tokens: Sequence[Token], position: int) -> str | None:
    return tokens[position].text if 0 <= position < len(tokens) else None

"""What bounds the cost of a CEL expression.

The library gives up after 10,000 iterations, but an iteration may take long, and what it makes may grow with each one.
So loops may not build anything, and what an evaluation costs is estimated from its terms, its loops and its data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aiop.spec.cel_text import Token, calls_in, closing, text_at

__all__ = ["Labour", "bounds_faults", "labour_of"]

_LOOPS = frozenset({"all", "exists", "exists_one", "existsOne", "filter"})
_CONSTANTS = frozenset({"true", "false", "null"})
_REPETITION = re.compile(r"\{([0-9]+)(?:,([0-9]*))?\}")
_MAX_PATTERN = 256
_MAX_PROGRAM = 2000


@dataclass(frozen=True, slots=True)
class Labour:
    """What makes an evaluation cost more than one look at its data.

    ``searches``: it matches patterns, or looks for a text that is not written out.
    """

    terms: int
    loops: int
    additions: int
    searches: bool


def labour_of(tokens: Sequence[Token]) -> Labour:
    """Count what costs."""
    calls = list(calls_in(tokens))
    searches = (i for i, token in enumerate(tokens) if token.text == "contains" and text_at(tokens, i + 1) == "(")
    return Labour(
        terms=sum(1 for token in tokens if token.kind != "mark"),
        loops=sum(1 for call in calls if call in _LOOPS),
        additions=sum(1 for token in tokens if token.text == "+"),
        searches="matches" in calls or any(i + 2 >= len(tokens) or tokens[i + 2].kind != "string" for i in searches),
    )


def bounds_faults(tokens: Sequence[Token]) -> list[str]:
    """Name what is refused because CEL's own limit on iterations does not bound its memory or time."""
    faults = []
    calls = set(calls_in(tokens))
    if "map" in calls:
        faults.append("map() is not available in conditions; exists(), all() and filter() are")
    for start, end in _loop_bodies(tokens):
        body = tokens[start:end]
        if any(token.text == "+" for token in body):
            faults.append("`+` cannot be used inside exists(), all() and filter()")
        if any(token.kind == "name" and token.text == "matches" for token in body):
            faults.append("matches() cannot be used inside exists(), all() and filter()")
        if _builds_collections(tokens, start, end):
            faults.append("A list or map inside exists(), all() and filter() can hold only constants")
    for position, token in enumerate(tokens):
        if token.kind == "name" and token.text == "matches" and text_at(tokens, position + 1) == "(":
            faults.extend(_pattern_faults(tokens, position))
    return list(dict.fromkeys(faults))


def _pattern_faults(tokens: Sequence[Token], call: int) -> Iterator[str]:
    """The pattern is the last argument, of a method and of a function alike."""
    end = closing(tokens, call + 1)
    pattern = tokens[end - 1] if end - 1 > call + 1 else None
    before = text_at(tokens, end - 2)
    if pattern is None or pattern.kind != "string" or before not in ("(", ","):
        yield "The pattern of matches() must be written out as a string"
        return
    if len(pattern.text) > _MAX_PATTERN or _program_size(pattern.text) > _MAX_PROGRAM:
        yield f"The pattern of matches() has too many repetitions, or more than {_MAX_PATTERN} characters"


def _program_size(pattern: str) -> int:
    """Estimate how long the automaton of ``pattern`` is: repeated groups multiply it, repeated characters add to it."""
    size, factor = len(pattern), 1
    for match in _REPETITION.finditer(pattern):
        count = max(int(number[:9]) for number in match.groups() if number)
        if pattern[match.start() - 1] == ")":
            factor *= max(count, 1)
        else:
            size += count
    return size * factor


def _loop_bodies(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Yield where the arguments of the outermost loops begin and end."""
    end = 0
    for position, token in enumerate(tokens):
        if (
            position >= end
            and token.text in _LOOPS
            and text_at(tokens, position - 1) == "."
            and text_at(tokens, position + 1) == "("
        ):
            end = closing(tokens, position + 1)
            yield position + 2, end


def _builds_collections(tokens: Sequence[Token], start: int, end: int) -> bool:
    """Whether there is a written-out list or map that holds a variable: nested, these multiply."""
    return any(
        token.kind == "name" and token.text not in _CONSTANTS
        for opening in range(start, end)
        if tokens[opening].text == "{" or (tokens[opening].text == "[" and not _ends_value(tokens[opening - 1]))
        for token in tokens[opening : closing(tokens, opening)]
    )


def _ends_value(token: Token) -> bool:
    """Whether a bracket after ``token`` is an index."""
    return (token.kind == "name" and token.text != "in") or token.kind == "string" or token.text in (")", "]", "}")

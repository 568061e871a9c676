"""Putting changed fields into a JSON text without touching the others."""

from __future__ import annotations

import json

__all__ = ["members", "merge"]

_DECODER = json.JSONDecoder()
_BLANK = " \t\n\r"


def members(text: str) -> dict[str, str]:
    """Split the text of a valid JSON object into its members, each value as text, exactly as written."""
    found: dict[str, str] = {}
    at = _skip(text, text.index("{") + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # the colon
        _, end = _DECODER.raw_decode(text, at)
        found[name] = text[at:end]
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found


def merge(base: str, patch: str) -> str:
    """Return ``base`` with each member of ``patch`` in the place of its namesake, new ones at the end."""
    merged = members(base) | members(patch)
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in merged.items()) + "}"


def _skip(text: str, at: int) -> int:
    while text[at] in _BLANK:
        at += 1
    return at

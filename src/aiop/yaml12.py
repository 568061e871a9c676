"""YAML 1.2 (core schema) to plain data: safe, bounded, and with every key once.

PyYAML's own rules are those of YAML 1.1, in which the key `on` of a retry is true, 1:30 is ninety and a date is no
text. Infinity and NaN stay text: JSON has no form for them.
"""

from __future__ import annotations

import functools
import re
from typing import Any, Protocol

import yaml

__all__ = ["YamlError", "load", "new_loader"]

MAX_DEPTH = 100
MAX_NODES = 1_000_000
"""Nodes of a document once its aliases are written out."""

_MERGE = "tag:yaml.org,2002:merge"

# The core schema (YAML 1.2.2, 10.3.2), and the merge key.
_SCALARS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ("~", "n", "N", "")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("merge", "<<", "<"),
)


class YamlError(ValueError):
    """The text is not YAML, or more than is read; ``line`` counts from 1, if it is known where."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class Loader(Protocol):
    """What is used of PyYAML's loaders."""

    def get_single_node(self) -> Any: ...
    def get_single_data(self) -> Any: ...


def load(text: str) -> Any:
    """Read one document as plain data; raises ``YamlError`` for what is faulty, too deep or too large."""
    try:
        _bound(text)
        return new_loader(text).get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(str(error.problem or error.context), mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:
        raise YamlError(str(error)) from None
    except YamlError:
        raise
    except (ValueError, OverflowError) as error:  # an integer of too many digits, a time that is none
        raise YamlError(str(error)) from None


def new_loader(text: str) -> Loader:
    """Make a loader for this text, which has not been bounded; for texts of the user's own."""
    loader: Loader = _loader_class()(text)
    return loader


def _bound(text: str) -> None:
    """Go through the events of a text, which nest nothing in the interpreter, and refuse what would explode."""
    scales = _Scales()
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        fault = scales.take(event)
        if fault is not None:
            raise YamlError(fault, event.start_mark.line + 1 if event.start_mark else None)


class _Scales:
    """Counts the nodes of a document as if its aliases were written out."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._open: list[tuple[str | None, int]] = []
        self._total = 0

    def take(self, event: yaml.Event) -> str | None:
        """Take the next event; returns what is wrong, if anything is."""
        match event:
            case yaml.AliasEvent(anchor=anchor):
                if anchor not in self._sizes:
                    return f"the alias *{anchor} names nothing that is complete here"
                self._total += self._sizes[anchor]
            case yaml.CollectionStartEvent(anchor=anchor):
                self._open.append((anchor, self._total))
                self._total += 1
            case yaml.CollectionEndEvent():
                anchor, before = self._open.pop()
                self._note(anchor, self._total - before)
            case yaml.ScalarEvent(anchor=anchor):
                self._total += 1
                self._note(anchor, 1)
        if len(self._open) > MAX_DEPTH:
            return f"nested deeper than {MAX_DEPTH} levels"
        if self._total > MAX_NODES:
            return f"more than {MAX_NODES} values once its aliases are written out"
        return None

    def _note(self, anchor: str | None, size: int) -> None:
        if anchor is not None:
            self._sizes[anchor] = size


@functools.cache
def _loader_class() -> Any:
    class CoreLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's way

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            seen = set()
            for key, _ in node.value:
                if key.tag != _MERGE and isinstance(key, yaml.ScalarNode):
                    if key.value in seen:
                        raise yaml.constructor.ConstructorError(
                            problem=f"the key {key.value!r} comes twice", problem_mark=key.start_mark
                        )
                    seen.add(key.value)
            mapping: dict[Any, Any] = super().construct_mapping(node, deep)
            return mapping

    for tag, pattern, first in _SCALARS:
        CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first))
    CoreLoader.add_constructor("tag:yaml.org,2002:int", _integer)
    return CoreLoader


def _integer(_: Any, node: yaml.ScalarNode) -> int:
    text = str(node.value)
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)

"""Workflow files: YAML 1.2 or JSON in, plain data out, and where in the file each part stands."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from aiop.cli.exits import Exit, Failure
from aiop.errors import Fault
from aiop.yaml12 import YamlError, load, new_loader

__all__ = ["Document", "is_file_name", "read_document"]


class Document:
    """What a file holds. ``name`` is how it is called in messages, ``place`` where it is in what is uploaded."""

    def __init__(self, name: str, text: str, data: dict[str, Any]) -> None:
        self.name = name
        self.place = name
        self.data = data
        self._text = text

    def located(self, faults: Sequence[Fault]) -> list[str]:
        """Write each fault as ``file:line: field: message``, in the order of the file."""
        lines = [(self._line(fault.field), fault) for fault in faults]
        lines.sort(key=lambda pair: pair[0] or 0)
        return [self._sentence(line, fault) for line, fault in lines]

    def _sentence(self, line: int | None, fault: Fault) -> str:
        place = self.name if line is None else f"{self.name}:{line}"
        return ": ".join(part for part in (place, fault.field, fault.message) if part)

    def _line(self, field: str) -> int | None:
        """Return the line of a field, or of the innermost thing around it that the file does have."""
        node = self._root
        if node is None:
            return None
        mark, rest = node.start_mark, field
        while rest and (found := _descend(node, rest)):
            mark, node, rest = found
        return int(mark.line) + 1

    @functools.cached_property
    def _root(self) -> Any:
        try:
            return new_loader(self._text).get_single_node()
        except yaml.YAMLError:  # JSON may be what YAML is not: with tabs, say
            return None


def is_file_name(text: str) -> bool:
    """Whether this names a file rather than something stored: it looks like one, or is there."""
    return text == "-" or "/" in text or text.endswith((".yaml", ".yml", ".json")) or Path(text).is_file()


def read_document(name: str) -> Document:
    """Read a file, or the standard input for ``-``; raises ``Failure`` if it holds no mapping."""
    shown = "<stdin>" if name == "-" else name
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except OSError as error:
        hint = "Name a file that is there and that you may read, or - for stdin."
        raise Failure(Exit.USAGE, f"cannot read {name}: {error.strerror}", hint=hint) from error
    except UnicodeDecodeError as error:
        raise Failure(Exit.USAGE, f"{shown} is not text in UTF-8", hint="Save it as UTF-8.") from error
    data = _parse(text, shown)
    if not isinstance(data, dict):
        hint = "It must hold names with values, like `name: hello`."
        raise Failure(Exit.USAGE, f"{shown} does not hold a mapping", hint=hint)
    return Document(shown, text, data)


def _parse(text: str, name: str) -> Any:
    try:
        if name.endswith(".json") or text.lstrip().startswith("{"):
            return json.loads(text, object_pairs_hook=_unique)
    except ValueError as error:
        if name.endswith(".json"):
            hint = "Correct it there; a file that ends in .yaml may be YAML."
            raise Failure(Exit.USAGE, f"{name} is not valid JSON: {error}", hint=hint) from error
    try:
        data = load(text)
        json.dumps(data, allow_nan=False)
    except YamlError as error:
        place = f"{name}:{error.line}: not" if error.line else f"{name} is not"
        raise Failure(
            Exit.USAGE, f"{place} valid YAML: {error}", hint="Correct it there; the file is YAML 1.2."
        ) from error
    except (TypeError, ValueError, RecursionError) as error:
        hint = "Use texts, numbers, true, false, null, lists and mappings."
        raise Failure(Exit.USAGE, f"{name} holds a value that JSON has no form for: {error}", hint=hint) from error
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} comes twice in one object")
    return found


def _descend(node: Any, path: str) -> tuple[Any, Any, str] | None:
    """Go one name or index down; returns its mark, its node and the rest of the path."""
    path = path.removeprefix(".")
    for name, mark, value in _children(node):
        rest = path.removeprefix(name)
        if path.startswith(name) and (not rest or rest[0] in ".["):
            return mark, value, rest
    return None


def _children(node: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(node, yaml.MappingNode):
        # names may hold dots (of files, say): the longest that fits is meant
        pairs = sorted(node.value, key=lambda pair: -len(str(pair[0].value)))
        yield from ((str(key.value), key.start_mark, value) for key, value in pairs)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((f"[{index}]", item.start_mark, item) for index, item in enumerate(node.value))

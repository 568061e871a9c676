"""From JSON to the frozen dataclasses of ``results``. Fields that a dataclass lacks are ignored, so that a newer
service can say more than this client knows; ``raw``, where there is one, keeps the answer whole.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

__all__ = ["decode"]

T = TypeVar("T")
Reader = Callable[[Any], Any]


def decode(kind: type[T], value: Any) -> T:
    """Read a JSON object as the dataclass ``kind``; raises ``TypeError``, ``ValueError`` or ``KeyError``."""
    hashable: typing.Hashable = typing.cast("typing.Hashable", kind)
    result: T = _reader(hashable)(value)
    return result


@functools.cache
def _reader(kind: typing.Hashable) -> Reader:
    """Make the function that reads a value of the annotated type ``kind``."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _optional(_reader(next(arg for arg in args if arg is not types.NoneType)))
    if origin is tuple:
        item = _reader(args[0])
        return lambda value: tuple(item(element) for element in value)
    if origin is not None and issubclass(origin, Mapping):
        item = _reader(args[1])
        return lambda value: {key: item(element) for key, element in value.items()}
    if dataclasses.is_dataclass(kind):
        return _dataclass(typing.cast("type", kind))
    if kind is datetime:
        return datetime.fromisoformat
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind
    return lambda value: value


def _optional(read: Reader) -> Reader:
    return lambda value: None if value is None else read(value)


def _dataclass(kind: type) -> Reader:
    hints = typing.get_type_hints(kind)
    fields = [field for field in dataclasses.fields(kind) if field.init]
    readers = {field.name: _reader(hints[field.name]) for field in fields if field.name != "raw"}
    keeps_raw = any(field.name == "raw" for field in fields)

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise TypeError(f"{kind.__name__} is made of an object, not of {type(value).__name__}")
        known = {name: reader(value[name]) for name, reader in readers.items() if name in value}
        return kind(**known, raw=value) if keeps_raw else kind(**known)

    return read

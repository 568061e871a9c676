"""What a step leaves behind: the file named by ``AIOP_OUTPUT``, and the outputs that it declared."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiop.errors import InvalidRequest
from aiop.model.definition import ABSENT, Absent, JsonValue, OutputDeclaration, OutputType, Step
from aiop.model.run import OUTPUT_LIMIT, Outcome, OutputFile
from aiop.model.state import Reason
from aiop.spec.schema import FIELD_NAME
from aiop.spec.strict_json import parse_json

__all__ = ["OutputError", "ReadOutputs", "parse_output_file", "read_outputs"]

RESULT = "result"
_NAME = re.compile(FIELD_NAME)
_ASSIGNMENT = re.compile(r"([^=<]*)(=|<<)(.*)", re.DOTALL)


class OutputError(ValueError):
    """An output cannot be read; the message is a sentence for people and holds no value."""


@dataclass(frozen=True, slots=True)
class ReadOutputs:
    """The outputs that could be read. ``reason`` and ``error`` say what is wrong with another one, if anything is.

    An attempt that failed by itself keeps its own reason; this one is for those that would have completed.
    """

    values: dict[str, JsonValue]
    reason: Reason | None = None
    error: str | None = None
    sensitive: frozenset[str] = field(default=frozenset())
    """Names, among ``values``, of those that nobody may read."""


def parse_output_file(data: bytes) -> dict[str, JsonValue]:
    """Read one JSON object, or lines ``name=value`` and blocks ``name<<END`` ... ``END``; the last of a name counts.

    Values of lines and blocks are strings, taken as they stand. Raises ``OutputError`` naming the line.
    """
    if data.lstrip()[:1] == b"{":
        values = _parse_object(data)
    else:
        try:
            values = _parse_lines(data.decode("utf-8"))
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise OutputError(f"The output file is not UTF-8 in line {line}") from None
    for name, value in values.items():
        _check_size(name, value)
    return values


def _parse_object(data: bytes) -> dict[str, JsonValue]:
    try:
        values = parse_json(data)
    except InvalidRequest as error:
        raise OutputError(f"The output file begins like a JSON object: {error.faults[0].message}") from None
    for name in values:
        if not _NAME.fullmatch(name):
            raise OutputError(f"The output file has a bad name of an output: {name[:100]!r}")
    return dict(values)


def _parse_lines(text: str) -> dict[str, JsonValue]:
    values: dict[str, JsonValue] = {}
    lines = iter(enumerate(text.split("\n"), start=1))
    for number, ended_line in lines:
        line = ended_line.removesuffix("\r")
        if not line.strip():
            continue
        match = _ASSIGNMENT.fullmatch(line)
        if match is None or not _NAME.fullmatch(match[1]):
            raise OutputError(f"Line {number} of the output file is neither `name=value` nor `name<<END`")
        name, operator, rest = match.groups()
        if operator == "=":
            values[name] = rest
            continue
        if not rest:
            raise OutputError(f"Line {number} of the output file begins a block without naming its end")
        block: list[str] = []
        for _, ended_block_line in lines:
            block_line = ended_block_line.removesuffix("\r")
            if block_line == rest:
                break
            block.append(block_line)
        else:
            raise OutputError(f"The block that begins in line {number} of the output file has no end")
        values[name] = "\n".join(block)
    return values


def _check_size(name: str, value: JsonValue) -> None:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Only a text this long can be too long in bytes: a character takes at most four.
    if len(text) * 4 > OUTPUT_LIMIT and len(text.encode("utf-8", "surrogatepass")) > OUTPUT_LIMIT:
        raise OutputError(f"The output `{name}` is larger than {OUTPUT_LIMIT} bytes")


def read_outputs(step: Step, outcome: Outcome, *, result: str | None = None) -> ReadOutputs:
    """Put together the outputs of one attempt: ``result``, what the output file says, what was declared.

    ``result`` is the trimmed stdout. A declared output without ``path`` is looked for in the output file, and one
    that is named ``result`` in stdout at last. Never raises: a bad output is left out and reported.
    """
    values: dict[str, JsonValue] = {} if result is None else {RESULT: result}
    faults: list[tuple[Reason, str]] = []
    try:
        values.update(_read_file(outcome.output_file))
    except OutputError as error:
        faults.append((Reason.OUTPUT_INVALID, str(error)))
    for name, declaration in step.outputs.items():
        try:
            found = _find(declaration, outcome.outputs, values)
        except OutputError as error:
            values.pop(name, None)
            faults.append((Reason.OUTPUT_INVALID, str(error)))
            continue
        if found is ABSENT:
            values.pop(name, None)
            where = f"at {declaration.path}" if declaration.path else "in the output file"
            faults.append((Reason.OUTPUT_MISSING, f"The declared output `{name}` was not found {where}"))
        else:
            values[name] = found
    sensitive = frozenset(name for name, it in step.outputs.items() if it.sensitive and name in values)
    first_reason, first_error = faults[0] if faults else (None, None)
    return ReadOutputs(values, first_reason, first_error, sensitive)


def _read_file(file: OutputFile | None) -> dict[str, JsonValue]:
    if file is None:
        return {}
    if file.content is None:
        raise OutputError(f"The output file cannot be read: {file.error or 'it is no regular file'}")
    return parse_output_file(file.content)


def _find(
    declaration: OutputDeclaration, files: Mapping[str, OutputFile], values: Mapping[str, JsonValue]
) -> JsonValue | Absent:
    if declaration.path is None:
        value = values.get(declaration.name, ABSENT)
    else:
        file = files.get(declaration.name)
        value = ABSENT if file is None else _text_of(declaration.name, file)
    if value is ABSENT:
        return declaration.default
    if declaration.type is OutputType.JSON and isinstance(value, str):
        return _parse_value(declaration.name, value)
    return value


def _text_of(name: str, file: OutputFile) -> str:
    if file.content is None:
        raise OutputError(f"The output `{name}` cannot be read: {file.error or 'it is no regular file'}")
    if len(file.content) > OUTPUT_LIMIT:
        raise OutputError(f"The output `{name}` is larger than {OUTPUT_LIMIT} bytes")
    try:
        text = file.content.decode("utf-8")
    except UnicodeDecodeError:
        raise OutputError(f"The output `{name}` is not UTF-8") from None
    return text.removesuffix("\n").removesuffix("\r")


def _parse_value(name: str, text: str) -> JsonValue:
    try:
        return parse_json(text.encode("utf-8", "surrogatepass"))
    except InvalidRequest as error:
        raise OutputError(f"The output `{name}` is declared as JSON: {error.faults[0].message}") from None

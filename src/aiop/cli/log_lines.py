"""Prints log lines."""

from __future__ import annotations

import json
import sys

from aiop.cli.options import Format
from aiop.cli.output import yaml_text
from aiop.client import LogLine

__all__ = ["LogPrinter"]


class LogPrinter:
    """Writes each line behind the name of its step, or alone if there is one step only.

    Lines are written as the container wrote them: a program that colours its output does so here too.
    """

    def __init__(self, output: Format, *, alone: bool, timestamps: bool) -> None:
        self._output = output
        self._alone = alone
        self._timestamps = timestamps
        self._width = 0

    def print(self, line: LogLine) -> None:
        """Write one line at once."""
        sys.stdout.write(self._form(line) + "\n")
        sys.stdout.flush()

    def _form(self, line: LogLine) -> str:
        if self._output is Format.JSON:
            return json.dumps(line.raw, ensure_ascii=False)
        if self._output is Format.YAML:
            return f"---\n{yaml_text(line.raw)}".rstrip("\n")
        time = f"{line.at.isoformat(timespec='milliseconds').replace('+00:00', 'Z')} " if self._timestamps else ""
        if self._alone:
            return f"{time}{line.text}"
        self._width = max(self._width, len(line.step))
        return f"{time}{line.step:<{self._width}} | {line.text}"

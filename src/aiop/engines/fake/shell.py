"""A shell of a few words, so that what a fake container does can be written as the command it would run.

Known: ``echo``, ``printf '%s'``, ``cat FILE``, ``rm [-f] FILE``, ``sleep N``, ``exit N``, ``true``, ``false``,
``trap '' TERM``, ``test`` or ``[`` with ``=``, ``!=``, ``-ge``, ``-lt``, ``-f``; ``$NAME``; ``>``, ``>>``, ``>&2``;
lines, ``;``, ``&&``, ``||``.
The text is run at the start, so ``sleep`` becomes a pause in the script and nothing can react to what happens later.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

from aiop.engines.fake.script import Act, Pause, Print, Remove, Save, Script
from aiop.model.records import Stream

__all__ = ["interpret"]

_WORDS = frozenset({"echo", "printf", "cat", "rm", "sleep", "exit", "true", "false", "test", "[", "trap", ":"})
_VARIABLE = re.compile(r"'[^']*'|\$\{(\w+)\}|\$(\w+)")
_PLACE = re.compile("\ue000(\\d+)\ue001")
_OPERATORS = frozenset({";", "&&", "||"})


class _Exit(Exception):
    """``exit`` was reached."""


def interpret(
    words: Sequence[str],
    environment: Mapping[str, str],
    files: Mapping[str, bytes],
    *,
    directory: str = "",
    read: Callable[[str], bytes | None] = lambda _: None,
) -> Script:
    """Turn a command into a script; a command that is no ``sh -c`` and not known does nothing and ends with 0.

    Paths are taken from ``directory``; what is not in ``files`` is asked of ``read``.
    """
    if list(words[:2]) == ["sh", "-c"] and len(words) > 2:
        text = words[2]
    elif words and words[0] in _WORDS:
        text = shlex.join(words)
    else:
        return Script()
    shell = _Shell(environment, files, directory, read)
    try:
        for line in text.splitlines():
            shell.run_line(line)
    except _Exit:
        pass
    return Script(exit_code=shell.status, acts=tuple(shell.acts), ignores_term=shell.ignores_term)


class _Shell:
    def __init__(
        self,
        environment: Mapping[str, str],
        files: Mapping[str, bytes],
        directory: str,
        read: Callable[[str], bytes | None],
    ) -> None:
        self.environment = environment
        self.files: dict[str, bytes | None] = dict(files)
        self.directory = directory
        self.read = read
        self.acts: list[Act] = []
        self.status = 0
        self.ignores_term = False

    def run_line(self, line: str) -> None:
        for operator, words in _commands(self._split(line)):
            if (operator == "&&" and self.status) or (operator == "||" and not self.status):
                continue
            self._run(words)

    def _split(self, line: str) -> list[str]:
        """Split into words; a variable's value stays one word's part and is not read for operators."""
        values: list[str] = []

        def hide(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            if name is None:
                return match[0]
            values.append(self.environment.get(name, ""))
            return f"\ue000{len(values) - 1}\ue001"

        lexer = shlex.shlex(_VARIABLE.sub(hide, line), posix=True, punctuation_chars=";&|>")
        lexer.whitespace_split = True
        return [_PLACE.sub(lambda place: values[int(place[1])], word) for word in lexer]

    def _run(self, words: list[str]) -> None:
        words, target, append = _redirection(words)
        if not words:
            return
        name, rest = words[0], words[1:]
        self.status = 0
        match name:
            case "echo" | "printf":
                text = " ".join(rest) + "\n" if name == "echo" else rest[-1]
                self._write(text, target, append)
            case "cat":
                self._cat(rest, target, append)
            case "rm":
                self._remove([word for word in rest if word != "-f"], force="-f" in rest)
            case "sleep":
                self.acts.append(Pause(None if rest[0] == "infinity" else timedelta(seconds=float(rest[0]))))
            case "exit":
                self.status = int(rest[0]) & 255 if rest else self.status
                raise _Exit
            case "true" | "false" | ":":
                self.status = int(name == "false")
            case "test" | "[":
                self.status = 0 if self._test([word for word in rest if word != "]"]) else 1
            case "trap":
                self.ignores_term = rest[0] == "" and "TERM" in rest
            case _:
                self._write(f"sh: {name}: not found\n", "&2", append)
                self.status = 127

    def _write(self, text: str, target: str | None, append: bool) -> None:
        data = text.encode()
        if target is None or target.startswith("&"):
            self.acts.append(Print(Stream.STDERR if target == "&2" else Stream.STDOUT, data))
            return
        target = self._path(target)
        self.files[target] = ((self._file(target) or b"") if append else b"") + data
        self.acts.append(Save(target, data, append))

    def _cat(self, paths: list[str], target: str | None, append: bool) -> None:
        for path in paths:
            content = self._file(self._path(path))
            if content is None:
                self._write(f"cat: can't open '{path}': No such file or directory\n", "&2", False)
                self.status = 1
                continue
            self._write(content.decode("utf-8", "surrogateescape"), target, append)

    def _remove(self, paths: list[str], *, force: bool) -> None:
        for path in map(self._path, paths):
            if self._file(path) is not None:
                self.files[path] = None
                self.acts.append(Remove(path))
            elif not force:
                self._write(f"rm: can't remove '{path}': No such file or directory\n", "&2", False)
                self.status = 1

    def _path(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self.directory, path)) if self.directory else path

    def _file(self, path: str) -> bytes | None:
        """Return a file as it is now; ``None`` if it is not there."""
        return self.files[path] if path in self.files else self.read(path)

    def _test(self, words: list[str]) -> bool:
        match words:
            case ["-f", path]:
                return self._file(self._path(path)) is not None
            case [left, "=", right]:
                return left == right
            case [left, "!=", right]:
                return left != right
            case [left, "-ge", right]:
                return int(left) >= int(right)
            case [left, "-lt", right]:
                return int(left) < int(right)
        return False


def _commands(words: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each command with the operator before it."""
    operator, command = ";", list[str]()
    for word in words:
        if word in _OPERATORS:
            yield operator, command
            operator, command = word, []
        else:
            command.append(word)
    yield operator, command


def _redirection(words: list[str]) -> tuple[list[str], str | None, bool]:
    """Take ``> FILE``, ``>> FILE`` or ``>&2`` out of the words: the rest, the target, whether it is appended to."""
    for place, word in enumerate(words):
        if word in (">", ">>", ">&"):
            target = words[place + 1]
            rest = words[:place] + words[place + 2 :]
            return rest, f"&{target}" if word == ">&" else target, word == ">>"
    return words, None, False

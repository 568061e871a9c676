"""What a source leaves out: ``.gitignore`` in any directory, ``.dockerignore`` at the root, and ``.git``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pathspec import GitIgnoreSpec, PathSpec
from pathspec.patterns.gitignore import GitIgnorePatternError
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from aiop.errors import SourceRefused

__all__ = ["DOCKER_FILE", "GIT_FILE", "DockerRules", "GitRules", "read_patterns"]

DOCKER_FILE = ".dockerignore"
GIT_FILE = ".gitignore"
_ALWAYS = "**/.git"
"""Unless ``.dockerignore`` takes it in again."""


def read_patterns(lines: Iterable[str], where: str) -> PathSpec[GitIgnoreSpecPattern]:
    """Read patterns in the language of ``.gitignore``; raises ``SourceRefused``.

    The last one that matches a path, or a directory above it, counts; git has more rules than that.
    """
    try:
        return PathSpec.from_lines(GitIgnoreSpecPattern, lines)
    except (GitIgnorePatternError, ValueError) as error:
        raise _refusal(where, error) from error


def _refusal(where: str, error: Exception) -> SourceRefused:
    return SourceRefused(f"{where} has a pattern that cannot be read: {error}")


@dataclass(frozen=True, slots=True)
class GitRules:
    """The ``.gitignore`` files that count in one directory: its own, and those above it.

    ``prefix`` is the path of the directory that has ``own``, with a slash at the end, or nothing.
    """

    above: GitRules | None = None
    own: GitIgnoreSpec | None = None
    prefix: str = ""

    def below(self, directory: str, content: str) -> GitRules:
        """Return the rules for a directory with a file of its own; raises ``SourceRefused``."""
        try:
            return GitRules(self, GitIgnoreSpec.from_lines(content.splitlines()), directory)
        except (GitIgnorePatternError, ValueError) as error:
            raise _refusal(f"{directory}{GIT_FILE}", error) from error

    def leaves_out(self, path: str) -> bool:
        """Whether the file is left out; a directory is named with a slash at its end. None above it is left out."""
        rules: GitRules | None = self
        while rules is not None:
            if rules.own is not None:
                verdict = rules.own.check_file(path[len(rules.prefix) :]).include
                if verdict is not None:
                    return verdict
            rules = rules.above
        return False


class DockerRules:
    """The rules of ``.dockerignore``: paths from the root, the last pattern that matches counts, and a pattern with
    ``!`` takes in again what is in a directory that is left out.
    """

    def __init__(self, content: str = "") -> None:
        lines = [_translated(line) for line in content.splitlines()]
        patterns = [line for line in lines if line]
        self._spec = read_patterns([_ALWAYS, *patterns], DOCKER_FILE)
        self._exceptions = [line[2:].split("/") for line in patterns if line.startswith("!")]
        self.trivial = not patterns
        """Only ``.git`` is left out."""

    def leaves_out(self, path: str) -> bool:
        """Whether the file is left out; a directory is named with a slash at its end."""
        if self.trivial:
            return path.rstrip("/").rpartition("/")[2] == ".git"
        return bool(self._spec.check_file(path).include)

    def may_take_in(self, directory: str) -> bool:
        """Whether something in a directory that is left out may be taken in again; cautious."""
        own = directory.rstrip("/").split("/")
        return any(_may_be_below(exception, own) for exception in self._exceptions)


def _translated(line: str) -> str:
    """Write a pattern of ``.dockerignore`` in the language of ``.gitignore``; nothing for what is none."""
    line = line.strip()
    if not line or line.startswith("#"):
        return ""
    taken_in = line.startswith("!")
    parts = [part for part in line.removeprefix("!").strip().split("/") if part not in ("", ".")]
    while ".." in parts:
        at = parts.index("..")
        del parts[max(0, at - 1) : at + 1]
    if not parts:
        return ""
    return ("!/" if taken_in else "/") + "/".join(parts)


def _may_be_below(exception: list[str], directory: list[str]) -> bool:
    for pattern, name in zip(exception, directory, strict=False):
        if any(sign in pattern for sign in "*?[\\"):
            return True
        if pattern != name:
            return False
    return True

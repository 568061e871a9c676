"""The shell that a command runs under, so that its exit code and what it leaves come back, whatever they are. Pure.

An engine gives up a container whose process ends with a code of 128 to 191, with all that it has written. So the
command is run by the image's own ``sh``, which writes its code to a file, puts what is to be handed back next to it,
and ends well. All of that is in one directory, ``LEFT``, which is fetched by one call.

All that an engine can do to a command is to kill it. So the shell listens beside the command for a request to stop it,
which another container makes in a directory that both have, ``DESK``. Each attempt has its own place there: a request
that was for an earlier one is none for it.
"""

from __future__ import annotations

import math
import os
import re
import shlex
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from aiop.model.run import OUTPUT_LIMIT, OutputFile

__all__ = [
    "AIOP_OUTPUT",
    "DESK",
    "LEFT",
    "MOUNT_POINT",
    "OUTPUT_FILE_LIMIT",
    "SHELL",
    "STDERR",
    "STDOUT",
    "Bell",
    "Left",
    "is_settable",
    "own_variables",
    "ring",
    "wrap",
]

SHELL = "/bin/sh"
MOUNT_POINT = "/aiop"
AIOP_OUTPUT = f"{MOUNT_POINT}/output"
LEFT = f"{MOUNT_POINT}/.left"
DESK = f"{MOUNT_POINT}/.desk"
STDOUT, STDERR = f"{LEFT}/stdout", f"{LEFT}/stderr"

OUTPUT_FILE_LIMIT = 16 * OUTPUT_LIMIT
"""Of the whole file at ``AIOP_OUTPUT``: room for 16 values of the largest size."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OWN = "AIOP_OWN"
_OUTPUT = "output"
_IRREGULAR = ".irregular"

# The first argument sets the environment, the second is the number of declared outputs, then come their paths, then the
# command. `exec` in a subshell runs a program, never a builtin or a function of this script. What is fetched is never
# larger than what is kept.
#
# The command puts its number on the desk, and then looks for the flag; who listens makes the bell, and then looks for
# the flag; who asks raises the flag, and then rings. So every request is seen, whenever it comes. A pipe that is opened
# for both ways waits for nobody. Where no bell can be made, one looks for the flag now and then. At last all is killed
# but this shell, if it is alone with its command.
_SCRIPT = f"""\
left={LEFT} desk={DESK} whose=
exec 3>&2 2>/dev/null
eval "${_OWN}"
unset {_OWN}
desk=$desk/${{whose:-$0}}
mkdir "$desk"
run() {{
  environment=$1
  shift $(($2 + 2))
  case $1 in
    */*) if [ ! -x "$1" ] || [ -d "$1" ]; then refuse "$1"; return; fi ;;
    *) if ! command -v "$1" >/dev/null; then refuse "$1"; return; fi ;;
  esac
  listen </dev/null >/dev/null 3>&- &
  (read -r own rest </proc/self/stat && echo "$own" >"$desk/command"
  if [ -e "$desk/stop" ]; then exit 143; fi
  eval "$environment"
  exec "$@" 2>&3 3>&-)
  code=$?
  kill "$!"
}}
refuse() {{
  if [ -e "$1" ]; then code=126 why="permission denied"; else code=127 why="not found"; fi
  printf 'exec %s: %s' "$1" "$why" >"$left/refused"
}}
listen() {{
  if mkfifo "$desk/bell"; then {{ [ -e "$desk/stop" ] || read -r rung; }} <>"$desk/bell"; fi
  while [ ! -e "$desk/stop" ]; do sleep 1 || exit; done
  read -r command <"$desk/command"
  kill -TERM "$command"
  read -r grace <"$desk/grace"
  sleep "$grace"
  kill -KILL "$command"
  [ "$PPID" = 1 ] || exit
  read -r own rest </proc/self/stat
  for process in /proc/[0-9]*; do
    process=${{process#/proc/}}
    case $process in 1 | "$$" | "$own") ;; *) kill -KILL "$process" ;; esac
  done
}}
take() {{
  if [ -f "$1" ]; then head -c "$3" <"$1" >"$left/$2" || : >"$left/$2{_IRREGULAR}"
  elif [ -e "$1" ]; then : >"$left/$2{_IRREGULAR}"; fi
}}
run "$@"
count=$2 number=0
shift 2
while [ "$number" -lt "$count" ]; do
  take "$1" "$number" {OUTPUT_LIMIT + 1}
  number=$((number + 1))
  shift
done
if [ -L {AIOP_OUTPUT} ]; then : >"$left/{_OUTPUT}{_IRREGULAR}"
else take {AIOP_OUTPUT} {_OUTPUT} {OUTPUT_FILE_LIMIT + 1}; fi
[ -z "$whose" ] || echo "$whose" >"$left/whose"
echo "$code" >"$left/code" || exit "$code"
exit 0
"""

_REQUEST = """\
while [ "$#" -gt 0 ]; do
  mkdir -m 777 "$1"
  echo "$2" >"$1/grace"
  : >"$1/stop"
  if [ -p "$1/bell" ]; then echo 1<>"$1/bell"; fi
  shift 2
done 2>/dev/null
"""


def wrap(
    command: Sequence[str], *, name: str, output_paths: Mapping[str, str], environment: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the arguments that run ``command``; ``name`` is how the shell names itself in errors.

    The ``environment`` is set for the command alone, each name must be one that ``is_settable``.
    """
    counted = (str(len(output_paths)), *output_paths.values())
    return (SHELL, "-c", _SCRIPT, name, _exports(environment), *counted, *command)


def is_settable(name: str) -> bool:
    """Whether the shell can set the variable for a command; by ``PATH`` it looks for the command itself."""
    return name != "PATH" and _NAME.fullmatch(name) is not None


def _exports(environment: Mapping[str, str]) -> str:
    words = " ".join(f"{name}={shlex.quote(value)}" for name, value in sorted(environment.items()))
    return f"export {words}" if words else ""


def own_variables(environment: Mapping[str, str], *, whose: str) -> tuple[str, str]:
    """Return a variable, as name and value, that stands for others: the shell sets these, and tells ``whose`` they are.

    In the hands of an engine it is a secret, so that calls are equal which differ in nothing else.
    """
    return _OWN, f"whose={shlex.quote(whose)}; {_exports(environment)}"


@dataclass(frozen=True, slots=True)
class Bell:
    """By which the command of the attempt ``name`` is told to end; it has ``grace`` to do so before it is killed."""

    name: str
    grace: timedelta


def ring(bells: Mapping[str, Bell]) -> list[str]:
    """Return the arguments that ring each of the bells; the keys are where the desks are, each in its own place."""
    places = (
        (f"{desk}/{bell.name}", str(max(0, math.ceil(bell.grace.total_seconds())))) for desk, bell in bells.items()
    )
    return [SHELL, "-c", _REQUEST, SHELL, *(word for place in places for word in place)]


@dataclass(frozen=True, slots=True)
class Left:
    """What a wrapped command left; ``code`` is ``None`` if it did not come to its end.

    ``refused`` says why it could not be run at all, ``whose`` which attempt it was run for if ``own_variables`` told.
    """

    code: int | None
    refused: str | None = None
    output_file: OutputFile | None = None
    outputs: Mapping[str, OutputFile] = field(default_factory=dict)
    whose: str | None = None

    @classmethod
    def read(cls, directory: Path, output_paths: Mapping[str, str]) -> Left:
        """Read the directory that was fetched. A step may have put there what it likes: no link is followed."""
        code = _content(directory / "code", 16)
        refused = _content(directory / "refused", 4096)
        whose = _content(directory / "whose", 1024)
        outputs = {
            name: found
            for number, (name, path) in enumerate(output_paths.items())
            if (found := _output(directory / str(number), path, OUTPUT_LIMIT)) is not None
        }
        return cls(
            code=int(code) if code is not None and code.strip().isdigit() else None,
            refused=None if refused is None else refused.decode(errors="replace"),
            output_file=_output(directory / _OUTPUT, "the file at AIOP_OUTPUT", OUTPUT_FILE_LIMIT),
            outputs=outputs,
            whose=None if whose is None else whose.decode(errors="replace").strip(),
        )


def _output(path: Path, name: str, limit: int) -> OutputFile | None:
    if os.path.lexists(f"{path}{_IRREGULAR}"):
        return OutputFile(None, f"{name} is no regular file")
    content = _content(path, limit + 1)
    if content is None:
        return None
    if len(content) > limit:
        return OutputFile(None, f"{name} is larger than {limit} bytes")
    return OutputFile(content)


def _content(path: Path, limit: int) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(limit) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None

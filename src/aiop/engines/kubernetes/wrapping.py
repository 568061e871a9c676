"""The shell that a command runs under, for what a cluster does not tell: which stream a line was written to, whether
the last line was ended, and what the command left. Pure.

The API has one log of a container, with stdout and stderr in one and every line ended. So the command is run by the
image's own ``sh``: stdout stays as it is, each line of stderr gets a mark, and more marks say where the log begins and
where each stream ends, since nothing keeps the order between the two. The last one of stdout tells the exit code, up to
a second before the cluster does, and where the outputs are: in the termination message if they are small, else in the
container, which waits to have them read.

When a container ends, its runtime may drop what it has not yet taken out of the pipes. So the shell of a command that
wrote more than they hold stays after its last mark: with outputs until they are read, else until its pod is removed, at
most ``LINGER_SECONDS``. The service, which goes by the mark, does not wait for that.

``/dev/shm`` is there for any user in every container; a volume of our own would make every pod wait for its mount.
"""

from __future__ import annotations

import base64
import binascii
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiop.model.run import OUTPUT_LIMIT, OutputFile

__all__ = [
    "AIOP_OUTPUT",
    "LINGER_SECONDS",
    "OUTPUT_FILE_LIMIT",
    "SHELL",
    "Left",
    "Report",
    "Whereabouts",
    "collect_command",
    "open_command",
    "pack_command",
    "parse_collected",
    "parse_message",
    "parse_report",
    "unpack_command",
    "wrap",
]

SHELL = "/bin/sh"
_DIRECTORY = "/dev/shm/aiop"  # noqa: S108 - of a container with one user
AIOP_OUTPUT = f"{_DIRECTORY}/output"

OUTPUT_FILE_LIMIT = 16 * OUTPUT_LIMIT
"""Of the whole file at ``AIOP_OUTPUT``: room for 16 values of the largest size."""

_MESSAGE_ROOM = 2800
"""Bytes of outputs that fit into a termination message (4096), as base64 and with their names."""

_PIPE = 65536
"""Bytes that a pipe holds."""

LINGER_SECONDS = 10
"""How long a shell stays for the runtime's sake. Nobody has to let it go."""

_SIZES = f"""\
dir={_DIRECTORY}
size() {{
  if [ -f "$1" ] && bytes=$(wc -c <"$1"); then
    bytes=$((bytes))
    if [ "$bytes" -gt "$2" ]; then bytes=l; fi
  elif [ -e "$1" ] || [ -L "$1" ]; then bytes=x
  else bytes=; fi
}} 2>/dev/null
each() {{
  act=$1 left=$2 number=0
  shift 2
  if [ -L "$dir/output" ]; then bytes=x; else size "$dir/output" {OUTPUT_FILE_LIMIT}; fi
  [ -z "$bytes" ] || "$act" o "$dir/output"
  while [ "$number" -lt "$left" ]; do
    size "$1" {OUTPUT_LIMIT}
    [ -z "$bytes" ] || "$act" "$number" "$1"
    number=$((number + 1))
    shift
  done
}}
"""

# The arguments: the token, the number of declared outputs, whether to wait for a workspace, the outputs' paths, the
# command. `exec` in a subshell runs a program, never a builtin or a function of this script.
_SCRIPT = (
    _SIZES
    + f"""\
token=$1 count=$2 gate=$3
shift 3
code= pid= term= told= oom= kind=n total=0 why= much= signs=-
trap 'term=1 told=t; [ -z "$pid" ] || kill -TERM "$pid"' TERM
trap '' PIPE
mkdir -p -m 777 "$dir"
echo "${{token}}b"
mark() {{
  if sed -u '' </dev/null; then exec sed -u -e "s/^/${{token}}e/" -e "/${{token}}f\\$/q" <"$dir/.err" 2>/dev/null
  else
    while IFS= read -r line || [ -n "$line" ]; do
      printf '%se%s\\n' "$token" "$line"
      case $line in *"${{token}}f") return ;; esac
    done <"$dir/.err"
  fi
}} 2>/dev/null
exec 3>&2
if mkfifo "$dir/.err" 2>/dev/null; then
  (trap '' TERM; mark) >&3 3>&- & tagger=$!
  exec 4>"$dir/.err"
  signs=e
else tagger= ; exec 4>&2; fi
exec 2>/dev/null 3>&-
refuse() {{
  if [ -e "$1" ]; then code=126 why="permission denied"; else code=127 why="not found"; fi
  kind=r why="exec $1: $why"
}}
run() {{
  shift "$count"
  case $1 in
    */*) if [ ! -x "$1" ] || [ -d "$1" ]; then refuse "$1"; return; fi ;;
    *) if ! command -v "$1" >/dev/null; then refuse "$1"; return; fi ;;
  esac
  (trap - TERM INT QUIT PIPE; exec "$@") 2>&4 4>&- & pid=$!
  [ -z "$term" ] || kill -TERM "$pid"
  while :; do
    wait "$pid"; code=$?
    [ -n "$term" ] || break
    term=
    kill -0 "$pid" || break
  done
}}
if [ -n "$gate" ]; then
  mkfifo "$dir/.gate"
  (read -r _ <"$dir/.gate") & wait "$!"
fi
if [ -n "$term" ]; then code=143; else run "$@"; fi
if [ "$code" != 0 ]; then
  for file in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
    while read -r name value; do
      if [ "$name" = oom_kill ] && [ "$value" != 0 ]; then oom=o; fi
    done <"$file"
  done
fi
if [ -n "$tagger" ]; then
  echo "${{token}}f" >&4
  exec 4>&-
  wait "$tagger"
fi
add() {{
  case $bytes in [0-9]*) total=$((total + bytes)) ;; esac
  kind=m
}}
tell() {{
  case $bytes in
    [0-9]*) printf '%s ' "$1"; base64 <"$2" | tr -d '\\n'; echo ;;
    *) echo "$1 $bytes" ;;
  esac
}}
# What it has written, to files too, with all that it waited for: more than enough is no harm.
while read -r name value; do
  if [ "$name" = wchar: ] && [ "$value" -gt {_PIPE} ]; then much=1; fi
done </proc/$$/io
if [ "$kind" = n ]; then
  each add "$count" "$@"
  if [ -n "$gate" ]; then kind=h
  elif [ "$kind" = m ] && [ -n "$much" ]; then kind=h
  elif [ "$kind" = m ] && {{ [ "$total" -gt {_MESSAGE_ROOM} ] || ! command -v base64 >/dev/null; }}; then kind=h; fi
  if [ "$kind" = m ]; then
    {{ each tell "$count" "$@"; echo .; }} >/dev/termination-log
  fi
fi
if [ "$kind" = h ]; then mkfifo "$dir/.held"; fi
echo "${{token}}r $code $signs$oom$told $kind $why"
trap 'exit "$code"' TERM
if [ -n "$term" ]; then :
elif [ "$kind" = h ]; then (read -r _ <"$dir/.held") & wait "$!"
elif [ -n "$much" ]; then (exec sleep {LINGER_SECONDS}) >&- & wait "$!"; fi
exit "$code"
"""
)

# The arguments: the number of declared outputs, whether to let the container end, the paths.
_COLLECT = (
    _SIZES
    + """\
count=$1 release=$2
shift 2
send() {
  echo "$1 $bytes"
  case $bytes in [0-9]*) head -c "$bytes" <"$2" ;; esac
}
each send "$count" "$@"
echo .
[ -z "$release" ] || echo >"$dir/.held"
"""
)

# The first entry, of one block, is the workspace itself, whose mode only root may set.
_UNPACK = f"""\
[ ! -e {_DIRECTORY}/.opened ] || exit 0
cd "$1" || exit
if [ "$(id -u)" = 0 ]; then exec tar -xf -; fi
umask 0
tail -c +513 | tar -xpf -
"""

_OPEN = f"""\
[ ! -e {_DIRECTORY}/.opened ] || exit 0
: >{_DIRECTORY}/.opened && echo >{_DIRECTORY}/.gate
"""

_PACK = """\
cd "$1" && id -u && exec tar -cf - .
"""


def wrap(command: Sequence[str], *, token: str, output_paths: Mapping[str, str], gate: bool) -> list[str]:
    """Return the arguments that run ``command``; ``gate`` lets it wait until ``open_command`` has been run."""
    paths = output_paths.values()
    return [SHELL, "-c", _SCRIPT, "aiop", token, str(len(output_paths)), "1" if gate else "", *paths, *command]


def collect_command(output_paths: Mapping[str, str], *, release: bool) -> list[str]:
    """Return what is to be run in a container that holds its outputs; ``release`` lets it end then."""
    return [SHELL, "-c", _COLLECT, "aiop", str(len(output_paths)), "1" if release else "", *output_paths.values()]


def unpack_command(target: str) -> list[str]:
    """Return what fills the workspace from a tar archive as its input; once the command was let go it does nothing."""
    return [SHELL, "-c", _UNPACK, "aiop", target]


def open_command() -> list[str]:
    """Return what lets a command go that waits for its workspace; to be run again does no harm."""
    return [SHELL, "-c", _OPEN, "aiop"]


def pack_command(target: str) -> list[str]:
    """Return what writes the number of the container's user as a line, and then the workspace as a tar archive."""
    return [SHELL, "-c", _PACK, "aiop", target]


class Whereabouts(enum.Enum):
    """Where the outputs of an ended command are."""

    NOWHERE = "n"
    MESSAGE = "m"
    HELD = "h"
    REFUSED = "r"
    """The command could not be run at all."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a wrapped command's last mark says. ``told``: its container was told to end before. ``marked``: lines of
    stderr have marks, and another one says where they end.
    """

    code: int
    oom: bool
    told: bool
    marked: bool
    outputs: Whereabouts
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """What a command left."""

    output_file: OutputFile | None = None
    outputs: Mapping[str, OutputFile] = field(default_factory=dict)


def parse_report(text: bytes) -> Report | None:
    """Read what follows the last mark; ``None`` if it is not whole."""
    try:
        code, signs, kind, *rest = text.strip().split(b" ", 3)
        where = Whereabouts(kind.decode())
        words = rest[0].decode(errors="replace") if rest else ""
        refused = words if where is Whereabouts.REFUSED else None
        return Report(int(code), b"o" in signs, b"t" in signs, b"e" in signs, where, refused)
    except ValueError:
        return None


def parse_message(message: str, output_paths: Mapping[str, str]) -> Left | None:
    """Read a termination message; ``None`` if it is not one of ours, or not whole."""
    *lines, last = message.strip("\n").split("\n")
    if last != ".":
        return None
    found: dict[str, OutputFile] = {}
    for line in lines:
        name, _, text = line.partition(" ")
        if text in _REFUSALS:
            found[name] = _refused(name, text, output_paths)
            continue
        try:
            found[name] = OutputFile(base64.b64decode(text, validate=True))
        except binascii.Error:
            return None
    return _left(found, output_paths)


def parse_collected(data: bytes, output_paths: Mapping[str, str]) -> Left | None:
    """Read what ``collect_command`` wrote; ``None`` if it is not whole."""
    found: dict[str, OutputFile] = {}
    while data != b".\n":
        line, newline, data = data.partition(b"\n")
        name, _, text = line.decode(errors="replace").partition(" ")
        if not newline:
            return None
        if text in _REFUSALS:
            found[name] = _refused(name, text, output_paths)
        elif not text.strip().isdigit() or len(data) < int(text):
            return None
        else:
            found[name], data = OutputFile(data[: int(text)]), data[int(text) :]
    return _left(found, output_paths)


_REFUSALS = ("l", "x")


def _refused(name: str, what: str, output_paths: Mapping[str, str]) -> OutputFile:
    path, limit = "the file at AIOP_OUTPUT", OUTPUT_FILE_LIMIT
    if name != "o":
        path, limit = list(output_paths.values())[int(name)], OUTPUT_LIMIT
    return OutputFile(None, f"{path} is larger than {limit} bytes" if what == "l" else f"{path} is no regular file")


def _left(found: Mapping[str, OutputFile], output_paths: Mapping[str, str]) -> Left:
    outputs = {name: found[str(number)] for number, name in enumerate(output_paths) if str(number) in found}
    return Left(found.get("o"), outputs)

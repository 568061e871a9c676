"""The user namespace in which the service of an ordinary user is root, and its containers have that user's sub-ids.

The whole service is in it, and in a mount namespace that belongs to it, so all else of the engine works as for root. A
process that only sleeps keeps the namespace while no service is there: the next one joins it, and so may end what runs
in it.
"""

from __future__ import annotations

import functools
import os
import pwd
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from aiop.engines.oci.linux import MOUNT_NAMESPACE, USER_NAMESPACE, set_namespace, unshare
from aiop.engines.oci.pin import Pin

__all__ = ["CannotEnter", "enter", "inside", "last_group", "obstacles", "sub_ids"]

_MAPPERS = ("newuidmap", "newgidmap")
_SPANS = {"uid": Path("/etc/subuid"), "gid": Path("/etc/subgid")}
_TRIAL = """\
mount -t tmpfs none /mnt
mkdir /mnt/1 /mnt/2 /mnt/r
mount -t overlay none -o userxattr,lowerdir=/mnt/1:/mnt/2 /mnt/r
"""
_PATH = f"{os.defpath}:/usr/sbin:/sbin"
_SECONDS = 30
_SLEEP, _KEEPER = "/bin/sleep", ("aiop-namespace", "infinity")


class CannotEnter(Exception):
    """The kernel or the system does not let this user have such a namespace; the message is for people."""


@functools.cache
def inside() -> bool:
    """Whether root here is an ordinary user of the machine; asked only by who is root."""
    with suppress(OSError):
        return Path("/proc/self/uid_map").read_text().split() != ["0", "0", "4294967295"]
    return False


def last_group() -> int:
    """Return the largest group id that there is in this namespace."""
    spans = [line.split() for line in Path("/proc/self/gid_map").read_text().splitlines()]
    return max(int(start) + int(count) - 1 for start, _, count in spans)


def obstacles() -> list[str]:
    """Say, each in a sentence, what keeps this user from having such a namespace; changes nothing."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ["the service is not root, and its user has no entry in /etc/passwd, and so no subordinate ids"]
    found = [
        f"{program}, which gives containers of a user who is not root their ids, is not installed (package uidmap)"
        for program in _MAPPERS
        if shutil.which(program, path=_PATH) is None
    ]
    found += [
        f"{file} gives {name}, who is not root, no ids for containers (usermod --add-sub{kind}s FIRST-LAST {name})"
        for kind, file in _SPANS.items()
        if sub_ids(file, name=name, number=os.getuid()) is None
    ]
    try:
        tried = subprocess.run(  # noqa: S603
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", _TRIAL],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            env={"PATH": _PATH},
        )
        words = tried.stderr.strip() if tried.returncode else ""
    except OSError as error:
        words = str(error)
    if words:
        found.append(f"the kernel does not let this user mount overlayfs in a user namespace ({words})")
    return found


def enter(keeper: Path) -> Pin:
    """Become root in the namespace that the process in file ``keeper`` keeps; it is made if there is none.

    If that process was killed, any other that is still in the namespace will do, such as what keeps a container. Raises
    ``CannotEnter``. Only a process with a single thread can.
    """
    pin, mark = Pin(keeper), keeper.with_name(f"{keeper.name}.mark")
    try:
        with pin.locked():
            process = pin.process or _left_in(mark)
            if process is None:
                process = _make()
                pin.note(process)
                mark.write_text(_mark_of(process))
            user = os.open(f"/proc/{process}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
            set_namespace(user, USER_NAMESPACE)
            os.close(user)
            # Its mounts belong to the namespace too; what is mounted on the machine later is seen here.
            unshare(MOUNT_NAMESPACE)
            if pin.process is None:
                pin.note(_another())
    except OSError as error:
        raise CannotEnter(f"no user namespace can be made: {error.strerror}") from error
    return pin


def sub_ids(file: Path, *, name: str, number: int) -> tuple[int, int] | None:
    """Find the range of subordinate ids that a user has in a file like ``/etc/subuid``, the largest one."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return None
    found = []
    for line in lines:
        owner, _, rest = line.strip().partition(":")
        start, _, count = rest.partition(":")
        if owner in (name, str(number)) and start.isdecimal() and count.isdecimal():
            found.append((int(start), int(count)))
    return max(found, key=lambda span: span[1], default=None)


def _mark_of(process: int) -> str:
    """Tell a namespace from others: its number, and whom it maps, as a number may be given again."""
    return f"{Path(f'/proc/{process}/ns/user').readlink()}\n{Path(f'/proc/{process}/uid_map').read_text()}"


def _left_in(mark: Path) -> int | None:
    """Find a process in the namespace of a keeper that was killed."""
    with suppress(OSError):
        wanted = mark.read_text()
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if _mark_of(int(place.name)) == wanted:
                    return int(place.name)
    return None


def _another() -> int:
    """Start another keeper from within."""
    silent = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
    return os.posix_spawn(_SLEEP, _KEEPER, {}, file_actions=silent, setsid=True)


def _make() -> int:
    """Start a pin and map its ids; returns its process id."""
    told, tell = os.pipe()
    mapped, release = os.pipe()
    pid = os.fork()
    if not pid:
        _be_pin(tell, mapped)
    os.close(tell)
    os.close(mapped)
    try:
        word = os.read(told, 64)
        if word != b"made":
            os.waitpid(pid, 0)
            number = int(word or b"0")
            raise OSError(number, os.strerror(number) if number else "the process that was to keep it ended")
        try:
            _map(pid)
        except BaseException:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        os.write(release, b"\n")
        # Its end of the pipe is closed once it has become the program that sleeps.
        os.read(told, 1)
    finally:
        os.close(told)
        os.close(release)
    return pid


def _be_pin(tell: int, mapped: int) -> None:
    """Never returns."""
    try:
        try:
            unshare(USER_NAMESPACE)
        except OSError as error:
            os.write(tell, str(error.errno).encode())
            os._exit(1)
        os.write(tell, b"made")
        if os.read(mapped, 1):
            os.setsid()
            os.chdir("/")
            null = os.open(os.devnull, os.O_RDWR)
            for number in range(3):
                os.dup2(null, number)
            os.execve(_SLEEP, _KEEPER, {})  # noqa: S606
    finally:
        os._exit(1)


def _map(pid: int) -> None:
    user, group = os.getuid(), os.getgid()
    name = pwd.getpwuid(user).pw_name
    for program, own, file in zip(_MAPPERS, (user, group), _SPANS.values(), strict=True):
        span = sub_ids(file, name=name, number=user)
        if span is None:
            raise CannotEnter(f"{file} has no entry for {name}")
        command = [program, str(pid), "0", str(own), "1", "1", *map(str, span)]
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_SECONDS, check=False, env={"PATH": _PATH}
        )
        if done.returncode:
            raise CannotEnter(f"{program} refused: {done.stderr.strip()}")

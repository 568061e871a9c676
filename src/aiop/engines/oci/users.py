"""Who a container runs as, by the image's own ``/etc/passwd`` and ``/etc/group``, as Docker reads them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ["UnknownUser", "User", "find_user"]


class UnknownUser(Exception):
    """The image has no such user or group; the message is for people."""


@dataclass(frozen=True, slots=True)
class User:
    """A user with all its groups, as numbers; ``home`` is its directory."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    home: str = "/"


def find_user(text: str, *, passwd: str, group: str) -> User:
    """Look up ``user``, ``uid``, ``user:group`` or ``uid:gid``; raises ``UnknownUser``.

    A number needs no entry. Without a group, the user's own is taken with all others that list the user.
    """
    name, _, wanted = text.partition(":")
    user = User()
    entry = _entry(name or "0", _fields(passwd, 7))
    if entry is not None:
        user = User(int(entry[2]), int(entry[3]), home=entry[5] or "/")
        name = entry[0]
    elif name.isdecimal():
        user = User(int(name))
    elif name:
        raise UnknownUser(f"unable to find user {name}: no matching entries in passwd file")
    groups = list(_fields(group, 3))
    if wanted:
        found = _entry(wanted, groups)
        if found is None and not wanted.isdecimal():
            raise UnknownUser(f"unable to find group {wanted}: no matching entries in group file")
        return User(user.uid, int(found[2] if found else wanted), home=user.home)
    others = sorted({int(fields[2]) for fields in groups if len(fields) > 3 and name in fields[3].split(",")})
    return User(user.uid, user.gid, tuple(gid for gid in others if gid != user.gid), user.home)


def _entry(wanted: str, entries: Iterable[list[str]]) -> list[str] | None:
    """Find by the name, else by the number, which both files have in the third field."""
    known = list(entries)
    named = next((fields for fields in known if fields[0] == wanted), None)
    return named or next((fields for fields in known if fields[2] == wanted), None)


def _fields(text: str, least: int) -> Iterator[list[str]]:
    for line in text.splitlines():
        fields = line.strip().split(":")
        numbers = fields[2:4] if least > 3 else fields[2:3]
        if len(fields) >= least and fields[0] and all(number.isdecimal() for number in numbers):
            yield fields

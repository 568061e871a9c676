"""Finding a path in a stack as a program in it would, and never leaving it."""

from __future__ import annotations

import os

from aiop.overlay.stack import Node, Stack, child

__all__ = ["Escape", "find"]

_LINKS = 40
"""As many links are followed as Linux does."""


class Escape(Exception):
    """A path, or a link on its way, leads out of the stack; the message names it."""


def find(stack: Stack, path: str, *, target: str | None = None) -> Node | None:
    """Return what ``path`` leads to, links followed; ``None`` if that is nothing. Raises ``Escape``.

    The stack is thought of as mounted at ``target``: absolute paths and links are taken for what they are there.
    """
    links = 0
    nodes: list[Node] = [stack.root]
    waiting = _parts(path, path, target, nodes)
    while waiting:
        part = waiting.pop()
        if part == "..":
            if len(nodes) == 1:
                raise Escape(f"{path} leads out of the workspace")
            nodes.pop()
            continue
        found = child(nodes[-1], part) if nodes[-1].is_directory else None
        if found is None:
            return None
        if found.is_link:
            links += 1
            if links > _LINKS:
                return None
            waiting += _parts(os.readlink(found.real[0]), path, target, nodes)
        else:
            nodes.append(found)
    return nodes[-1]


def _parts(text: str, path: str, target: str | None, nodes: list[Node]) -> list[str]:
    """Split into names, the last one first; an absolute path begins at the root again."""
    names = [name for name in text.split("/") if name not in ("", ".")]
    if text.startswith("/"):
        base = [name for name in (target or "").split("/") if name]
        # A path that goes up before it comes here again is not worth the trouble: it counts as leaving.
        if target is None or names[: len(base)] != base:
            raise Escape(f"{path} leads out of the workspace")
        del nodes[1:]
        names = names[len(base) :]
    return names[::-1]

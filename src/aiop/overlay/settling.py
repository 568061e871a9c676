"""Reducing a layer to what it really changes."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from aiop.overlay.comparing import same_directory, same_entry
from aiop.overlay.marks import clear_opaque, is_opaque, is_whiteout, make_whiteout, replace_by_whiteout
from aiop.overlay.stack import Node, Stack, child, children

__all__ = ["settle"]


def settle(upper: str, lowers: Sequence[str], scratch: str) -> None:
    """Settle a layer whose container has ended; ``scratch`` is a free path on the same file system.

    What equals what lies below (all but times) is taken out: overlayfs copies a file up when it is opened for writing,
    and a directory when something in it changes. A directory that hides those below gets a whiteout for each name
    instead, so that layers of steps that ran side by side can be stacked and none hides what it never saw.
    Sockets, pipes and devices go. Breaking off and repeating does no harm: the view stays the same at each point.
    """
    below = Stack(lowers).root
    _spell_out(upper, below, hidden=False)
    _prune(upper, below, scratch)


def _spell_out(directory: str, below: Node | None, *, hidden: bool) -> None:
    """Put whiteouts in the place of opaque marks. ``hidden``: a directory above is opaque still."""
    opaque = is_opaque(directory)
    names = set()
    with os.scandir(directory) as entries:
        for entry in entries:
            names.add(entry.name)
            if entry.is_dir(follow_symlinks=False):
                under = child(below, entry.name) if below is not None else None
                under = under if under is not None and under.is_directory else None
                _spell_out(entry.path, under, hidden=hidden or opaque)
    if (opaque or hidden) and below is not None:
        for name in children(below).keys() - names:
            make_whiteout(f"{directory}/{name}")
    if opaque:
        # Only now: until all below it is spelt out, the mark is what tells.
        clear_opaque(directory)


def _prune(directory: str, below: Node | None, scratch: str) -> None:
    with os.scandir(directory) as entries:
        found = list(entries)
    for entry in found:
        under = child(below, entry.name) if below is not None else None
        status = entry.stat(follow_symlinks=False)
        if is_whiteout(status):
            if under is None:
                os.unlink(entry.path)
        elif stat.S_ISDIR(status.st_mode):
            _prune(entry.path, under if under is not None and under.is_directory else None, scratch)
            if under is not None and same_directory(entry.path, under):
                _remove_if_empty(entry.path)
        elif not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
            if under is None:
                os.unlink(entry.path)
            else:
                replace_by_whiteout(entry.path, scratch)
        elif under is not None and same_entry(entry.path, status, under):
            os.unlink(entry.path)


def _remove_if_empty(directory: str) -> None:
    with os.scandir(directory) as entries:
        if next(entries, None) is None:
            os.rmdir(directory)

"""How the process holds memory: what is no longer used goes back to the system."""

from __future__ import annotations

import ctypes
import sys

__all__ = ["return_memory"]

# From glibc's malloc.h.
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_LARGE = 1024 * 1024


def return_memory() -> None:
    """Have glibc give large blocks back at once, and keep few pools for threads; call it before any thread is started.

    By itself it learns from the first large block that is freed to keep the next ones: after one sign-in, whose hash
    takes 19 MiB on purpose, an idle service would hold them for ever. Elsewhere than on glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(_M_MMAP_THRESHOLD, _LARGE)
    mallopt(_M_ARENA_MAX, 2)

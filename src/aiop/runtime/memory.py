"""How the process holds memory: what is no longer used goes back to the system."""

from __future__ import annotations

import ctypes
import gc
import sys

__all__ = ["return_memory", "settle"]

# From glibc's malloc.h.
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_LARGE = 1024 * 1024


def settle() -> None:
    """Drop what the start has left over, and keep the rest out of the sight of the garbage collector.

    It stays for as long as the process lives, and looking through it again and again makes requests wait.
    """
    gc.collect()
    gc.freeze()
    if sys.platform.startswith("linux") and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


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

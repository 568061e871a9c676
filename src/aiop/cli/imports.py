"""Imports that leave something out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["without"]


@contextmanager
def without(module: str) -> Iterator[None]:
    """Let what is imported inside find a module missing, unless it is loaded already.

    For optional dependencies that cost memory: libraries take what is installed, wanted or not.
    """
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment] # how Python says that there is none
    try:
        yield
    finally:
        del sys.modules[module]

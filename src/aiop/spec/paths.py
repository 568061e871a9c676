"""Dotted paths of places in a document, as fault messages name them: ``steps[1].container.image``."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

__all__ = ["BODY", "dotted", "join"]

BODY = "body"
"""Name of the document as a whole."""

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
_LONGEST_KEY = 128


def join(path: str, part: str | int) -> str:
    """Append a key or an index; a key that would read as several is quoted (``files["/etc/x.conf"]``)."""
    if isinstance(part, int):
        return f"{path}[{part}]"
    if not _PLAIN_KEY.fullmatch(part):
        return f"{path}[{json.dumps(part[:_LONGEST_KEY])}]"
    return f"{path}.{part}" if path else part


def dotted(parts: Sequence[str | int], prefix: str = "") -> str:
    """Write a path; the path of nothing is ``body``."""
    path = prefix
    for part in parts:
        path = join(path, part)
    return path or BODY

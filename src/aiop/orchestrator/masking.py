"""Keeps secret values out of everything that is stored or shown. Pure."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

__all__ = ["MASK", "Masker"]

MASK = "***"
_SHORTEST_ENCODED = 4
"""Shorter secrets are masked as they stand only: their encodings would match half of any text."""


class Masker:
    """Replaces secrets by ``***``: as they stand, line by line, in JSON, in URLs, and inside base64 at any offset."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Mask these from now on, too."""
        self._forms |= {form for secret in secrets if secret for form in _forms(secret)}
        # The longest first: a secret that contains another one is masked whole.
        ordered = sorted((form.encode() for form in self._forms), key=len, reverse=True)
        self.longest = len(ordered[0]) if ordered else 0
        self._pattern = re.compile(b"|".join(map(re.escape, ordered))) if ordered else None
        self._text = re.compile("|".join(re.escape(form.decode()) for form in ordered)) if ordered else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def data(self, data: bytes) -> bytes:
        """Mask in bytes."""
        return self._pattern.sub(MASK.encode(), data) if self._pattern else data

    def text(self, text: str) -> str:
        """Mask in text."""
        return self._text.sub(MASK, text) if self._text else text

    def optional(self, text: str | None) -> str | None:
        """Mask in text that may be absent."""
        return text if text is None else self.text(text)

    def value(self, value: Any) -> Any:
        """Mask in every string of a JSON value, keys included; a number that is a secret is masked too."""
        if self._text is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        if isinstance(value, (int, float)) and not isinstance(value, bool) and self._text.fullmatch(json.dumps(value)):
            return MASK
        return value

    def cut(self, data: bytes, limit: int) -> int:
        """Return a place at or before ``limit`` where ``data`` may be cut without cutting a secret or a character."""
        place = limit
        if self._pattern:
            place = max(1, limit - self.longest + 1)
            for match in self._pattern.finditer(data):
                if match.start() < place < match.end():
                    place = match.end() if match.end() <= limit else match.start()
                    break
        start = place
        while 0 < place < len(data) and data[place] & 0xC0 == 0x80 and start - place < 4:
            place -= 1
        return place or limit


def _forms(secret: str) -> Iterable[str]:
    yield secret
    for line in secret.splitlines():
        if len(line.strip()) >= _SHORTEST_ENCODED:
            yield line.strip()
    if len(secret) < _SHORTEST_ENCODED:
        return
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield quote(secret, safe="")
    raw = secret.encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            # Characters that mix bits of the secret with those of its neighbours are left out at both ends.
            text = encode(b"\0" * offset + raw).rstrip(b"=")
            begin = (0, 2, 3)[offset]
            end = len(text) - (0 if (offset + len(raw)) % 3 == 0 else 1)
            if end - begin >= _SHORTEST_ENCODED:
                yield text[begin:end].decode()

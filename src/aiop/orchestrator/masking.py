"""Keeps secret values out of everything that is stored or shown. Pure."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

__all__ = ["MASK", "Masker"]

MASK = "***"
_HEAD = 4
"""Bytes by which a form is looked up. Shorter secrets are masked as they stand only: their encodings would match half
of any text."""
_WRAPS = (64, 76)
"""Widths at which base64 is broken into lines: by PEM, and by MIME and ``base64``."""
_NOBODY: frozenset[int] = frozenset()


class Masker:
    """Replaces secrets by ``***``: as they stand, line by line, in JSON, in URLs, and inside base64 at any offset.

    What a line costs hardly depends on how many secrets there are and how long they are: four bytes at a time are
    looked up among the heads of all forms, and only what is found there is compared.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._forms: set[bytes] = set()
        self._heads: dict[bytes, list[bytes]] = {}
        self._numbers: frozenset[int] = _NOBODY
        self._short: re.Pattern[bytes] | None = None
        self.longest = 0
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Mask these from now on, too."""
        new = {secret for secret in secrets if secret.strip()} - self._secrets
        if not new:
            return
        self._secrets |= new
        self._forms.update(form for secret in new for form in _forms(secret) if form)
        # The longest first: of several that begin at one place the longest counts.
        ordered = sorted(self._forms, key=len, reverse=True)
        self.longest = len(ordered[0])
        self._heads = {}
        for form in ordered:
            if len(form) >= _HEAD:
                self._heads.setdefault(form[:_HEAD], []).append(form)
        self._numbers = frozenset(memoryview(head).cast("I")[0] for head in self._heads)
        short = [re.escape(form) for form in ordered if len(form) < _HEAD]
        # Looked for at each place: what is found at one must not hide what begins inside of it.
        self._short = re.compile(b"(?=(" + b"|".join(short) + b"))") if short else None

    def __bool__(self) -> bool:
        return bool(self._forms)

    def data(self, data: bytes) -> bytes:
        """Mask in bytes."""
        return _masked(data, self._spans(data))

    def text(self, text: str) -> str:
        """Mask in text."""
        if not self._forms:
            return text
        data = text.encode("utf-8", "surrogatepass")
        spans = self._spans(data)
        return _masked(data, spans).decode("utf-8", "surrogatepass") if spans else text

    def optional(self, text: str | None) -> str | None:
        """Mask in text that may be absent."""
        return text if text is None else self.text(text)

    def value(self, value: Any) -> Any:
        """Mask in every string of a JSON value, keys included; a number that is a secret is masked too."""
        if not self._forms:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        if (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and json.dumps(value).encode() in self._forms
        ):
            return MASK
        return value

    def cut(self, data: bytes, limit: int) -> int:
        """Return a place where ``data`` may be cut without cutting a secret or a character: ``limit``, or near it.

        At least ``longest`` bytes must follow after ``limit``, so that each secret that begins before it is whole.
        """
        for start, end in self._spans(data):
            if start < limit < end:
                return start or end
        place = limit
        while 0 < place < len(data) and data[place] & 0xC0 == 0x80 and limit - place < 4:
            place -= 1
        return place or limit

    def whole(self, data: bytes) -> bytes:
        """Leave out the end of text that was cut off, if it may be the beginning of a secret."""
        first = max(0, len(data) - self.longest)
        for place in self._places(data[first:]):
            rest = data[first + place :]
            if any(form.startswith(rest) for form in self._heads[rest[:_HEAD]]):
                return data[: first + place]
        return data

    def _spans(self, data: bytes) -> list[tuple[int, int]]:
        """Find what is to be masked, in order. What overlaps becomes one: of neither may anything be left."""
        found: list[tuple[int, int]] = []
        for place in self._places(data):
            for form in self._heads[data[place : place + _HEAD]]:
                if data.startswith(form, place):
                    found.append((place, place + len(form)))
                    break
        if self._short is not None:
            found.extend(match.span(1) for match in self._short.finditer(data))
            found.sort()
        return list(_united(found))

    def _places(self, data: bytes) -> Iterable[int]:
        """Return the places at which the head of a form stands."""
        heads, numbers = self._heads, self._numbers
        if not numbers:
            return ()
        view = memoryview(data)
        for offset in range(_HEAD):
            end = offset + (len(data) - offset) // _HEAD * _HEAD
            if end > offset and not numbers.isdisjoint(view[offset:end].cast("I")):
                break
        else:
            return ()
        return [place for place in range(len(data) - _HEAD + 1) if data[place : place + _HEAD] in heads]


def _united(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    begin = end = 0
    for start, stop in spans:
        if start >= end:
            if end:
                yield begin, end
            begin = start
        end = max(end, stop)
    if end:
        yield begin, end


def _masked(data: bytes, spans: Iterable[tuple[int, int]]) -> bytes:
    pieces: list[bytes] = []
    done = 0
    for start, end in spans:
        pieces += (data[done:start], MASK.encode())
        done = end
    return b"".join((*pieces, data[done:])) if pieces else data


def _forms(secret: str) -> Iterator[bytes]:
    # Blank ends hide nothing, and get lost on the way: a shell takes the end off a file's last line.
    text = secret.strip()
    raw = text.encode("utf-8", "surrogatepass")
    yield raw
    for line in raw.splitlines():
        if len(line.strip()) >= _HEAD:
            yield line.strip()
    if len(raw) < _HEAD:
        return
    yield json.dumps(text)[1:-1].encode()
    yield json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass")
    yield quote(raw, safe="").encode()
    yield quote_plus(raw).encode()
    for exact in {raw, secret.encode("utf-8", "surrogatepass")}:
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            for offset in range(3):
                yield from _inside(encode, exact, offset)
            for width in _WRAPS:
                for whole in _inside(encode, exact, 0):
                    yield from _wrapped(whole, width)


def _inside(encode: Callable[[bytes], bytes], raw: bytes, offset: int) -> Iterator[bytes]:
    """Yield what base64 makes of a secret that begins at this offset of three, at the end of a text and inside of one.

    Characters that mix bits of the secret with those of its neighbours are left out.
    """
    text = encode(b"\0" * offset + raw).rstrip(b"=")[(0, 2, 3)[offset] :]
    if len(text) >= _HEAD:
        yield text
    if (offset + len(raw)) % 3 and len(text) > _HEAD:
        yield text[:-1]


def _wrapped(text: bytes, width: int) -> Iterator[bytes]:
    if len(text) > width:
        yield from (piece for start in range(0, len(text), width) if len(piece := text[start : start + width]) >= _HEAD)

"""The web UI: files that were built once, in front of the API and in nobody's way there.

Names in ``assets`` hold a digest of their content, so they may be kept for ever. Every page is the same
``index.html``, with which the browser finds out the rest; it is answered where a browser asks for a page and the
API has no such path.
"""

from __future__ import annotations

import mimetypes
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Site"]

_INDEX = "index.html"
_NONCE = b"__CSP_NONCE__"
_ENCODINGS = {"br": ".br", "gzip": ".gz"}
_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_A_WHILE = "public, max-age=3600"

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'nonce-{nonce}'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>aiop</title>
<h1>The web UI is not part of this installation</h1>
<p>It is built from the source by <code>make ui</code> in a checkout; start the service again after that.
Wheels of aiop have it.</p>
<p>The API is here all the same: <a href="/openapi.json">its description</a>.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class _File:
    """A file, and the same compressed, by encoding."""

    path: Path
    media_type: str
    cache: str
    compressed: Mapping[str, Path] = field(default_factory=dict)


class Site:
    """Wraps the API. ``reserved`` are the first parts of the API's paths, under which there are no pages.

    The files are looked for when it is made; without an ``index.html`` every page says how to build them.
    """

    def __init__(self, app: ASGIApp, *, directory: Path, reserved: Iterable[str]) -> None:
        self._app = app
        self._reserved = frozenset(reserved)
        index = directory / _INDEX
        self._index = index.read_bytes() if index.is_file() else None
        self._files = _files(directory) if self._index is not None else {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        answer = self._answer(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        await (answer or self._app)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        path = scope["path"].lstrip("/")
        if path in self._files:
            return _file(self._files[path], headers.get("accept-encoding", ""))
        if path.partition("/")[0] in self._reserved or "text/html" not in headers.get("accept", ""):
            return None
        return self._page()

    def _page(self) -> Response:
        nonce = secrets.token_urlsafe(16)
        headers = {**_HEADERS, "Cache-Control": "no-store", "Content-Security-Policy": _POLICY.format(nonce=nonce)}
        if self._index is None:
            return Response(_NOT_BUILT, HTTPStatus.NOT_FOUND, headers, "text/html")
        return Response(self._index.replace(_NONCE, nonce.encode()), HTTPStatus.OK, headers, "text/html")


def _files(directory: Path) -> dict[str, _File]:
    paths = {path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if path.is_file()}
    return {
        name: _File(
            path,
            mimetypes.guess_type(name)[0] or "application/octet-stream",
            _FOR_EVER if name.startswith("assets/") else _FOR_A_WHILE,
            {encoding: paths[name + end] for encoding, end in _ENCODINGS.items() if name + end in paths},
        )
        for name, path in paths.items()
        if name != _INDEX and not name.endswith(tuple(_ENCODINGS.values()))
    }


def _file(file: _File, accepted: str) -> Response:
    headers = {**_HEADERS, "Cache-Control": file.cache, "Vary": "Accept-Encoding"}
    offered = {part.strip().lower() for part in accepted.split(",") if not part.replace(" ", "").endswith(";q=0")}
    named = {part.partition(";")[0].strip() for part in offered}
    encoding = next((each for each in file.compressed if each in named), None)
    if encoding is None:
        return FileResponse(file.path, headers=headers, media_type=file.media_type)
    headers["Content-Encoding"] = encoding
    return FileResponse(file.compressed[encoding], headers=headers, media_type=file.media_type)

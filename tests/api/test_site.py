"""The web UI's files: served in front of the API, and in nobody's way."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from aiop.api import create_app
from api.errors import error
from api.operations import Operation, operations
from api.world import Service

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SCRIPT = b"console.log('a script')"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    directory = tmp_path / "ui"
    (directory / "assets").mkdir(parents=True)
    (directory / "index.html").write_text('<meta name="csp-nonce" nonce="__CSP_NONCE__">the page')
    (directory / "favicon.svg").write_text("<svg/>")
    (directory / "assets" / "main-1a2b.js").write_bytes(SCRIPT)
    (directory / "assets" / "main-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    (directory / "assets" / "main-1a2b.js.br").write_bytes(b"as brotli")
    (tmp_path / "secret").write_text("outside")
    return directory


@pytest.fixture
async def browser(service: Service, files: Path) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(service.services, site=files))
    async with httpx.AsyncClient(transport=transport, base_url="http://aiop.test") as client:
        client.headers["Accept-Encoding"] = "identity"
        yield client


@pytest.mark.parametrize("path", ["/", "/executions", "/executions/some-id?tab=log", "/no/such/page", "/daggers"])
async def test_every_page_is_the_same_file(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path, headers=PAGE)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.endswith("the page")


async def test_a_page_may_load_nothing_from_elsewhere_and_run_nothing_that_it_brings(
    browser: httpx.AsyncClient,
) -> None:
    nonces = set()
    for _ in range(2):
        answer = await browser.get("/", headers=PAGE)
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        found = re.search('nonce="([^"]{22,})"', answer.text)
        assert found is not None
        assert policy["style-src"] == f"'self' 'nonce-{found[1]}'"
        nonces.add(found[1])
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert len(nonces) == 2


async def test_what_is_no_page_is_told_as_the_api_does(browser: httpx.AsyncClient) -> None:
    for path, headers in (
        ("/executions", {"Accept": "application/json"}),
        ("/executions", {"Accept": "*/*"}),
        ("/dagger/nothing", PAGE),
        ("/auth/nothing", PAGE),
        ("/monitoring/x", PAGE),
        ("/assets/gone-9f.js", {"Accept": "*/*"}),
    ):
        assert error(await browser.get(path, headers=headers)) == (404, "not_found"), path
    assert error(await browser.post("/executions", headers=PAGE)) == (404, "not_found")


@pytest.mark.parametrize("operation", [each for each in operations() if each.method == "GET"], ids=str)
async def test_no_operation_is_hidden_by_a_page(
    browser: httpx.AsyncClient, anonymous: httpx.AsyncClient, operation: Operation
) -> None:
    bare = await anonymous.get(operation.path, headers=PAGE)
    behind = await browser.get(operation.path, headers=PAGE)
    assert (behind.status_code, behind.content) == (bare.status_code, bare.content)


async def test_files_named_for_their_content_are_kept_for_ever(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/assets/main-1a2b.js")
    assert (answer.status_code, answer.content) == (200, SCRIPT)
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    icon = await browser.get("/favicon.svg")
    assert (icon.headers["content-type"], icon.headers["cache-control"]) == ("image/svg+xml", "public, max-age=3600")
    head = await browser.head("/assets/main-1a2b.js")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(SCRIPT)))


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("br; q=0, gzip", "gzip"),
        ("br;q=0", None),
        ("identity", None),
        ("", None),
    ],
)
async def test_files_go_compressed_to_who_takes_that(
    browser: httpx.AsyncClient, accepted: str, encoding: str | None
) -> None:
    request = browser.build_request("GET", "/assets/main-1a2b.js", headers={"Accept-Encoding": accepted})
    answer = await browser.send(request, stream=True)
    raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert raw == {"br": b"as brotli", None: SCRIPT}.get(encoding, raw)


@pytest.mark.parametrize("path", ["/assets/../../secret", "/../secret", "/assets/%2e%2e/%2e%2e/secret", "//secret"])
async def test_nothing_outside_is_served(browser: httpx.AsyncClient, path: str) -> None:
    request = browser.build_request("GET", "http://aiop.test/")
    request.url = request.url.copy_with(raw_path=path.encode())
    assert (await browser.send(request)).status_code == 404


async def test_without_the_files_the_page_says_how_to_build_them(service: Service, tmp_path: Path) -> None:
    transport = httpx.ASGITransport(create_app(service.services, site=tmp_path / "nothing"))
    async with httpx.AsyncClient(transport=transport, base_url="http://aiop.test") as client:
        answer = await client.get("/", headers=PAGE)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert "make ui" in answer.text
        assert "__CSP_NONCE__" not in answer.text
        assert (await client.get("/healthz")).status_code == 200

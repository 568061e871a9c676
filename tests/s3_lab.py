"""An S3 server for tests: moto's, in a process of its own, or the one that the environment names.

moto's needs flask and flask-cors; the extra that moto has for it would bring much more.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx
import obstore
from obstore.store import S3Store

from aiop.artifacts.bucket import Bucket, BucketPlace

ENDPOINT = "AIOP_TEST_S3"
"""URL of a server to test against, with a bucket ``aiop-tests`` that the AWS variables of the environment open."""

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "never-to-be-seen", "AWS_REGION": "us-east-1"}
"""Of moto, which takes any."""


class S3Lab:
    """One bucket; each test has a prefix of its own in it."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._store = S3Store(
            "aiop-tests",
            endpoint=endpoint,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )

    def place(self, prefix: str | None = None) -> BucketPlace:
        """Name a place; by default one that nobody has used."""
        return BucketPlace(f"s3://aiop-tests/{prefix or uuid4().hex}", endpoint=self.endpoint)

    def open(self, place: BucketPlace) -> Bucket:
        """Open a place."""
        return Bucket(place)

    def keys(self, place: BucketPlace) -> dict[str, bytes]:
        """Read all objects below a place."""
        prefix = place.url.rpartition("/")[2]
        return {
            each["path"].removeprefix(f"{prefix}/"): bytes(obstore.get(self._store, each["path"]).bytes())
            for some in obstore.list(self._store, f"{prefix}/")
            for each in some
        }

    def write(self, place: BucketPlace, key: str, content: bytes) -> None:
        """Put an object there, past the service."""
        obstore.put(self._store, f"{place.url.rpartition('/')[2]}/{key}", content)


@contextmanager
def s3_server() -> Iterator[S3Lab]:
    """Start the server, or use the one that is named; sets the variables by which clients find their keys."""
    named = os.environ.get(ENDPOINT)
    if named:
        yield S3Lab(named)
        return
    before = {name: os.environ.get(name) for name in KEYS}
    os.environ.update(KEYS)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield _made(process)
        finally:
            process.kill()
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def _made(process: subprocess.Popen[str]) -> S3Lab:
    assert process.stderr is not None
    for line in process.stderr:
        found = re.search(r"Running on (http://127\.0\.0\.1:\d+)", line)
        if found is not None:
            break
    else:
        raise AssertionError("the S3 server of the tests did not start")
    # It says a line for each request.
    threading.Thread(target=process.stderr.read, daemon=True).start()
    _make_bucket(found[1])
    return S3Lab(found[1])


def _make_bucket(endpoint: str) -> None:
    # moto looks at no signature, but takes the region from it.
    head = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20300101/us-east-1/s3/aws4_request"}
    httpx.put(f"{endpoint}/aiop-tests", headers=head, trust_env=False).raise_for_status()

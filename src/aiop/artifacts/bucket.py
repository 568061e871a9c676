"""An S3 bucket, or what speaks like one: a few calls, made in threads, with errors that say what is wrong."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiop.errors import StorageUnavailable

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Credential, S3Store

__all__ = ["Bucket", "BucketPlace", "Found", "Stored"]

_PART = 8 * 1024 * 1024
"""Of a large object; at most 10,000 of them make one."""

_PARTS_AT_ONCE = 2
_PIECE = 1024 * 1024
_LIST = 1000
_PROBE = "probe"
"""An object that stays, so that each start finds it."""
_CREDENTIALS_LIFE = timedelta(minutes=5)
_MESSAGE = re.compile(r"<Code>(?P<code>[^<]*)</Code>\s*<Message>(?P<message>[^<]*)</Message>")


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """Where the bucket is, and how it is spoken to.

    ``url`` is ``s3://bucket/prefix``. Without ``credentials_file`` (in the form of the AWS tools: ``[default]`` with
    ``aws_access_key_id``, ``aws_secret_access_key``, ``aws_session_token``; read again now and then, for it may be
    renewed) credentials come from the environment, a web identity or the instance's profile.
    """

    url: str
    endpoint: str | None = None
    region: str | None = None
    path_style: bool | None = None
    credentials_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """An object in a list."""

    key: str
    written_at: datetime
    size: int


@dataclass(frozen=True, slots=True)
class Found:
    """An object that is being read: ``pieces`` come from the network as they are asked for."""

    notes: Mapping[str, str]
    pieces: Iterator[bytes]


class Bucket:
    """Objects by key, each whole or not there. Every call blocks, and tries again by itself for some seconds.

    All raise ``StorageUnavailable`` for what is the bucket's fault, or that of its settings: the words say which.
    """

    def __init__(self, place: BucketPlace, *, patience: timedelta = timedelta(seconds=20)) -> None:
        self._name = place.url
        self._store = _open(place, patience)

    def check(self) -> None:
        """Try whether the bucket is there, lets us in, and does not make an object in the place of another."""
        self.page(None, 1)
        self.create(_PROBE, b"")
        if self.create(_PROBE, b""):
            raise StorageUnavailable(
                f"the bucket {self._name} cannot be used: its server ignores conditional writes (If-None-Match: *)"
            )

    def put(self, key: str, pieces: Iterable[bytes], *, notes: Mapping[str, str] | None = None) -> None:
        """Write an object, in the place of another one of this key; of a large one never more than a few parts are
        in memory. One that breaks off is not there.
        """
        import obstore

        source = iter(pieces)
        first: list[bytes] = []
        size = 0
        for piece in source:
            first.append(piece)
            size += len(piece)
            if size > _PART:
                break
        with self._faults():
            if size <= _PART:
                obstore.put(self._store, key, b"".join(first), attributes=dict(notes or {}), use_multipart=False)
            else:
                obstore.put(
                    self._store,
                    key,
                    chain(first, source),
                    attributes=dict(notes or {}),
                    chunk_size=_PART,
                    max_concurrency=_PARTS_AT_ONCE,
                )

    def create(self, key: str, content: bytes) -> bool:
        """Write a small object unless there is one of this key: of several that try, one gets ``True``."""
        import obstore

        with self._faults():
            try:
                obstore.put(self._store, key, content, mode="create")
            except obstore.exceptions.AlreadyExistsError:
                return False
        return True

    def get(self, key: str, *, start: int = 0) -> Found | None:
        """Open an object at byte ``start``; ``None`` if there is none."""
        import obstore

        with self._faults():
            try:
                result = obstore.get(self._store, key, options={"range": {"offset": start}} if start else {})
            except FileNotFoundError as error:
                self._tell_bucket(error)
                return None
            except obstore.exceptions.GenericError as error:
                if start and "InvalidRange" in str(error):
                    return Found({}, iter(()))
                raise
        notes = {str(name).lower(): str(value) for name, value in result.attributes.items()}
        return Found(notes, self._pieces(iter(result.stream(_PIECE))))

    def listed(self, prefix: str) -> list[Stored]:
        """List the few objects whose keys begin with ``prefix``, which ends with ``/``."""
        return list(self._list(prefix, None))

    def page(self, after: str | None, count: int) -> list[Stored]:
        """List ``count`` objects, in the order of their keys, from the one behind ``after`` on."""
        return list(islice(self._list(None, after), count))

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those that are not there are passed over."""
        import obstore

        if keys:
            with self._faults():
                obstore.delete(self._store, list(keys))

    def _list(self, prefix: str | None, after: str | None) -> Iterator[Stored]:
        import obstore

        with self._faults():
            for some in obstore.list(self._store, prefix, offset=after, chunk_size=_LIST):
                for each in some:
                    yield Stored(each["path"], each["last_modified"], each["size"])

    def _pieces(self, stream: Iterator[bytes]) -> Iterator[bytes]:
        while True:
            with self._faults():
                piece = next(stream, None)
            if piece is None:
                return
            yield bytes(piece)

    def _tell_bucket(self, error: FileNotFoundError) -> None:
        """A key that is not there is an answer; a bucket that is not there is none."""
        if "NoSuchBucket" in str(error):
            raise error

    @contextmanager
    def _faults(self) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            raise StorageUnavailable(f"the bucket {self._name} cannot be used: {_reason(error)}") from None


def _open(place: BucketPlace, patience: timedelta) -> S3Store:
    from obstore.store import S3Store

    url = urlsplit(place.url)
    if url.scheme != "s3" or not url.hostname or url.username or url.query or url.fragment:
        raise StorageUnavailable("the place of artifacts is written s3://bucket/prefix")
    config: S3Config = {}
    if place.endpoint:
        config["endpoint"] = place.endpoint
    if place.region:
        config["region"] = place.region
    # What stands at an address of its own seldom has a name for each bucket.
    path_style = place.endpoint is not None if place.path_style is None else place.path_style
    config["virtual_hosted_style_request"] = not path_style
    return S3Store(
        url.hostname,
        prefix=url.path.strip("/") or None,
        config=config,
        client_options={
            "allow_http": (place.endpoint or "").startswith("http://"),
            "connect_timeout": timedelta(seconds=5),
            "read_timeout": timedelta(seconds=30),
            # Of a whole answer, and so of the largest object.
            "timeout": timedelta(hours=1),
        },
        retry_config={"max_retries": 6, "retry_timeout": patience, "backoff": {"max_backoff": timedelta(seconds=5)}},
        **({} if place.credentials_file is None else {"credential_provider": _FileCredentials(place.credentials_file)}),
    )


class _FileCredentials:
    """Reads a file each time that what was read is old."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> S3Credential:
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(self._path.read_text())
            section = parser["default"]
            return {
                "access_key_id": section["aws_access_key_id"],
                "secret_access_key": section["aws_secret_access_key"],
                "token": section.get("aws_session_token"),
                "expires_at": datetime.now(UTC) + _CREDENTIALS_LIFE,
            }
        except (OSError, KeyError, configparser.Error, UnicodeDecodeError) as error:
            # The words of a parser quote the line.
            fault = error.strerror if isinstance(error, OSError) else "it is not in the form of the AWS tools"
            raise PermissionError(f"credentials cannot be read from {self._path}: {fault}") from None


def _reason(error: Exception) -> str:
    """Say in one line what the server, or the library, means."""
    text = str(error)
    said = _MESSAGE.search(text)
    if said is not None:
        return f"{said['message'].rstrip('.')} ({said['code']})"
    head = text.partition("\n\nDebug source:")[0].strip()
    return " ".join(head.split())[:500]

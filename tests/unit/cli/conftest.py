"""Runs commands in this process."""

from __future__ import annotations

import functools
import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from aiop.cli.main import run_program
from aiop.client import Client, Retry
from unit.cli.answers import StubService


@dataclass
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Ended]


@pytest.fixture
def stub() -> StubService:
    return StubService()


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment in which nobody has ever used aiop."""
    for name in [name for name in os.environ if name.startswith("AIOP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AIOP_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("AIOP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cli(stub: StubService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    def client(base_url: str, **options: Any) -> Client:
        options["retry"] = options["reconnect"] = Retry(attempts=1)
        return Client(base_url, transport=httpx.MockTransport(stub), **options)

    def run(*arguments: str, stdin: str = "") -> Ended:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = run_program(list(arguments))
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    monkeypatch.setattr("aiop.client.Client", functools.wraps(Client)(client))
    return run

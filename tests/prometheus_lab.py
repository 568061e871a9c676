"""A real Prometheus for tests, and its tool."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx

from docker_lab import missing

DEPLOY = Path(__file__).resolve().parent.parent / "deploy"


def promtool(*arguments: str, stdin: str | None = None, cwd: Path | None = None) -> str:
    """Run ``promtool``; raises ``AssertionError`` with what it says if it finds a fault."""
    done = subprocess.run(
        [_program("promtool"), *arguments], input=stdin, cwd=cwd, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        missing("prometheus", f"{name} is not installed (Debian's package prometheus)")
        raise AssertionError
    return found


class Prometheus:
    """One that scrapes ``target`` by the configuration in ``deploy``, only more often."""

    def __init__(self, directory: Path, target: str, token: str) -> None:
        self._directory = directory
        for file in (DEPLOY / "prometheus").iterdir():
            shutil.copy(file, directory)
        (directory / "aiop.token").write_text(token + "\n")
        config = (directory / "prometheus.yml").read_text()
        assert '"127.0.0.1:8000"' in config
        config = config.replace('"127.0.0.1:8000"', f'"{target}"')
        config = config.replace("_interval: 15s", "_interval: 500ms")
        (directory / "prometheus.yml").write_text(config)
        self._process: asyncio.subprocess.Process | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self._port}/api/v1", trust_env=False)

    async def start(self) -> None:
        with (self._directory / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                _program("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=data",
                f"--web.listen-address=127.0.0.1:{self._port}",
                cwd=self._directory, stdout=log, stderr=log,
            )  # fmt: skip
        async with asyncio.timeout(60):
            while not await self._answers():
                if self._process.returncode is not None:
                    raise AssertionError((self._directory / "log").read_text())
                await asyncio.sleep(0.1)  # another process: there is no event to await

    async def _answers(self) -> bool:
        try:
            return (await self._http.get("/status/buildinfo")).status_code == 200
        except httpx.TransportError:
            return False

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """Evaluate an expression; raises ``AssertionError`` if it is not valid."""
        answer = (await self._http.get("/query", params={"query": expression})).json()
        assert answer["status"] == "success", f"{expression}: {answer}"
        assert not answer.get("warnings"), f"{expression}: {answer}"
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    async def until(self, expression: str) -> list[dict[str, Any]]:
        """Evaluate until there is something, which a scrape or two may take."""
        async with asyncio.timeout(60):
            while True:
                if found := await self.query(expression):
                    return found
                await asyncio.sleep(0.2)  # it scrapes when it wants to: there is no event to await

    async def rules(self) -> list[dict[str, Any]]:
        """Return the rules that it evaluates."""
        groups = (await self._http.get("/rules")).json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    async def stop(self) -> None:
        await self._http.aclose()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

"""What is said of an engine that is not where it was looked for, before any process is started."""

import asyncio
from pathlib import Path

import pytest

from aiop.engines.dagger.session import Session
from aiop.errors import EngineRefused, EngineUnavailable

NO_CLI = "/nowhere/dagger"


async def test_where_there_is_no_socket_there_is_no_engine_yet(tmp_path: Path) -> None:
    endpoint = f"unix://{tmp_path}/engine.sock"
    with pytest.raises(EngineUnavailable, match=f"no Dagger Engine at {endpoint}: No such file") as raised:
        await Session.open(endpoint, cli=NO_CLI)
    assert not isinstance(raised.value, EngineRefused)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
async def test_where_nobody_listens_there_is_no_engine_yet(host: str) -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(EngineUnavailable, match=f"no Dagger Engine at tcp://.*:{port}: "):
        await Session.open(f"tcp://{host}:{port}", cli=NO_CLI)


async def test_a_place_without_a_port_is_none() -> None:
    with pytest.raises(EngineRefused, match="it lacks a port"):
        await Session.open("tcp://127.0.0.1", cli=NO_CLI)


async def test_a_socket_that_is_not_for_us_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def denied(_path: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(asyncio, "open_unix_connection", denied)
    with pytest.raises(EngineRefused, match="Permission denied"):
        await Session.open(f"unix://{tmp_path}/engine.sock", cli=NO_CLI)


async def test_what_is_named_otherwise_is_left_to_the_command_line() -> None:
    with pytest.raises(EngineRefused, match=f"command line cannot be run: {NO_CLI}"):
        await Session.open("container://engine", cli=NO_CLI)

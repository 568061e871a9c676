"""What is used of the SDK beyond its public interface is still there."""

import inspect

import httpx
import pytest

from aiop.engines.dagger.sdk import connected, download_cli, remembered
from aiop.errors import EngineUnavailable


async def test_a_session_that_does_not_answer_is_unavailable_at_once() -> None:
    with pytest.raises(EngineUnavailable):
        async with connected(port=1, token="x"):
            pytest.fail("there is no session")


async def test_a_command_line_that_cannot_be_downloaded_is_said_to_be_lacking(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def refuse(*_: object, **__: object) -> None:
        raise httpx.ConnectError("no network")

    monkeypatch.setattr(httpx, "stream", refuse)
    with pytest.raises(EngineUnavailable, match="no network"):
        await download_cli()


async def test_what_is_remembered_is_still_of_its_type_and_asks_for_nothing() -> None:
    import dagger

    class Known(dagger.CacheVolume):
        asked = 0

        async def id(self) -> str:
            type(self).asked += 1
            return "the-id"

    volume = await remembered(Known(dagger.Client()._ctx))
    assert isinstance(volume, dagger.CacheVolume)
    assert [await volume.id(), await volume.id(), Known.asked] == ["the-id", "the-id", 1]


def test_arguments_that_are_objects_are_still_replaced_by_what_their_id_says() -> None:
    from dagger.client._core import Context

    assert ".id()" in inspect.getsource(Context.resolve_ids)

"""The wheel has the pages, whole."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]


async def test_the_wheel_has_the_pages_and_all_that_they_load(built: None, tmp_path: Path) -> None:
    [wheel] = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        index = archive.read("aiop/ui/index.html").decode()
        loaded = {f"aiop/ui{path}" for path in re.findall(r'(?:src|href)="(/[^"]+)"', index)}
        scripts = b"".join(archive.read(name) for name in names if re.fullmatch(r"aiop/ui/assets/.*\.js", name))
    assert len(loaded) >= 4
    assert loaded <= names
    lazily = {
        f"aiop/ui/assets/{name}" for name in re.findall(r"[/\"']([\w.-]+-[\w-]{8}\.(?:js|css))", scripts.decode())
    }
    assert len(lazily) > 10
    assert lazily <= names
    assert not [name for name in names if "node_modules" in name or name.endswith(".map")]

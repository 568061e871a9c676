"""Workspaces as images, without an engine."""

import hashlib
import json
import subprocess
import sys
import tarfile
from pathlib import Path

from aiop.engines.dagger.workspaces import _take, pack_image
from aiop.model.run import Workspace
from trees import plant, raw


def workspace(directory: Path) -> Workspace:
    plant(directory / "source", {"kept": "1", "d/changed": "2", "gone": "3"})
    plant(directory / "layer", {"d/changed": "two"})
    for name in ("upper", "work"):
        (directory / name).mkdir()
    lowers = (str(directory / "layer"), str(directory / "source"))
    return Workspace("/workspace", lowers, str(directory / "upper"), str(directory / "work"))


def blob(tar: tarfile.TarFile, digest: str) -> bytes:
    file = tar.extractfile(f"blobs/{digest.replace(':', '/')}")
    assert file is not None
    content = file.read()
    assert f"sha256:{hashlib.sha256(content).hexdigest()}" == digest
    return content


def test_an_image_has_all_that_the_workspace_shows_in_one_layer(tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    pack_image(workspace(tmp_path), archive)
    with tarfile.open(archive) as tar:
        index = tar.extractfile("index.json")
        assert index is not None
        [described] = json.loads(index.read())["manifests"]
        manifest = json.loads(blob(tar, described["digest"]))
        [layer] = manifest["layers"]
        config = json.loads(blob(tar, manifest["config"]["digest"]))
        assert config["rootfs"]["diff_ids"] == [layer["digest"]]
        content = tmp_path / "layer.tar"
        content.write_bytes(blob(tar, layer["digest"]))
        assert content.stat().st_size == layer["size"]
    with tarfile.open(content) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]
    assert files == {"workspace/kept": b"1", "workspace/d/changed": b"two", "workspace/gone": b"3"}
    assert sorted(path.name for path in tmp_path.glob("image*")) == ["image.tar"]


def test_what_comes_back_as_it_was_sent_changes_nothing_and_what_differs_is_the_layer(tmp_path: Path) -> None:
    sent, archive = workspace(tmp_path), tmp_path / "image.tar"
    pack_image(sent, archive)
    _take(archive, sent)
    assert raw(tmp_path / "upper") == {}
    plant(tmp_path / "after", {"kept": "1", "d/changed": "three"})
    ended = Workspace("/workspace", (str(tmp_path / "after"),), str(tmp_path / "upper"), str(tmp_path / "work"))
    pack_image(ended, archive)
    _take(archive, sent)
    assert raw(tmp_path / "upper") == {"d": "(directory)", "d/changed": "three", "gone": "(removed)"}
    assert not archive.exists()


def test_without_an_engine_that_is_spoken_to_the_sdk_is_not_loaded() -> None:
    text = "import sys; from aiop.engines.dagger import DaggerEngine; DaggerEngine(endpoint=None, scratch=None)"
    text += "; assert 'dagger' not in sys.modules"
    subprocess.run([sys.executable, "-c", text], check=True)

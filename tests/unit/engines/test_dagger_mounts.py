"""How much of the host a step may mount, where it is copied."""

from pathlib import Path

import pytest

from aiop.engines.dagger.faults import StartRefused
from aiop.engines.dagger.mounts import check_mounts
from aiop.model.run import HostMount, VolumeMount


def mounts(*paths: Path) -> list[HostMount | VolumeMount]:
    return [*(HostMount(str(path), "/data", read_only=True) for path in paths), VolumeMount("v", "/v", read_only=False)]


def test_what_fits_is_let_through(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "file").write_bytes(bytes(10_000))
    (tmp_path / "loop").symlink_to(tmp_path)
    check_mounts(mounts(tmp_path), limit=10_000 + 2 * 4096)


@pytest.mark.parametrize("limit", [0, 10_000])
def test_what_does_not_fit_is_refused_and_says_what_can_be_done(tmp_path: Path, limit: int) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "file").write_bytes(bytes(10_000))
    with pytest.raises(StartRefused, match=f"{tmp_path} holds more than {limit} bytes.*AIOP_DAGGER_MOUNT_LIMIT_BYTES"):
        check_mounts(mounts(tmp_path), limit=limit)


def test_many_small_files_are_much_too(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / str(number)).touch()
    with pytest.raises(StartRefused):
        check_mounts(mounts(tmp_path), limit=9 * 4096)


def test_all_that_is_mounted_counts(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(bytes(6000))
    check_mounts(mounts(tmp_path / "one"), limit=10_000)
    with pytest.raises(StartRefused):
        check_mounts(mounts(tmp_path / "one", tmp_path / "two"), limit=10_000)

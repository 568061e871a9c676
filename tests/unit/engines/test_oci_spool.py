"""What a container writes, on its way into a file."""

import os
from pathlib import Path

from aiop.engines.oci.spool import Flow, Spool


def test_there_is_no_file_before_there_is_something_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "out")
    spool = Spool(tmp_path / "out", tmp_path / "1")
    writer = os.open(tmp_path / "out", os.O_WRONLY)
    assert spool.fill() is Flow.DRY
    assert (spool.take(), (tmp_path / "1").exists()) == (b"", False)
    os.write(writer, b"hello")
    assert spool.fill() is Flow.DRY
    assert (spool.take(), (tmp_path / "1").read_bytes()) == (b"hello", b"hello")
    os.close(writer)
    assert spool.fill() is Flow.OVER
    spool.close()


def test_the_end_of_who_never_wrote_is_seen(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "out")
    spool = Spool(tmp_path / "out", tmp_path / "1")
    os.close(os.open(tmp_path / "out", os.O_WRONLY))
    assert spool.fill() is Flow.OVER
    assert not (tmp_path / "1").exists()
    spool.close()


def test_what_is_beyond_the_limit_is_dropped(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "out")
    spool = Spool(tmp_path / "out", tmp_path / "1", limit=4)
    writer = os.open(tmp_path / "out", os.O_WRONLY)
    os.write(writer, b"hello")
    assert spool.fill() is Flow.DRY
    assert (spool.take(), spool.full) == (b"hell", True)
    os.close(writer)
    spool.close()

"""Archives of any form do no harm."""

import contextlib
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiop.artifacts.archives import ArchiveLimits, unpack
from aiop.errors import SourceRefused
from tars import Member, tar
from trees import MEMORY

names = st.lists(st.sampled_from(["a", "b", "..", ".", "", "l"]), min_size=1, max_size=4).map("/".join)
members = st.lists(
    st.tuples(
        names,
        st.one_of(
            st.none(), st.just(b"inside"), names.map("-> {}".format), names.map("=> {}".format), st.just("-> /etc")
        ),
    ),
    max_size=8,
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(members=members)
def test_no_archive_writes_outside_of_its_directory(members: list[Member]) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as directory:
        base = Path(directory)
        into = base / "deep" / "into"
        into.mkdir(parents=True)
        archive = base / "archive"
        archive.write_bytes(tar(members))
        with contextlib.suppress(SourceRefused):
            unpack(archive, into, ArchiveLimits())
        assert {path.name for path in base.iterdir()} == {"deep", "archive"}
        assert [path.name for path in into.parent.iterdir()] == ["into"]
        assert not any(path.lstat().st_size > 6 for path in into.rglob("*") if path.is_file())

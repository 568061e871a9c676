"""Whatever is in a tree, its snapshot has the same, and a name of its own."""

import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from aiop.artifacts.blobs import Blobs
from aiop.artifacts.disk import Disk
from aiop.artifacts.snapshots import Snapshots
from changes import Change, changes, shapes
from trees import MEMORY, Shape, plant, shape


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(content=shapes(), actions=changes)
def test_snapshots_of_any_tree_are_equal_if_and_only_if_the_trees_are(content: Shape, actions: list[Change]) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as directory:
        disk = Disk(Path(directory, "artifacts"))
        disk.open()
        snapshots = Snapshots(disk, Blobs(disk), os.utime)
        source = plant(Path(directory, "source"), content)

        def described() -> tuple[object, ...]:
            executable = {str(path) for path in source.rglob("*") if path.is_file() and path.stat().st_mode & 0o100}
            return shape(source), executable

        before, first = described(), snapshots.take(source)
        assert shape(snapshots.tree(first.id)) == before[0]
        for action in actions:
            action.do(source)
        after, second = described(), snapshots.take(source)
        assert shape(snapshots.tree(second.id)) == after[0]
        assert (first.id == second.id) == (before == after)

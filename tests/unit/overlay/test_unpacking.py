"""A workspace that a user other than root had to unpack comes back as what that user's step changed."""

import os
import tarfile
from pathlib import Path

from aiop.overlay import unpack_changes
from trees import plant, raw

USER, GROUP = 1234, 5678


def come_back(tree: Path, lower: Path, upper: Path) -> None:
    """Take what is in ``tree`` as the directory of a container that runs as ``USER``."""

    def owned(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid, member.gid = USER, GROUP
        return member

    archive = tree.with_suffix(".tar")
    with tarfile.open(archive, "w") as tar:
        tar.add(tree, ".", filter=owned)
    upper.mkdir()
    with archive.open("rb") as file:
        unpack_changes(file, ".", str(upper), [str(lower)], user=USER)


def test_what_that_user_did_not_change_is_in_no_layer(tmp_path: Path) -> None:
    before = {"d/f": "1\n", "g": "2\n", "l": "-> g", "gone": "x"}
    lower, tree = plant(tmp_path / "lower", before), plant(tmp_path / "tree", before)
    (tree / "g").write_text("3\n")
    (tree / "made").write_text("4\n")
    (tree / "gone").unlink()
    come_back(tree, lower, tmp_path / "upper")
    assert raw(tmp_path / "upper") == {"g": "3\n", "made": "4\n", "gone": "(removed)"}


def test_what_that_user_made_is_its_own_and_the_rest_is_whose_it_was(tmp_path: Path) -> None:
    before = {"written": "1", "replaced": "2"}
    lower, tree = plant(tmp_path / "lower", before), plant(tmp_path / "tree", before)
    (tree / "written").write_text("3")
    (tree / "replaced").write_text("4")
    (tree / "replaced").chmod(0o600)
    (tree / "made").write_text("5")
    come_back(tree, lower, tmp_path / "upper")
    owners = {file.name: (file.stat().st_uid, file.stat().st_gid) for file in (tmp_path / "upper").iterdir()}
    ours = (os.geteuid(), os.getegid())
    others = (USER, GROUP) if os.geteuid() == 0 else ours
    assert owners == {"written": ours, "replaced": others, "made": others}

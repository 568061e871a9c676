"""Random changes to a tree of files, as steps make them: for property tests."""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from trees import Shape


@dataclass(frozen=True)
class Change:
    """One thing that a step does; what cannot be done (nothing is there, something is in the way) does nothing."""

    verb: str
    path: str
    other: str

    def do(self, root: Path) -> None:
        place, other = root / self.path, root / self.other
        with contextlib.suppress(OSError, shutil.Error):
            getattr(self, f"_{self.verb}")(place, other)

    def _write(self, place: Path, other: Path) -> None:
        place.write_text(self.other)

    def _append(self, place: Path, other: Path) -> None:
        if place.is_file() and not place.is_symlink():
            with place.open("a") as file:
                file.write("+")

    def _rewrite(self, place: Path, other: Path) -> None:
        """Write what is there already."""
        if place.is_file() and not place.is_symlink():
            place.write_text(place.read_text())

    def _mkdir(self, place: Path, other: Path) -> None:
        place.mkdir(parents=True)

    def _remove(self, place: Path, other: Path) -> None:
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink()

    def _replace(self, place: Path, other: Path) -> None:
        """Put an empty directory in the place of what is there."""
        self._remove(place, other)
        place.mkdir()

    def _move(self, place: Path, other: Path) -> None:
        if os.path.lexists(other) or not os.path.lexists(place):
            return
        if Path(os.path.realpath(other.parent)).is_relative_to(os.path.realpath(place)):
            return  # into itself, perhaps by way of a link
        try:
            place.rename(other)
        except OSError:
            # An overlay does not rename directories that it merges; programs copy them then.
            shutil.copytree(place, other, symlinks=True)
            shutil.rmtree(place)

    def _symlink(self, place: Path, other: Path) -> None:
        place.symlink_to(self.other)

    def _link(self, place: Path, other: Path) -> None:
        if place.is_file() and not place.is_symlink():
            os.link(place, other)

    def _chmod(self, place: Path, other: Path) -> None:
        if not place.is_symlink():
            place.chmod(0o755 if place.is_dir() else 0o640)

    def _touch(self, place: Path, other: Path) -> None:
        if not place.is_symlink():
            os.utime(place, (1, 1))


_VERBS = [name[1:] for name in vars(Change) if name.startswith("_") and not name.startswith("__")]
_names = st.sampled_from("abc")
paths = st.lists(_names, min_size=1, max_size=3).map("/".join)

changes = st.lists(st.builds(Change, st.sampled_from(_VERBS), paths, paths), max_size=12)


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """A tree: no path lies behind a file."""
    found: dict[str, str | None] = {}
    for path in draw(st.lists(paths, max_size=8)):
        if any(other == path or other.startswith(f"{path}/") for other in found):
            continue
        if any(path.startswith(f"{other}/") and found[other] is not None for other in found):
            continue
        found[path] = draw(st.sampled_from(["one", "two", "", None, "-> a", "-> /nowhere"]))
    return found

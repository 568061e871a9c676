"""A file system that is soon full."""

import shutil
import subprocess
from pathlib import Path

import pytest

_BLOCK = 4096


class SmallDisk:
    """``size`` bytes in memory, mounted at ``path``. Needs root: without, the test is skipped."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self._ballast = path / "ballast"
        path.mkdir(exist_ok=True)
        mount = shutil.which("mount")
        command = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
        made = mount and subprocess.run([mount, *command], capture_output=True, check=False)
        if not made or made.returncode:
            pytest.skip("only root can mount a small file system")

    def fill(self) -> None:
        """Write until nothing fits any more."""
        with self._ballast.open("ab", buffering=0) as file:
            try:
                while file.write(b"\0" * _BLOCK):
                    pass
            except OSError:
                return

    def free(self) -> None:
        """Make space again."""
        self._ballast.unlink()

    def close(self) -> None:
        """Unmount it, once nobody uses it any more."""
        subprocess.run(["umount", "-l", str(self.path)], check=True)

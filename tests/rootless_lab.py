"""An ordinary user with subordinate ids, for tests that run as root; nobody else on the machine knows of that user."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

NAME, NUMBER, FIRST, COUNT = "aiop-tester", 54321, 6_000_000, 65_536
ROOT = Path(__file__).parents[1]
DEVICE = "/dev/net/tun"
KNOWN = tuple(Path("/etc", name) for name in ("passwd", "group", "subuid", "subgid"))

# Everything that is mounted here is seen by what is started here, and by nothing else.
BECOME = """\
set -e
lab=$1; shift
for file in passwd group subuid subgid; do mount --bind "$lab/$file" "/etc/$file"; done
mount --bind "$lab/tun" /dev/net/tun
while [ "$1" != -- ]; do
    mount --bind "$2" "$lab/kept"
    mountpoint -q "$lab/covered$1" || { mkdir -p "$lab/covered$1"; mount -t tmpfs -o mode=755 none "$1"; }
    mkdir -p "$2"
    mount --move "$lab/kept" "$2"
    shift 2
done
shift
exec setpriv --reuid $uid --regid $uid --clear-groups -- "$@"
"""


class RootlessMissing(Exception):
    """No ordinary user can run containers here; the message says why."""


class RootlessLab:
    """``home`` is the user's. ``command`` runs something as that user."""

    def __init__(self) -> None:
        if os.geteuid() != 0:
            raise RootlessMissing("tests of another user's service need root, who can become that user")
        if shutil.which("newuidmap") is None:
            raise RootlessMissing("newuidmap is not installed (package uidmap)")
        if not Path(DEVICE).exists():
            raise RootlessMissing(f"{DEVICE} is not there: the user has no network")
        if unknown := [name for name in KNOWN if not name.exists()]:
            raise RootlessMissing(f"{unknown[0]} is not there: nobody has subordinate ids")
        # Not below pytest's own directories, which are root's alone.
        self._place = Path(tempfile.mkdtemp(prefix="aiop-rootless-"))
        self._place.chmod(0o755)
        self.home = self._place / "home"
        self.home.mkdir(mode=0o700)
        os.chown(self.home, NUMBER, NUMBER)
        (self._place / "kept").mkdir()
        span = f"{NAME}:{FIRST}:{COUNT}\n"
        user = f"{NAME}:x:{NUMBER}:{NUMBER}::{self.home}:/bin/sh\n"
        for known, line in zip(KNOWN, (user, f"{NAME}:x:{NUMBER}:\n", span, span), strict=True):
            (self._place / known.name).write_text(known.read_text() + line)
        # Where no udev runs, only root can open the machine's own.
        os.mknod(self._place / "tun", stat.S_IFCHR, Path(DEVICE).stat().st_rdev)
        (self._place / "tun").chmod(0o666)

    def command(self, *words: str) -> list[str]:
        """Say how to run this as the user, in a process group of whoever runs it."""
        hidden = [str(path) for needed in (sys.base_prefix, str(ROOT)) for path in _hiding(Path(needed))]
        script = f"uid={NUMBER}\n{BECOME}"
        environment = ["env", f"HOME={self.home}", f"USER={NAME}", f"LOGNAME={NAME}"]
        return ["unshare", "--mount", "sh", "-c", script, "sh", str(self._place), *hidden, "--", *environment, *words]

    def run(self, *words: str, **options: object) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(self.command(*words), capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]

    def close(self) -> None:
        """Delete all that the user has left."""
        shutil.rmtree(self._place)


def _hiding(path: Path) -> list[Path]:
    """Return the directory that keeps others from this one, and this one; nothing if none does."""
    for parent in reversed(path.parents):
        if not parent.stat().st_mode & stat.S_IXOTH:
            return [parent, path]
    return []

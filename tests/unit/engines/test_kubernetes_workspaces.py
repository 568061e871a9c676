"""The copy of a workspace on its way out of a pod."""

import io
import tarfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from aiop.engines.kubernetes.workspaces import copy_workspace_out
from aiop.model.run import Workspace


class Cluster:
    """Answers a command in a pod with an archive of its workspace, after the line that says whose it is."""

    def __init__(self, files: dict[str, str]) -> None:
        self.asked = 0
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            root = tarfile.TarInfo(".")
            root.type, root.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(root)
            for name, text in files.items():
                member = tarfile.TarInfo(f"./{name}")
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text.encode()))
        self._answer = b"0\n" + out.getvalue()

    async def run(self, pod: str, container: str, command: Sequence[str]) -> AsyncIterator[bytes]:
        self.asked += 1
        for start in range(0, len(self._answer), 700):
            yield self._answer[start : start + 700]


async def test_what_a_pod_changed_is_taken_once(tmp_path: Path) -> None:
    directories = [tmp_path / name for name in ("below", "upper", "work")]
    for directory in directories:
        directory.mkdir()
    below, upper, work = map(str, directories)
    workspace = Workspace("/workspace", (below,), upper, work)
    cluster: Any = Cluster({"made": "made\n"})
    for _ in range(2):
        await copy_workspace_out(cluster, "pod", workspace)
        assert {path.name: path.read_text() for path in Path(upper).iterdir()} == {"made": "made\n"}
    assert cluster.asked == 1

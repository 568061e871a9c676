"""The real service in a process of its own, on a fake engine, as its user finds it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

AIOP = [sys.executable, "-c", "from aiop.cli.main import main; main()"]


@contextmanager
def serving(directory: Path) -> Iterator[dict[str, str]]:
    """Run the service; yields the environment of somebody who has just installed it, and done nothing else."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIOP_")}
    environment |= {"AIOP_DATA_DIR": str(directory / "data"), "AIOP_CONFIG_DIR": str(directory / "config"), "TZ": "UTC"}
    process = subprocess.Popen(
        [*AIOP, "serve", "--port", "0"],
        env={**environment, "AIOP_ENGINE": "fake"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if '"serving"' in line:
            environment["AIOP_SERVER"] = json.loads(line)["url"]
            break
    else:
        raise AssertionError(f"the service did not start:\n{said}")
    try:
        yield environment
    finally:
        process.terminate()
        process.communicate()

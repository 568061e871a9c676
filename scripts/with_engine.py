"""Runs a command with ``DOCKER_HOST`` set to an engine that answers, started for it if there is none.

    python scripts/with_engine.py COMMAND [ARGUMENT...]

The engine has the images of the examples. Its state is kept under ``var/engine``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from docker_engine import EngineMissing, docker_engine
from example_images import provide_images

STATE = Path(__file__).resolve().parent.parent / "var" / "engine"


def main(command: list[str]) -> int:
    """Run the command; returns its exit code."""
    try:
        with docker_engine(STATE) as endpoint:
            provide_images(endpoint)
            return run(command, endpoint)
    except EngineMissing as error:
        print(f"aiop: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run(command: list[str], endpoint: str) -> int:
    """Wait for the command to end by itself, however often Ctrl-C is pressed: the terminal sends that to it too."""
    process = subprocess.Popen(command, env={**os.environ, "DOCKER_HOST": endpoint})
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What ``make serve`` does: the service alone, with a Docker Engine only where its containers are to run there.

    python scripts/serve.py COMMAND [ARGUMENT...]

The command is that of the service. An engine that runs none of its containers is not started for it.
"""

from __future__ import annotations

import os
import sys

import with_engine
from aiop.config import Settings
from aiop.engines.oci.host import shortcomings
from embedded_engine import provide_images_to


def main(command: list[str]) -> None:
    """Become the service, or run it beside its engine, and end with its exit code."""
    settings = Settings()
    engine = settings.engine
    if engine == "auto":
        engine = "docker" if settings.docker_endpoint or shortcomings() else "oci"
    if engine == "docker":
        sys.exit(with_engine.main(command))
    # Where nothing is yet no service runs that could have the store open.
    if engine == "oci" and not (settings.data_dir / "images").exists() and not shortcomings():
        print(f"aiop: {provide_images_to(settings.data_dir)}", flush=True)
    os.execv(command[0], command)  # noqa: S606 - it is what make names


if __name__ == "__main__":
    main(sys.argv[1:])

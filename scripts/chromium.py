"""How Chromium is started that looks at the web UI: for its tests and for its pictures."""

from __future__ import annotations

import os
import shutil

__all__ = ["FLAGS", "executable"]

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def executable() -> str | None:
    """Return the path of the Chromium of this machine, or of the one that ``AIOP_TEST_CHROMIUM`` names."""
    return os.environ.get("AIOP_TEST_CHROMIUM") or shutil.which("chromium")

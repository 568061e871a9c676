"""Which settings files of ``deploy`` name, and which there are."""

from __future__ import annotations

import re
from pathlib import Path

from aiop.config import Settings

ELSEWHERE = {"AIOP_DATA", "AIOP_TAG"}
"""Variables of the Compose file itself."""


def known() -> set[str]:
    """All settings, by their variables."""
    return {f"AIOP_{name.upper()}" for name in Settings.model_fields}


def named(path: Path) -> set[str]:
    """The variables in a file."""
    return set(re.findall(r"\bAIOP_[A-Z_]+\b", path.read_text())) - ELSEWHERE

"""The end of a command's help: how it is used."""

from __future__ import annotations

__all__ = ["examples"]


def examples(*commands: str) -> str:
    """Write the commands under a heading; what follows a ``#`` says what one is for."""
    # \b is how the library is told to leave the lines as they are
    return "\n".join(["\b", "Examples:", *(f"  {command}" for command in commands)])

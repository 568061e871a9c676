"""``aiop top``: what the service is busy with, live."""

from aiop.cli.top.command import EXAMPLES, top

__all__ = ["EXAMPLES", "top"]

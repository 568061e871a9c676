"""Watching an execution: what is known of it, the two ways to show that, and the loop that joins them."""

from aiop.cli.watch.loop import Needs, conclude, needs_of, watch_execution

__all__ = ["Needs", "conclude", "needs_of", "watch_execution"]

"""Watching an execution: what is known of it, the two ways to show that, and the loop that joins them."""

from aiop.cli.watch.loop import conclude, watch_execution

__all__ = ["conclude", "watch_execution"]

"""Wakes between the parts of the service; no facts travel here."""

from aiop.bus.local import LocalBus

__all__ = ["LocalBus"]

"""Wakes between the parts of the service; no facts travel here."""

from aiop.bus.local import LocalBus
from aiop.bus.postgres import PostgresBus

__all__ = ["LocalBus", "PostgresBus"]

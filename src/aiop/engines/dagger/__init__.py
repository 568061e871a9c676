"""Dagger Engine (0.19 and newer), through the official SDK, which is imported once an engine is spoken to."""

from aiop.engines.dagger.engine import DaggerEngine

__all__ = ["DaggerEngine"]

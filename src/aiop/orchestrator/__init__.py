"""Runs executions: a pure core that decides (``decide``, ``retry``) inside thin loops that act."""

"""Builds the service out of its parts. The only package that knows all of them."""

from aiop.runtime.serve import serve

__all__ = ["serve"]

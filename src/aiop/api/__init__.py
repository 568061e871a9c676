"""The REST API: a module per resource, each with its routes; ``schemas`` says what goes in and out."""

from aiop.api.app import create_app
from aiop.api.services import Services, StreamTimes

__all__ = ["Services", "StreamTimes", "create_app"]

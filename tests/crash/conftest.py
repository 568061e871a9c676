"""A service on real Docker, and a look at what it leaves there."""

import asyncio
import os

import pytest
from docker_lab import docker_client
from service_process import ServiceProcess


@pytest.fixture
def marks(tmp_path):
    """A directory that steps write to; what they ran is counted there."""
    directory = tmp_path / "marks"
    directory.mkdir()
    return directory

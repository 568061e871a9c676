"""Docker Engine (API 1.41 and newer), also behind Podman's Docker socket."""

from aiop.engines.docker.client import TlsMaterial, find_endpoint
from aiop.engines.docker.engine import DockerEngine

__all__ = ["DockerEngine", "TlsMaterial", "find_endpoint"]

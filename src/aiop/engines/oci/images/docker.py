"""What a Docker Engine on this machine says of an image; skopeo copies it, and not by which digest it is known."""

from __future__ import annotations

import os

from aiop.engines.oci.images.references import Reference

__all__ = ["digest_in_docker", "docker_endpoint"]

_SECONDS = 10


def docker_endpoint(configured: str | None) -> str:
    """Name the engine to ask: the configured one, else the one that Docker's command line would take."""
    return configured or os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


async def digest_in_docker(endpoint: str, reference: Reference) -> str | None:
    """Return the digest under which the image's registry knows it; ``None`` if Docker made it, or does not say.

    Only a socket of this machine is asked.
    """
    if not endpoint.startswith("unix://"):
        return None
    import httpx  # a service that never does this is to be spared it

    transport = httpx.AsyncHTTPTransport(uds=endpoint.removeprefix("unix://"))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://docker", timeout=_SECONDS) as http:
            answer = await http.get(f"/images/{reference}/json")
        known = [Reference.of(name) for name in answer.json().get("RepoDigests") or ()]
    except (httpx.HTTPError, ValueError, AttributeError):
        return None
    return next((each.digest for each in known if each.repository == reference.repository), None)

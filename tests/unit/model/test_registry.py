"""Which registry an image comes from, and whose credentials it may see."""

import pytest

from aiop.model.registry import registry_of
from aiop.model.run import Credentials


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("python", "docker.io"),
        ("acme/app", "docker.io"),
        ("library/busybox:1", "docker.io"),
        ("index.docker.io/python", "docker.io"),
        ("ghcr.io/acme/app:1", "ghcr.io"),
        ("localhost/app", "localhost"),
        ("localhost:5000/app@sha256:" + "0" * 64, "localhost:5000"),
        ("127.0.0.1:5000/x:1", "127.0.0.1:5000"),
        ("[::1]:5000/app", "[::1]:5000"),
        ("Registry.Example/x", "registry.example"),
        ("Host/x", "host"),
    ],
)
def test_the_registry_of_an_image_is_that_which_it_is_pulled_from(image: str, registry: str) -> None:
    assert registry_of(image) == registry


@pytest.mark.parametrize(
    ("registry", "image", "fits"),
    [
        ("docker.io", "busybox", True),
        ("https://index.docker.io/v1/", "busybox", True),
        ("", "busybox", True),
        ("http://127.0.0.1:5000/v2/", "127.0.0.1:5000/a", True),
        ("HOST.example", "host.example/a", True),
        ("host.example", "busybox", False),
        ("host.example:5000", "host.example/a", False),
        ("docker.io", "host.example/a", False),
        ("docker.io", "Host/a", False),
    ],
)
def test_credentials_are_for_one_registry(registry: str, image: str, fits: bool) -> None:
    assert Credentials(registry, "user", "password").are_for(registry_of(image)) is fits

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiop.model.registry import registry_of
from aiop.spec import ImageError, apply_registry, check_image, check_registry
from unit.spec.documents import unhurried

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("image", "registry", "expected"),
    [
        ("python:3.9-slim", None, "python:3.9-slim"),
        ("python:3.9-slim", "docker.io", "python:3.9-slim"),
        ("docker.io/python:3.9-slim", None, "python:3.9-slim"),
        ("docker.io/python:3.9-slim", "ghcr.io", "python:3.9-slim"),
        ("docker.io/library/python", None, "python"),
        ("index.docker.io/acme/app", None, "acme/app"),
        ("library/python", None, "python"),
        ("acme/app:1", "docker.io", "acme/app:1"),
        ("python:3.9-slim", "registry.example:5000", "registry.example:5000/python:3.9-slim"),
        ("acme/app", "ghcr.io/mirror/", "ghcr.io/mirror/acme/app"),
        ("python", "docker.io/mirror", "mirror/python"),
        ("ghcr.io/acme/app", "registry.example", "ghcr.io/acme/app"),
        ("localhost/app", "registry.example", "localhost/app"),
        ("localhost:5000/app", None, "localhost:5000/app"),
        ("registry.example/library/app", None, "registry.example/library/app"),
        (f"python@{DIGEST}", "r.example", f"r.example/python@{DIGEST}"),
    ],
)
def test_a_registry_goes_before_images_that_name_none(image: str, registry: str | None, expected: str) -> None:
    assert apply_registry(image, registry) == expected


@pytest.mark.parametrize(
    "image",
    [
        "busybox",
        "busybox:1.36-musl",
        "a__b/c-d.e",
        "a---b",
        "reg.example:5000/a/b/c:Tag_1.x",
        f"busybox:1@{DIGEST}",
        "Upper.example/app",
    ],
)
def test_well_formed_images_pass(image: str) -> None:
    check_image(image)


@pytest.mark.parametrize(
    "image",
    [
        "",
        " ",
        "Busybox",
        "busybox:",
        "busybox:a b",
        "busybox:.1",
        "busybox@sha256:12",
        "busybox@",
        "a//b",
        "/busybox",
        "busybox/",
        "-a",
        "a-",
        "a..b",
        "a___b",
        "reg.example:port/a",
        "reg_x.example/a",
        "http://reg.example/a",
        "a" * 256,
        "busybox:" + "1" * 129,
        "büsybox",
        "busybox\n",
    ],
)
def test_malformed_images_are_refused(image: str) -> None:
    with pytest.raises(ImageError):
        check_image(image)


@pytest.mark.parametrize(
    ("registry", "plain"),
    [("docker.io", "docker.io"), ("r.example:5000/", "r.example:5000"), ("ghcr.io/acme/mirror", "ghcr.io/acme/mirror")],
)
def test_a_registry_is_given_in_a_plain_form(registry: str, plain: str) -> None:
    assert check_registry(registry) == plain


@pytest.mark.parametrize(
    "registry",
    ["", "https://r.example", "r example", "r.example/Path", "r.example//", "r:x", "/x", "mirror", "mirror/path"],
)
def test_malformed_registries_are_refused(registry: str) -> None:
    with pytest.raises(ImageError):
        check_registry(registry)


@unhurried
@given(st.text(alphabet="ab./:@-_A", max_size=20), st.sampled_from([None, "docker.io", "r.example:5000/p"]))
def test_applying_a_registry_twice_changes_nothing_more(image: str, registry: str | None) -> None:
    try:
        check_image(image)
    except ImageError:
        return
    once = apply_registry(image, registry)

    check_image(once)
    if registry != "docker.io":
        assert apply_registry(once, None) == once
    assert registry_of(once) == registry_of(apply_registry(once, None))

"""Which of an image's digests is that of the repository that was asked for."""

from typing import Any

import pytest

from aiop.engines.docker.images import Images, repository_of


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("python", "python"),
        ("python:3.9-slim", "python"),
        ("docker.io/library/python:3.9-slim", "python"),
        ("docker.io/acme/python@sha256:00", "acme/python"),
        ("localhost:5000/python", "localhost:5000/python"),
        ("localhost:5000/a/python:1@sha256:00", "localhost:5000/a/python"),
    ],
)
def test_a_repository_is_the_name_without_tag_and_digest(image: str, repository: str) -> None:
    assert repository_of(image) == repository


@pytest.mark.parametrize(
    ("image", "digest"),
    [
        ("python:3.9", "sha256:python"),
        ("docker.io/library/python", "sha256:python"),
        ("py:1", "sha256:py"),
        ("pythonic:1", "sha256:id"),
        ("localhost:5000/python:3.9", "sha256:local"),
    ],
)
def test_a_name_that_begins_like_another_is_another(image: str, digest: str) -> None:
    names = ["py@sha256:py", "python@sha256:python", "localhost:5000/python@sha256:local"]
    found: dict[str, Any] = {"Id": "sha256:id", "RepoDigests": names}
    assert Images(None)._note(image, found) == digest  # type: ignore[arg-type]

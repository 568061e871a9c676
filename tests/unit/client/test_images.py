"""Answers about images."""

from aiop.client import Image, ImagesImported
from aiop.client.decode import decode

KEPT = {
    "id": "sha256:1",
    "digest": "sha256:2",
    "names": ["tool:1"],
    "size": 10,
    "layers": 1,
    "used_at": "2026-11-24T10:00:00Z",
    "imported": True,
    "holders": 0,
}


def test_what_an_archive_held_comes_as_images() -> None:
    imported = decode(ImagesImported, {"images": [KEPT]})
    assert imported.images == (decode(Image, KEPT),)
    assert imported.images[0].names == ("tool:1",)

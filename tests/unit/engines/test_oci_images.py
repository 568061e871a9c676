"""What the image store decides without asking anybody."""

import pytest

from aiop.engines.oci.images.faults import fault_of, words_of
from aiop.engines.oci.images.pruning import superfluous
from aiop.engines.oci.images.references import Reference
from aiop.engines.oci.images.storage import Contents, StoredImage, StoredLayer
from aiop.errors import EngineUnavailable, ImageRefused, ImageStoreFull, RegistryUnavailable

D = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("busybox:1", "docker.io/library/busybox:1"),
        ("docker.io/busybox:1", "docker.io/library/busybox:1"),
        ("index.docker.io/library/busybox:1", "docker.io/library/busybox:1"),
        ("some/image", "docker.io/some/image:latest"),
        ("localhost/image:1", "localhost/image:1"),
        ("127.0.0.1:5000/a/b:c", "127.0.0.1:5000/a/b:c"),
        ("[::1]:5000/a:c", "[::1]:5000/a:c"),
        ("quay.io/a/b", "quay.io/a/b:latest"),
        (f"busybox@{D}", f"docker.io/library/busybox@{D}"),
        (f"busybox:1@{D}", f"docker.io/library/busybox@{D}"),
    ],
)
def test_each_image_has_one_spelling(text: str, whole: str) -> None:
    assert str(Reference.of(text)) == whole
    assert Reference.of(whole) == Reference.of(text)


@pytest.mark.parametrize(
    "text",
    ["", "Not An Image", "a//b", "-a", "a:", "a:b:c", f"a@{D[:-1]}", f"a@{D}0", "a@md5:" + "0" * 32, f"a@{D.upper()}",
     "../a", "host.example:123456/a", "a b", "a\n", "docker://a", "@" + D],
)  # fmt: skip
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(ImageRefused, match="invalid reference"):
        Reference.of(text)


def test_people_see_the_short_spelling() -> None:
    assert [Reference.of(text).short for text in ("busybox", "a/b:1", "quay.io/a:1")] == [
        "busybox:latest",
        "a/b:1",
        "quay.io/a:1",
    ]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("reading manifest 1 in host/a: manifest unknown: manifest unknown", ImageRefused),
        ("reading manifest 1 in host/a: unauthorized: authentication required", ImageRefused),
        ("pinging container registry h: Get \"http://h/v2/\": dial tcp 1.2.3.4:1: refused", RegistryUnavailable),
        ("pinging container registry h: received unexpected HTTP status: 503 Service Unavailable", RegistryUnavailable),
        ("reading manifest 1: toomanyrequests: You have reached your pull rate limit", RegistryUnavailable),
        ("writing blob: Error processing tar file: write /x: no space left on device", ImageStoreFull),
        ("writing blob: open /x: too many open files", EngineUnavailable),
        ("signal: killed (SIGKILL): ", EngineUnavailable),
        ("initializing source docker-daemon:a: Cannot connect to the Docker daemon at unix:///a", EngineUnavailable),
    ],
)  # fmt: skip
def test_who_is_at_fault_is_told_apart(words: str, error: type[Exception]) -> None:
    assert type(fault_of(words)) is error


def test_the_name_of_an_image_is_no_sign_of_a_fault() -> None:
    words = "reading manifest 1 in host/i/o timeout-EOF/timeout: manifest unknown"
    assert type(fault_of(words, names=["host/i/o timeout-EOF/timeout"])) is ImageRefused
    assert "timeout-EOF" in str(fault_of(words, names=["host/i/o timeout-EOF/timeout"]))


def test_a_fault_shows_no_secret() -> None:
    assert str(fault_of("no: user pass-word", secrets=["pass-word", "user", ""])) == "no: *** ***"


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        ('time="t" level=warning msg="w"\ntime="t" level=fatal msg="a \\"b\\" c"\n', 'a "b" c'),
        ('time="t" level=fatal msg=EOF\n', "EOF"),
        ('level=fatal msg="Error parsing image name \\"a\\": reading: gone"', "reading: gone"),
        ("setpriv: failed\n", "setpriv: failed"),
        ("", "skopeo said nothing"),
    ],
)  # fmt: skip
def test_the_last_words_are_those_that_count(stderr: str, words: str) -> None:
    assert words_of(stderr) == words


def stored(**images: str) -> Contents:
    """Images of layers, each named by a letter and of ten bytes, the topmost first."""
    return Contents(
        {name: StoredImage(name, (), tuple(layers)) for name, layers in images.items()},
        {layer: StoredLayer(layer, None, 10) for layers in images.values() for layer in layers},
    )


def test_what_was_used_least_recently_goes_first_until_the_rest_fits() -> None:
    contents = stored(old="a", older="b", new="c")
    used = {"older": 1.0, "old": 2.0, "new": 3.0}
    assert superfluous(contents, used, kept=(), limit=30) == ([], 0)
    assert superfluous(contents, used, kept=(), limit=25) == (["older"], 10)
    assert superfluous(contents, used, kept=(), limit=10) == (["older", "old"], 20)


def test_what_is_kept_never_goes() -> None:
    contents = stored(old="a", new="b")
    assert superfluous(contents, {}, kept={"old"}, limit=0) == (["new"], 10)
    assert superfluous(contents, {}, kept={"old", "new"}, limit=0) == ([], 0)


def test_a_layer_that_others_have_is_freed_with_the_last_of_them() -> None:
    contents = stored(one="ax", two="bx", three="x")
    used = {"one": 1.0, "two": 2.0, "three": 3.0}
    assert superfluous(contents, used, kept=(), limit=20) == (["one"], 10)
    assert superfluous(contents, used, kept=(), limit=0) == (["one", "two", "three"], 30)
    assert superfluous(contents, used, kept={"three"}, limit=0) == (["one", "two"], 20)

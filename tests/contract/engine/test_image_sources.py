"""Where images come from besides a registry of this machine: one that speaks TLS, and a Docker Engine."""

import ipaddress
import json
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aiop.engines.oci.images import ImageStore
from aiop.errors import EngineUnavailable, ImageRefused
from aiop.model.definition import PullPolicy
from aiop.model.run import Credentials
from aiop.runtime.clock import SystemClock
from contract.engine.registry import PASSWORD, USER, Registry, RegistryMissing
from docker_lab import DockerLab, docker_client, missing
from image_lab import directory, image_layout, layer, member

pytestmark = pytest.mark.oci

FILE = layer(directory("etc"), member("etc/name", b"one"))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ImageStore]:
    made = ImageStore(tmp_path / "images", SystemClock())
    await made.open()
    yield made
    await made.aclose()


class PrivateAuthority:
    """An authority that nobody trusts by default, and a registry with a certificate of it; not on the loopback."""

    def __init__(self, root: Path) -> None:
        self.file = root / "ca.pem"
        address = _own_address()
        key, name = ec.generate_private_key(ec.SECP256R1()), _name("aiop tests")
        authority = _signed(name, name, key.public_key(), key, [x509.BasicConstraints(ca=True, path_length=0)])
        own = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        certificate = _signed(_name("registry"), name, own.public_key(), key, [names])
        self.file.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
        (root / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (root / "key.pem").write_bytes(
            own.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self.registry = Registry(root, address=address)

    def push(self, name: str, layout: str) -> str:
        """Put an image there; returns how it is called."""
        image = f"{self.registry.host}/{name}"
        subprocess.run(
            ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false",
             f"--dest-creds={USER}:{PASSWORD}", layout, f"docker://{image}"],
            check=True, capture_output=True,
        )  # fmt: skip
        return image


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))
        except OSError:
            raise RegistryMissing("this machine has no address but that of its loopback") from None
        return str(probe.getsockname()[0])


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    key: ec.EllipticCurvePrivateKey,
    extensions: list[x509.ExtensionType],
) -> x509.Certificate:
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )
    for extension in extensions:
        made = made.add_extension(extension, critical=False)
    return made.sign(key, hashes.SHA256())


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[PrivateAuthority]:
    root = tmp_path / "registry"
    root.mkdir()
    try:
        made = PrivateAuthority(root)
    except RegistryMissing as why:
        missing("oci", str(why))
        raise
    yield made
    made.registry.close()


async def test_a_registry_with_a_private_authority_is_believed_only_if_that_is_known(
    store: ImageStore, authority: PrivateAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = tmp_path / "layout"
    layout.mkdir()
    image = authority.push("tls/one:1", image_layout(layout, [FILE]))
    right = Credentials(authority.registry.host, USER, PASSWORD)
    with pytest.raises(ImageRefused, match="unknown authority") as refused:
        await store.resolve(image, pull=PullPolicy.MISSING, credentials=right)
    assert PASSWORD not in str(refused.value)

    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    trusting = ImageStore(tmp_path / "trusting", SystemClock())
    await trusting.open()
    try:
        wrong = Credentials(authority.registry.host, USER, "wrong-password")
        with pytest.raises(ImageRefused):
            await trusting.resolve(image, pull=PullPolicy.MISSING, credentials=wrong)
        found = await trusting.resolve(image, pull=PullPolicy.MISSING, credentials=right)
        assert (found.layers[0] / "etc/name").read_bytes() == b"one"
        assert found.digest == json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
    finally:
        await trusting.aclose()


@pytest.mark.docker
async def test_an_image_of_a_docker_engine_is_taken_whole(docker_lab: DockerLab, tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images", SystemClock(), docker=docker_lab.endpoint)
    await store.open()
    try:
        kept = await store.take_from_docker(docker_lab.image)
        async with docker_client(docker_lab.endpoint) as docker:
            there = await docker.images.inspect(docker_lab.image)
        found = await store.resolve(docker_lab.image, pull=PullPolicy.MISSING, credentials=None)
        # No registry knows it, so its digest is its id, by which Docker calls it too.
        assert (kept.digest, found.digest) == (there["Id"], there["Id"])
        assert (found.layers[-1] / "bin/busybox").stat().st_size > 0
        assert kept.imported
        with pytest.raises(ImageRefused, match="no-such-image"):
            await store.take_from_docker("no-such-image:1")
    finally:
        await store.aclose()


async def test_a_docker_engine_that_is_not_there_is_no_refusal(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images", SystemClock(), docker=f"unix://{tmp_path}/none.sock")
    await store.open()
    try:
        with pytest.raises(EngineUnavailable):
            await store.take_from_docker("busybox:1")
    finally:
        await store.aclose()

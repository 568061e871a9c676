"""What several packages of tests share."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from contract.engine.registry import RegistryMissing
from dagger_lab import DaggerLab, DaggerMissing
from docker_lab import DockerLab, DockerMissing, missing
from image_lab import ImageLab, ImageLabMissing
from kubernetes_lab import KubernetesLab, KubernetesMissing
from oci_lab import OciLab, OciMissing
from postgres_lab import Postgres, PostgresMissing
from rootless_lab import RootlessLab, RootlessMissing
from s3_lab import S3Lab, s3_server
from service_process import ServiceProcess

# How long an example takes is the machine's affair.
settings.register_profile("aiop", deadline=None)
settings.load_profile("aiop")


@pytest.fixture(scope="session")
def docker_lab() -> Iterator[DockerLab]:
    """A Docker Engine for all tests of the session."""
    try:
        lab = DockerLab()
    except DockerMissing as why:
        missing("docker", str(why))
        raise
    yield lab
    lab.close()


@pytest.fixture
def docker_image(docker_lab):
    return docker_lab.image


@pytest.fixture
async def service_on(tmp_path):
    """Make a service, not started yet, on a Docker Engine; it is killed after the test."""
    made = []

    def make(endpoint, **settings):
        settings = {"data_dir": tmp_path / "data", "volume_roots": str(tmp_path), **settings}
        made.append(ServiceProcess(settings.pop("data_dir"), docker_endpoint=endpoint, **settings))
        return made[-1]

    yield make
    for process in made:
        await process.kill()


@pytest.fixture
async def service_process():
    """Make a service, not started yet; it is killed after the test."""
    made = []

    def make(*arguments, **settings):
        made.append(ServiceProcess(*arguments, **settings))
        return made[-1]

    yield make
    for process in made:
        await process.kill()


@pytest.fixture
def service_with(service_process, tmp_path):
    """The same, on a data directory of the test."""
    return lambda **settings: service_process(tmp_path / "data", volume_roots=str(tmp_path), **settings)


@pytest.fixture(scope="session")
def dagger_lab() -> DaggerLab:
    """The Dagger Engine that the environment names."""
    try:
        return DaggerLab.find()
    except DaggerMissing as why:
        missing("dagger", str(why))
        raise


@pytest.fixture(scope="session")
def kubernetes_lab() -> Iterator[KubernetesLab]:
    """A namespace of the cluster that the environment names, for all tests of the session."""
    try:
        lab = KubernetesLab.open()
    except KubernetesMissing as why:
        missing("kubernetes", str(why))
        raise
    yield lab
    lab.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for all tests of the session."""
    try:
        server = Postgres()
    except PostgresMissing as why:
        missing("postgres", str(why))
        raise
    yield server
    server.close()


@pytest.fixture(scope="session")
def s3_lab() -> Iterator[S3Lab]:
    """An S3 server for all tests of the session."""
    with s3_server() as lab:
        yield lab


@pytest.fixture(scope="session")
def oci_lab(tmp_path_factory) -> Iterator[OciLab]:
    """What the embedded engine needs, for all tests of the session."""
    try:
        lab = OciLab(tmp_path_factory.mktemp("oci"))
    except OciMissing as why:
        missing("oci", str(why))
        raise
    yield lab
    lab.close()


@pytest.fixture(scope="session")
def rootless_lab() -> Iterator[RootlessLab]:
    """An ordinary user, for all tests of the session."""
    try:
        lab = RootlessLab()
    except RootlessMissing as why:
        missing("oci", str(why))
        raise
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def image_lab(tmp_path_factory) -> Iterator[ImageLab]:
    """A registry that asks for a password, for all tests of a module."""
    try:
        lab = ImageLab(tmp_path_factory.mktemp("images"))
    except (RegistryMissing, ImageLabMissing) as why:
        missing("oci", str(why))
        raise
    yield lab
    lab.close()

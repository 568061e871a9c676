"""What Podman says in other words than Docker, as version 4.3.1 said it."""

import pytest
from aiodocker import DockerError

from aiop.engines.docker.client import name_taken, no_command
from aiop.engines.docker.daemon import Daemon

TAKEN = (
    'container create: creating container storage: the container name "aiop-a" is already in use by 0123. You have to '
    "remove that container to be able to reuse that name: that name is already in use"
)


def error(status: int, message: str) -> DockerError:
    return DockerError(status, message)


@pytest.mark.parametrize(
    ("status", "message", "taken"),
    [
        (409, 'Conflict. The container name "/aiop-a" is already in use by container "0123".', True),
        (500, TAKEN, True),
        (500, "driver failed: port is already in use", False),
        (404, "no such image", False),
    ],
)
def test_a_name_that_is_taken_is_known_by_the_answer(status: int, message: str, taken: bool) -> None:
    assert name_taken(error(status, message)) is taken


def test_a_command_that_is_not_there_is_known_by_the_answer_to_attach() -> None:
    words = (
        'preparing container 0123 for attach: runc: runc create failed: unable to start container process: exec: "x": '
        "executable file not found in $PATH: OCI runtime attempted to invoke a command that was not found"
    )
    assert no_command(error(409, words))
    assert not no_command(error(409, "container 0123 is being removed"))


@pytest.mark.parametrize(
    ("info", "init"),
    [
        ({"InitBinary": "docker-init"}, True),
        ({"InitBinary": ""}, False),
        ({"InitBinary": "", "BuildahVersion": "1.28.2"}, True),
    ],
)
def test_podman_has_an_init_though_it_does_not_name_it(info: dict[str, str], init: bool) -> None:
    assert Daemon.of(info).init is init


@pytest.mark.parametrize(("info", "workspaces"), [({}, True), ({"BuildahVersion": "1.28.2"}, False)])
def test_podman_gives_no_workspace(info: dict[str, str], workspaces: bool) -> None:
    assert Daemon.of(info).workspaces is workspaces

"""Programs in memory."""

import os
import shutil
import subprocess

import pytest

from aiop.engines.oci.program import sealed


@pytest.fixture
def copy() -> int:
    program = shutil.which("echo")
    assert program is not None
    found = sealed(program)
    if found is None:
        pytest.skip("this kernel runs no programs in memory")
    return found


def test_the_copy_runs(copy: int) -> None:
    said = subprocess.run([f"/proc/self/fd/{copy}", "hello"], pass_fds=[copy], capture_output=True, check=True)
    assert said.stdout == b"hello\n"
    os.close(copy)


def test_nobody_can_change_the_copy(copy: int) -> None:
    with pytest.raises(PermissionError):
        os.pwrite(copy, b"#!", 0)
    with pytest.raises(PermissionError):
        os.ftruncate(copy, 0)
    os.close(copy)


def test_the_copy_is_not_inherited_by_chance(copy: int) -> None:
    assert not os.get_inheritable(copy)
    os.close(copy)

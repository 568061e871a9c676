"""An idle service does not hold what it has used once."""

import subprocess
import sys

import pytest

PROGRAM = """
import threading
from pathlib import Path
from argon2 import PasswordHasher
from aiop.runtime.memory import return_memory

def resident():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in line)

return_memory()
hasher = PasswordHasher(time_cost=1, memory_cost=19 * 1024, parallelism=1)
before = resident()
for _ in range(3):
    thread = threading.Thread(target=hasher.hash, args=("password",))
    thread.start()
    thread.join()
print(resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there the allocator can be told")
def test_the_memory_of_a_passwords_hash_goes_back_to_the_system():
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 10 * 1024

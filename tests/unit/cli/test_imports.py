import subprocess
import sys

PROGRAM = """
import sys
from aiop.cli.imports import without
with without("rich"):
    from aiop.runtime import serve
assert "rich.console" not in sys.modules
import rich.console
with without("rich"):
    import rich.console
print("fine")
"""


def test_the_service_is_loaded_without_what_it_does_not_use_and_others_still_find_it():
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ran.stdout == "fine\n"

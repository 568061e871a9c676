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

COMMAND = """
import sys
from aiop.cli.main import main
sys.argv = ["aiop", "agent", "show", "local", "--server", "http://127.0.0.1:1"]
try:
    main()
except SystemExit as end:
    assert end.code == 5
assert "httpx" in sys.modules
assert sys.modules["httpx._main"] is None
"""


def test_no_command_loads_the_command_line_of_httpx(home):
    ran = subprocess.run([sys.executable, "-c", COMMAND], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr


def test_the_service_is_loaded_without_what_it_does_not_use_and_others_still_find_it():
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ran.stdout == "fine\n"

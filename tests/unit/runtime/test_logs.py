"""What the service says of itself."""

import subprocess
import sys

import pytest

PROGRAM = """
import logging, sys
import structlog
from aiop.runtime.logs import configure_logging

configure_logging(json=sys.argv[1] == "json")

def fail(password):
    raise LookupError("it went wrong")

for log in (structlog.get_logger(), logging.getLogger("a.library")):
    try:
        fail("-".join(["hunter", "2"]))
    except LookupError:
        log.exception("failed")
"""


@pytest.mark.parametrize("form", ["json", "people"])
def test_a_traceback_tells_where_and_no_values(form: str) -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM, form], capture_output=True, text=True, check=True)

    assert ended.stderr.count("LookupError: it went wrong") == 2
    assert "hunter-2" not in ended.stderr

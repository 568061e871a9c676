"""Runs pytest in a user namespace, as an ordinary user's service runs: python tests/rootless_pytest.py KEEPER ..."""

import sys
from pathlib import Path

from aiop.engines.oci.user_namespace import enter

if __name__ == "__main__":
    pin = enter(Path(sys.argv[1]))
    import pytest

    code = pytest.main(sys.argv[2:])
    pin.end()
    sys.exit(code)

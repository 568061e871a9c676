"""An engine in memory that polices its caller: for tests of everything above the seam."""

from aiop.engines.fake.container import OUTPUT_PATH
from aiop.engines.fake.engine import FakeEngine
from aiop.engines.fake.script import Pause, Print, Remove, Save, Script
from aiop.engines.fake.world import Behaviour, EngineMisuse, FakeWorld

__all__ = [
    "OUTPUT_PATH",
    "Behaviour",
    "EngineMisuse",
    "FakeEngine",
    "FakeWorld",
    "Pause",
    "Print",
    "Remove",
    "Save",
    "Script",
]

"""What this process takes of the machine."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from aiop.interfaces import Clock

__all__ = ["WINDOW", "ProcessMeter"]

PERIOD = timedelta(seconds=5)
WINDOW = timedelta(seconds=30)
"""Time over which CPU use is averaged; shorter only if the process is younger."""

_STATM = Path("/proc/self/statm")


class ProcessMeter:
    """Measures memory and CPU. ``run`` takes a sample every few seconds, on the event loop and without a thread."""

    def __init__(
        self,
        clock: Clock,
        *,
        wall: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        """``wall`` and ``cpu`` give seconds."""
        self._clock = clock
        self._wall = wall
        self._cpu = cpu
        self._samples: deque[tuple[float, float]] = deque([(wall(), cpu())], maxlen=WINDOW // PERIOD + 1)

    async def run(self) -> None:
        """Sample until cancelled."""
        while True:
            await self._clock.sleep(PERIOD)
            self.sample()

    def sample(self) -> None:
        """Note how much CPU time was used until now."""
        self._samples.append((self._wall(), self._cpu()))

    @property
    def cpu_percent(self) -> float:
        """CPU use of late; 100 is one core."""
        wall, cpu = self._samples[0]
        passed = self._wall() - wall
        return 100 * (self._cpu() - cpu) / passed if passed > 0 else 0.0

    @property
    def memory_bytes(self) -> int:
        """Resident memory; where there is no ``/proc``, the most that it ever was."""
        try:
            return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return peak if sys.platform == "darwin" else peak * 1024

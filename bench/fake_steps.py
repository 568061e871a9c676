"""Steps a second of the service itself: 2,000-step graphs on the fake engine, SQLite, every state durable.

    python bench/fake_steps.py [--steps 2000] [--rounds 5]

Prints the time from ``execute`` to the end of the execution as its client sees it, and the memory of the service.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from service_process import ServiceProcess


def step(name: str, *needs: str) -> dict[str, object]:
    return {"id": name, "container": {"image": "fake", "command": ["true"]}, "depends_on": list(needs)}


def graphs(steps: int) -> dict[str, list[dict[str, object]]]:
    """Three shapes with the same number of steps: a fan, a chain, and layers that all depend on the layer before."""
    fan = [step("first"), *(step(f"m{n}", "first") for n in range(steps - 2))]
    fan.append(step("last", *(f"m{n}" for n in range(steps - 2))))
    chain = [step("s0"), *(step(f"s{n}", f"s{n - 1}") for n in range(1, steps))]
    layers = [step(f"l{n}", *(f"l{m}" for m in range(n - n % 20 - 20, n - n % 20) if m >= 0)) for n in range(steps)]
    return {"fan": fan, "chain": chain, "layers of 20": layers}


def memory_of(pid: int) -> tuple[int, int]:
    """Resident memory of a process, now and at most, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    now, peak = (int(re.search(rf"{name}:\s+(\d+)", status)[1]) // 1024 for name in ("VmRSS", "VmHWM"))
    return now, peak


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        service = ServiceProcess(Path(directory) / "data", engine="fake")
        await service.start()
        print(f"idle: {memory_of(service.pid)[0]} MB")
        try:
            async with service.client() as client:
                for shape, steps in graphs(options.steps).items():
                    begin = time.perf_counter()
                    workflow = await client.workflows.create({"name": shape, "steps": steps})
                    validated = time.perf_counter() - begin
                    rates = []
                    for _ in range(options.rounds):
                        begin = time.perf_counter()
                        ended = await client.run_and_wait(workflow.id)
                        rates.append(options.steps / (time.perf_counter() - begin))
                        if ended.status != "completed":
                            raise RuntimeError(f"{ended.status}: {ended.error}")
                    now, peak = memory_of(service.pid)
                    print(
                        f"{shape}: created in {validated * 1000:.0f} ms; "
                        f"{statistics.median(rates):.0f} steps/s (median of {options.rounds}); "
                        f"memory {now} MB, at most {peak} MB"
                    )
        finally:
            await service.stop()


if __name__ == "__main__":
    asyncio.run(main())

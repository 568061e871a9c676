"""What a graph takes grows by the step, and not by the square."""

import gc
import json
import tracemalloc

import pytest

from aiop.spec import Plan, load_definition


def step(n, needs):
    return {
        "id": f"s{n}",
        "container": {"image": "i", "command": ["echo", f"{n}"]},
        "depends_on": [f"s{need}" for need in needs],
    }


SHAPES = {
    "chain": lambda n: range(max(0, n - 1), n),
    "fan": lambda n: [0] if n else [],
    "layers": lambda n: range(max(0, n - n % 10 - 10), n - n % 10),
}


def taken(shape, steps):
    """Bytes that a plan holds, and the most that making it took."""
    text = json.dumps({"name": shape, "steps": [step(n, SHAPES[shape](n)) for n in range(steps)]})
    gc.collect()
    tracemalloc.start()
    try:
        plan = Plan.of(load_definition(text))
        now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(plan.steps) == steps
    return now, most


@pytest.mark.parametrize("shape", SHAPES)
def test_four_times_the_steps_take_four_times_the_memory(shape):
    taken(shape, 20)  # what is loaded once
    small, large = taken(shape, 250), taken(shape, 1000)
    assert large[0] < 5 * small[0]
    assert large[1] < 5 * small[1]

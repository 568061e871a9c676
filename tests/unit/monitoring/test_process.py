"""What the process takes."""

import pytest

from aiop.monitoring import ProcessMeter
from aiop.monitoring.process import PERIOD, WINDOW
from aiop.runtime.clock import SystemClock


class Machine:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.wall = 1000.0
        self.cpu = 3.0

    def pass_time(self, wall: float, cpu: float) -> None:
        self.wall += wall
        self.cpu += cpu


def meter_on(machine: Machine) -> ProcessMeter:
    return ProcessMeter(SystemClock(), wall=lambda: machine.wall, cpu=lambda: machine.cpu)


def test_cpu_use_is_the_average_over_the_window():
    machine = Machine()
    meter = meter_on(machine)
    assert meter.cpu_percent == 0
    period = PERIOD.total_seconds()
    for _ in range(100):
        machine.pass_time(period, period * 2)
        meter.sample()
    assert meter.cpu_percent == 200
    for n in range(1, WINDOW // PERIOD + 1):
        machine.pass_time(period, 0)
        meter.sample()
        assert meter.cpu_percent == pytest.approx(200 * (1 - n / (WINDOW // PERIOD)))


def test_before_the_first_sample_it_is_the_average_since_the_start():
    machine = Machine()
    meter = meter_on(machine)
    machine.pass_time(2, 1)
    assert meter.cpu_percent == 50


def test_memory_is_that_of_this_process():
    meter = ProcessMeter(SystemClock())
    before = meter.memory_bytes
    ballast = bytearray(b"x" * 64_000_000)
    assert 60_000_000 < meter.memory_bytes - before < 80_000_000
    assert len(ballast) == 64_000_000

"""Composition of the time between two commands."""

import pytest

from async_rl_core.agent.command_gaps import GapMeter


class Kernel:
    """Clocks that a test sets."""

    def __init__(self) -> None:
        self.worked = self.queued = 0.0
        self.page_reads = self.evictions = 0

    def processor(self) -> tuple[float, float]:
        return self.worked, self.queued

    def switches(self) -> tuple[int, int]:
        return self.page_reads, self.evictions


def test_gap_meter_attributes_a_gap_to_its_stages() -> None:
    kernel = Kernel()
    meter = GapMeter(0.0, kernel.processor, kernel.switches)
    meter.sent(0.0, True)
    kernel.worked = 0.005
    meter.mark("settling", 0.005)
    kernel.queued, kernel.evictions = 0.060, 3
    meter.mark("waiting", 0.100)
    meter.overslept(0.060)
    kernel.worked = 0.008
    meter.mark("acting", 0.103)
    meter.sent(0.103, True)
    assert meter.last.seconds == pytest.approx(0.103)
    assert str(meter.last) == (
        "103 ms: settling 5 ms (working 5 ms), waiting 95 ms (waiting for a processor 60 ms), "
        "acting 3 ms (working 3 ms), of waiting 60 ms past the deadline, lost the processor 3 times"
    )


def test_gap_meter_longest_gap_is_one_that_counts() -> None:
    kernel = Kernel()
    meter = GapMeter(0.0, kernel.processor, kernel.switches)
    for now, counts in ((5.0, False), (5.04, True), (5.14, True), (5.18, True)):
        meter.sent(now, counts)
    assert meter.longest.seconds == pytest.approx(0.10)
    assert str(meter.longest) == "100 ms"


def test_gap_meter_counts_pages_read_from_disk_per_gap() -> None:
    kernel = Kernel()
    meter = GapMeter(0.0, kernel.processor, kernel.switches)
    kernel.page_reads = 2
    meter.sent(0.04, True)
    meter.sent(0.08, True)
    assert (meter.longest.page_reads, meter.last.page_reads) == (2, 0)

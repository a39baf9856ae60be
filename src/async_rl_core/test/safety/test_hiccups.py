"""Short halts of each side with a simulated arm, which must not look like motion that was not commanded."""

import numpy as np
import pytest

from async_rl_core.config.catalogue import robots
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.safety.states import GuardMode

from .halted import CYCLE, SPEED, HaltedGuard

HALTS = (3, 15)
"""Cycles that a halt lasts, about 20 to 120 ms."""
LONGEST = 200
"""Cycles until a guard continues after a timing fault; by then it judges motion at rest again."""


class HiccupBench(HaltedGuard):
    """A simulated arm, its guard and an agent, one side of which is halted at a time.

    Messages to a halted side wait for it; when it continues, it takes the newest of each kind.
    """

    def __init__(self, config: Config, seed: int) -> None:
        super().__init__(config, simulated=True)
        self.random = np.random.default_rng(seed)

    def hiccup(self) -> None:
        """Halts the guard, the robot's side, its joint states, or both sides, for a random time."""
        cycles = int(self.random.integers(*HALTS, endpoint=True))
        side = self.random.choice(["guard", "robot", "states", "commands", "machine"])
        if side == "guard":
            self.halt((cycles + self.random.random()) * CYCLE)
            self.guard.on_halt(self.time, cycles * CYCLE)
        elif side == "robot":
            self.halt_robot(cycles)
        elif side == "states":
            self.hears = False
            self.cycle(cycles)
            self.hears = True
        elif side == "commands":
            self.be_deaf(cycles * CYCLE)
        else:
            self.time += cycles * CYCLE
            self.arm.step(cycles * CYCLE)
            self.guard.on_halt(self.time, cycles * CYCLE)

    def halt_robot(self, cycles: int) -> None:
        """Runs the guard without joint states; then the arm's time catches up with the newest command at once."""
        self.hears = False
        for _ in range(cycles):
            command = self._judged()
            self.time += CYCLE
        self.hears = True
        self.arm.command(command, at=self.arm.time + cycles * CYCLE)
        self.arm.step(cycles * CYCLE)
        self._states.append((self.time, self.arm.position, self.arm.velocity))

    def want(self, velocity: float) -> None:
        """Sets the agent's command in rad/s, with every other joint backwards."""
        self._wanted = [velocity * (-1) ** i for i in range(len(self._wanted))]

    def go_on(self, cycles: int) -> None:
        """Runs cycles, none of which may latch a fault for a person."""
        for _ in range(cycles):
            self.cycle(1)
            fault = self.guard.fault
            assert fault is None or fault.of_timing, fault.cause


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("robot", robots())
def test_guard_with_short_halts_in_motion_and_at_rest_never_latches(robot: str, seed: int) -> None:
    bench = HiccupBench(resolve("laptop", {}, robot), seed)
    pick = bench.random.integers
    for i in range(6):
        bench.want(SPEED * (-1) ** i)
        bench.go_on(pick(1, 60))
        if i % 2:
            bench.want(0.0)
            bench.go_on(pick(120))
        for _ in range(pick(1, 4)):  # also right after a fault, and on the way to rest
            bench.hiccup()
            bench.go_on(pick(25))
        bench.want(0.0)
        bench.go_on(LONGEST)
        assert bench.guard.state is GuardMode.ARMED, bench.guard.missing(bench.time)
    bench.want(SPEED)
    bench.go_on(10)
    assert np.abs(bench.arm.velocity).min() > 0.05

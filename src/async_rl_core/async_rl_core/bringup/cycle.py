"""The action cycle of Seq-SAC: what act, sample and update take here, in whole cycles of the camera and of the arm."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from fractions import Fraction

from async_rl_core.bringup.graph import learner_environment
from async_rl_core.config.checks import WATCHDOG_CYCLES
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError

AUTO = "auto"
CYCLE, WATCHDOG = "agent.action_cycle_time", "guard.watchdog"
MARGIN = 1.2
"""On top of what was measured: for the environment's part of the cycle, and for the other nodes, which are not there
while it is measured."""
TIMEOUT = 180.0
"""Seconds for the measurement: a first import of torch from a cold disk takes many."""
LONGEST = 1.5
"""Seconds of an action cycle, at most."""

Overrides = Mapping[str, object]


def settle(
    resolve: Callable[[Overrides], Config],
    overrides: Overrides,
    say: Callable[[str], object],
    measure: Callable[[Config], Mapping[str, float]] | None = None,
) -> Config:
    """Returns the configuration that launch arguments ask for, with its action cycle and watchdog decided.

    `auto` is the preset's cycle with async1 and async2, where learning takes no time of it. With seq it is measured;
    so it is by default if the preset is for another architecture, whose cycle leaves no time for learning.

    Args:
        resolve: from values by dotted key to a configuration; raises `ConfigError`.
        overrides: the values of the arguments; the action cycle may be `auto`.
        say: takes lines for a person.
        measure: returns the seconds of an action by component; by default it measures them.
    """
    given = overrides.get(CYCLE)
    others = {key: value for key, value in overrides.items() if key != CYCLE}
    config = resolve(others)
    if config.architecture != "seq":
        return config if given in (None, AUTO) else resolve(overrides)
    if given is None and resolve({}).architecture == "seq":
        given = config.agent.action_cycle_time
    cycle = given if isinstance(given, float) else _measured(config, say, measure or measure_here)
    watchdog = round(WATCHDOG_CYCLES * cycle, 3)
    if watchdog > config.guard.watchdog:
        say(
            f"guard.watchdog: {_ms(watchdog)} instead of {_ms(config.guard.watchdog)}, {WATCHDOG_CYCLES} action cycles;"
            " with architecture seq the agent cannot speak while it learns"
        )
        others[WATCHDOG] = watchdog
    return resolve({**others, CYCLE: cycle})


def rounded_up(seconds: float, camera_rate: float, state_rate: float) -> float:
    """Returns the shortest time from `seconds` on that is a whole number of cycles of camera and arm (rates in Hz)."""
    camera, arm = (1 / Fraction(rate).limit_denominator(1000) for rate in (camera_rate, state_rate))
    common = Fraction(math.lcm(camera.numerator, arm.numerator), math.gcd(camera.denominator, arm.denominator))
    return float(max(1, math.ceil(Fraction(seconds) / common)) * common)


def measure_here(config: Config) -> dict[str, float]:
    """Returns the seconds that an action of Seq-SAC takes here: `act`, `sample`, `update` and `total`.

    Measured in a process like the agent's. Raises `ConfigError` where it fails.
    """
    # The directories that this process imports from: the child's first is another one.
    paths = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "async_rl_core.learning.cost"],
            input=config.model_dump_json(),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            env={**os.environ, **learner_environment(config), **paths},
        )
    except subprocess.TimeoutExpired:
        raise _unmeasured(f"no answer within {TIMEOUT:g} s") from None
    if done.returncode != 0:
        raise _unmeasured((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])
    cost: dict[str, float] = json.loads(done.stdout)
    return cost


def _unmeasured(why: str) -> ConfigError:
    return ConfigError(f"what an action of architecture seq costs cannot be measured ({why}); give action_cycle_time")


def _measured(config: Config, say: Callable[[str], object], measure: Callable[[Config], Mapping[str, float]]) -> float:
    say("measuring what act, sample and update take on this machine, for the action cycle of architecture seq")
    cost = measure(config)
    parts = f"act {_ms(cost['act'])}, sample {_ms(cost['sample'])}, update {_ms(cost['update'])}"
    cycle = rounded_up(MARGIN * cost["total"], config.camera.rate, config.robot.state_rate)
    if cycle > LONGEST:
        raise ConfigError(
            f"architecture seq needs an action cycle of {_ms(cycle)} here ({parts}), longer than {_ms(LONGEST)}; "
            "use async1 or async2, or a smaller preset"
        )
    say(f"action_cycle_time: {_ms(cycle)} ({parts}; rounded up to cycles of the camera and of the arm)")
    return cycle


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms"

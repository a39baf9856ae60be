"""Settings of a campaign, and the configuration of the runs that it disturbs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from faults.arm_listener import PromiseTimeoutError
from faults.report import Mutation

INITIAL_STEPS = 150
"""Environment steps until the policy acts, so that some faults meet random actions and most a learning agent."""


@dataclass(frozen=True)
class Campaign:
    """Form and folders of a campaign. The long form proves a promise; the short form notices a broken protection."""

    long: bool
    folder: Path
    """Folder of the report and its figures."""
    scratch: Path
    """Folder of the disturbed runs."""
    domain: int
    mutate: bool = True
    repeat: int | None = None
    """Repeats of every row; None for the row's own number."""
    duration: int | None = None
    """Seconds of every row that lasts rather than repeats; None for the row's own."""

    def seconds(self, short: int, long: int) -> int:
        """Returns the duration of a row in seconds."""
        return self.duration or (long if self.long else short)

    def repeats(self, short: int, long: int) -> int:
        """Returns the number of repeats of a row."""
        return self.repeat or (long if self.long else short)


def run_config(campaign: Campaign, name: str, robot: str = "ur5", /, **overrides: object) -> Config:
    """Returns the configuration of a disturbed run: the laptop preset on a simulated robot."""
    values = {
        "agent.initial_steps": INITIAL_STEPS,
        "guard.auto_arm": True,
        "guard.clear_timing_faults": False,  # as with a real arm: every fault latches
        "run_dir": str(campaign.scratch / name),
    }
    return resolve("laptop", {**values, **overrides}, robot)


def mutation(campaign: Campaign, protection: str, broken: Callable[[], str]) -> tuple[Mutation, ...]:
    """Returns whether the measurement notices a removed protection; empty if the campaign has no mutations.

    Args:
        campaign: of the campaign.
        protection: what is switched off.
        broken: measures without it, and returns what was broken, or an empty text. A `PromiseTimeoutError` counts as
            broken too; any other error means that nothing was measured, so nothing is shown.
    """
    if not campaign.mutate:
        return ()
    try:
        how = broken()
        noticed = bool(how)
    except PromiseTimeoutError as error:
        how, noticed = str(error), True
    except (OSError, RuntimeError) as error:
        how, noticed = f"not measured: {error}", False
    return (Mutation(protection, noticed, how),)


def some_moment(config: Config, random: Random) -> float:
    """Returns random seconds from an arming to a moment of the following reset and episode."""
    return random.uniform(0.0, config.agent.reset_duration + config.agent.episode_duration)

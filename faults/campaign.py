"""How thorough a campaign is, where it runs, and what it runs on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from faults.arm_listener import PromiseTimeoutError
from faults.report import Mutation

INITIAL_STEPS = 150
"""Environment steps until the policy acts: some faults meet random actions, most a learning agent."""


@dataclass(frozen=True)
class Campaign:
    """The long form proves; the short form, in continuous integration, notices when a protection breaks."""

    long: bool
    folder: Path
    """Where the report and its pictures go."""
    scratch: Path
    """Where the runs that are disturbed keep their folders."""
    domain: int
    mutate: bool = True
    repeat: int | None = None
    """Repeats of every row, in place of its own."""
    duration: int | None = None
    """Seconds of every row that lasts rather than repeats, in place of its own."""

    def seconds(self, short: int, long: int) -> int:
        """How long a row lasts."""
        return self.duration or (long if self.long else short)

    def repeats(self, short: int, long: int) -> int:
        """How often a row repeats."""
        return self.repeat or (long if self.long else short)


def run_config(campaign: Campaign, name: str, robot: str = "ur5", **overrides: object) -> Config:
    """The run that a row disturbs: the laptop preset on a simulated robot."""
    values = {
        "agent.initial_steps": INITIAL_STEPS,
        "guard.auto_arm": True,
        "guard.clear_timing_faults": False,  # as with a real arm: every fault latches
        "run_dir": str(campaign.scratch / name),
    }
    return resolve("laptop", {**values, **overrides}, robot)


def mutation(campaign: Campaign, protection: str, broken: Callable[[], str]) -> tuple[Mutation, ...]:
    """Whether the measurement notices that a protection is off: none where the form asks for no mutations.

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
    """Seconds from an arming to any moment of the reset and the episode that follow."""
    return random.uniform(0.0, config.agent.reset_duration + config.agent.episode_duration)

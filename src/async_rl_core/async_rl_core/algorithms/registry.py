"""The algorithms by name: whatever is installed with an entry point of the group."""

from async_rl_core import plugins
from async_rl_core.algorithms.sac.sac import SAC
from async_rl_core.config.checks import ALGORITHMS
from async_rl_core.config.schema import Config
from async_rl_core.spec.observation import ObservationSpec


def make_algorithm(config: Config, device: str) -> SAC:
    """The learner that a run's configuration asks for. Raises `ConfigError` where it cannot be had."""
    learner = plugins.load(ALGORITHMS, config.algorithm, SAC)
    return learner(
        config.sac, ObservationSpec.from_config(config), len(config.robot.actuated_joints), config.seed, device
    )

"""The algorithms by name: whatever is installed with an entry point of the group."""

from async_rl_core import plugins
from async_rl_core.algorithms.base import Algorithm, AlgorithmConfig, AlgorithmSetup
from async_rl_core.algorithms.contract import require_algorithm, require_policy
from async_rl_core.config.algorithm import GROUP
from async_rl_core.config.schema import Config
from async_rl_core.policies.base import LearnedPolicy


def algorithm_config(config: Config) -> AlgorithmConfig:
    """Returns the settings of a run's algorithm. Raises `ConfigError` if its plug-in cannot be loaded."""
    section = plugins.load(GROUP, config.algorithm, AlgorithmConfig)  # type: ignore[type-abstract]
    return section.from_config(config)


def make_algorithm(config: Config, device: str) -> Algorithm:
    """Returns the learner that a run's configuration asks for.

    Raises `ConfigError` if it cannot be made, or breaks its contract.
    """
    setup = AlgorithmSetup.from_config(config)
    algorithm = algorithm_config(config).make_algorithm(setup, device)
    require_algorithm(algorithm, setup)
    return algorithm


def make_policy(config: Config, threads: int | None = 1) -> LearnedPolicy:
    """Returns a run's policy, as its learner begins with; `threads` as in `AlgorithmConfig.make_policy`.

    Raises `ConfigError` if it cannot be made, or breaks its contract.
    """
    setup = AlgorithmSetup.from_config(config)
    policy = algorithm_config(config).make_policy(setup, threads)
    require_policy(policy, setup)
    return policy

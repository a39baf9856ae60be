"""Checks that refuse a plug-in that breaks its contract, by its name, before a run begins."""

import numpy as np

from async_rl_core.algorithms.base import Algorithm, AlgorithmSetup
from async_rl_core.errors import ConfigError
from async_rl_core.policies.base import LearnedPolicy


def require_algorithm(algorithm: Algorithm, setup: AlgorithmSetup) -> None:
    """Raises `ConfigError` if a new learner's policy or TD errors have another shape or type than promised."""
    flat, batch_size = algorithm.policy_parameters(), setup.learning.batch_size
    if flat.shape != (algorithm.policy_size,) or flat.dtype != np.float32:
        raise _broken(setup, f"policy_parameters() returns {flat.dtype} {flat.shape}, not ({algorithm.policy_size},)")
    if tuple(algorithm.td_error.shape) != (batch_size,):
        raise _broken(setup, f"td_error has shape {tuple(algorithm.td_error.shape)}, not ({batch_size},)")


def require_policy(policy: LearnedPolicy, setup: AlgorithmSetup) -> None:
    """Raises `ConfigError` if a new policy's action on a black image and a zero state is not one."""
    images, state = np.zeros(setup.spec.image_shape, np.uint8), np.zeros(setup.spec.state_size, np.float32)
    action = policy.act(images, state, deterministic=True)
    if action.shape != (setup.action_size,) or action.dtype != np.float32:
        raise _broken(setup, f"its policy returns {action.dtype} {action.shape}, not float32 ({setup.action_size},)")
    if not np.all(np.abs(action) <= 1.0):  # false for NaN
        raise _broken(setup, f"its policy returns the action {action.tolist()}; it must be finite and in [-1, 1]")


def _broken(setup: AlgorithmSetup, problem: str) -> ConfigError:
    return ConfigError(f"algorithm '{setup.name}' breaks its contract: {problem}; correct its plug-in")

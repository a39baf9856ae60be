"""Where the learner computes."""

import torch

from async_rl_core.errors import ConfigError


def choose_device(wanted: str) -> str:
    """Return torch's name of the device. Raises `ConfigError` where a GPU is asked for and there is none."""
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "learner.device is cuda, but torch finds no CUDA device; use auto or cpu, or install torch for CUDA"
        )
    return wanted

"""The policy that comes with the suite, to be tried before anything was learned."""

import shutil
from datetime import datetime
from pathlib import Path

from async_rl_core.atomic_file import replacing
from async_rl_core.bringup.checks.preflight import create_run_folder
from async_rl_core.config.catalogue import config_folder
from async_rl_core.config.load import resolve
from async_rl_core.errors import ConfigError
from async_rl_core.learning.checkpoint_file import name_of, read_checkpoint
from async_rl_core.run_folder.run_folder import RunFolder

NAME = "ur5_reaching"
EXAMPLES = "examples"
"""Folder of the configuration: `<name>.yaml`, what the policy was trained with; `<name>.safetensors`, its encoder and
actor as a checkpoint; `<name>.json`, how it was made."""


def example_file(suffix: str) -> Path:
    """Returns the path of one of the example's files. Raises `ConfigError` where it is not installed."""
    path = config_folder() / EXAMPLES / f"{NAME}{suffix}"
    if not path.is_file():
        raise ConfigError(f"the example policy is not installed: {path} is missing; run make build")
    return path


def make_example_run(now: datetime) -> Path:
    """Makes a run's folder that holds the example policy, as if it had been trained there; returns the folder.

    Raises `AsyncRLError` where a file is missing or damaged, or the folder cannot be made.
    """
    policy = example_file(".safetensors")
    updates = read_checkpoint(policy).updates
    config = create_run_folder(resolve(str(example_file(".yaml"))), now)
    assert config.run_dir is not None
    folder = RunFolder(config.run_dir).checkpoints
    try:
        folder.mkdir(mode=0o700)
        with replacing(folder / name_of(updates)) as temporary:
            shutil.copyfile(policy, temporary)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror}; free space") from None
    return config.run_dir

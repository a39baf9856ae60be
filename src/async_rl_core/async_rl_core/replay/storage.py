"""Storage of the images: memory, or a file read through the page cache."""

import mmap
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.replay import memory

Allocate = Callable[[int, str], NDArray[np.uint8]]
"""Returns (bytes,) uint8, given the bytes and their purpose; raises `ConfigError` with the numbers without room."""

_REMEDY = "use a smaller replay.capacity or a smaller image"


def from_config(config: Config) -> Allocate:
    """Returns the allocation that `replay.storage` names. Raises `ConfigError` for a file without a run folder."""
    if config.replay.storage == "ram":
        return in_memory
    if config.run_dir is None:
        raise ConfigError("replay.storage file needs a run folder: set run_dir, or replay.storage: ram")
    return partial(in_file, config.run_dir)


def in_memory(nbytes: int, what: str) -> NDArray[np.uint8]:
    """Returns memory, which is taken as it is touched. Raises `ConfigError` where it does not suffice."""
    memory.require(nbytes, what, f"{_REMEDY}, or replay.storage: file")
    return np.empty(nbytes, np.uint8)


def in_file(folder: Path, nbytes: int, what: str) -> NDArray[np.uint8]:
    """Returns the mapping of a nameless file in `folder`, of which nothing is left when the process ends.

    Its blocks are reserved at once, since a disk that fills up later would cause a SIGBUS.
    """
    try:
        free = shutil.disk_usage(folder).free
        if nbytes > free:
            raise ConfigError(
                f"{what} needs {nbytes / 1e9:.2f} GB, the disk of {folder} has {free / 1e9:.2f} GB left; {_REMEDY}"
            )
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, nbytes)
            pages = mmap.mmap(file.fileno(), nbytes)
    except OSError as error:
        reason = f"{error.strerror}; set run_dir to another disk, or replay.storage: ram"
        raise ConfigError(f"{what} cannot have {nbytes / 1e9:.2f} GB of file in {folder}: {reason}") from error
    pages.madvise(mmap.MADV_RANDOM)  # reading ahead of a random frame only evicts others
    return np.frombuffer(pages, np.uint8)

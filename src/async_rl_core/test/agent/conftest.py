"""A loop, and the run that it is of."""

import pytest

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config

from .loop_bench import Bench


@pytest.fixture
def config() -> Config:
    return resolve("laptop", {"agent.initial_steps": 150})


@pytest.fixture
def bench(config: Config) -> Bench:
    return Bench(config)

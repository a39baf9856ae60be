"""One scene for all tests of the simulator: it never changes."""

from pathlib import Path

import numpy as np
import pytest

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.sim.arm import SimulatedArm
from async_rl_core.sim.scene import Array, Scene


@pytest.fixture(scope="session")
def config() -> Config:
    return resolve("laptop", {"camera.width": 160, "camera.height": 90})


@pytest.fixture(scope="session")
def scene(config: Config) -> Scene:
    return Scene(config)


@pytest.fixture
def arm(scene: Scene) -> SimulatedArm:
    return SimulatedArm(scene)


@pytest.fixture(scope="session")
def start(config: Config) -> Array:
    return np.array(config.robot.start)


@pytest.fixture
def empty_prefix(tmp_path: Path) -> Path:
    """A prefix that looks installed but holds no model."""
    (tmp_path / "share" / "example-robot-data" / "robots").mkdir(parents=True)
    return tmp_path

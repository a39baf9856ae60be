"""Guards with a kinematic arm before them, and their robots."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from async_rl_core.config.load import resolve
from async_rl_core.config.robot import Sphere
from async_rl_core.config.schema import Config, RobotConfig
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.safety.limits.collision import CollisionLimit
from async_rl_core.sim.model import urdf_text
from testing.contact_oracle import ContactOracle
from testing.guard_bench import GuardBench

TOUCH = 0.012
"""Metres that links must keep from one another: the guard's margin, less what its estimate may be wrong by."""


@pytest.fixture(scope="session", autouse=True)
def meshes_are_read_once() -> Iterator[None]:
    """Reads the meshes once per description and robot, because hundreds of guards are made here."""
    read, kept = CollisionLimit._read, {}

    def reading(self: CollisionLimit, urdf: str, robot: RobotConfig) -> tuple[object, Any]:
        key = urdf, robot.joints, robot.bodies, robot.workspace
        if key not in kept:
            kept[key] = read(self, urdf, robot)
        model, geometry = kept[key]
        return model, geometry.copy()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CollisionLimit, "_read", reading)
        yield


@pytest.fixture(scope="session")
def config() -> Config:
    return resolve("laptop", {})


@pytest.fixture(scope="session")
def urdf(config: Config) -> str:
    return urdf_text(config.robot)


@pytest.fixture
def kinematics(config: Config, urdf: str) -> Kinematics:
    robot = config.robot
    return Kinematics(urdf, robot.joints, robot.workspace.frame, robot.tool_frame)


@pytest.fixture(scope="session")
def touch(config: Config) -> ContactOracle:
    return ContactOracle(config.robot, TOUCH)


@pytest.fixture(scope="session")
def bench(config: Config, urdf: str, touch: ContactOracle) -> Callable[..., GuardBench]:
    """Returns a function that makes a bench; further keywords change the guard's configuration."""

    def make(
        start: Sequence[float] | None = None,
        robot: RobotConfig = config.robot,
        simulated: bool = False,
        **guard: object,
    ) -> GuardBench:
        changed = config.model_copy(update={"robot": robot, "guard": config.guard.model_copy(update=guard)})
        return GuardBench(changed, urdf, touch, start, simulated)

    return make


@pytest.fixture(scope="session")
def wide(config: Config) -> RobotConfig:
    """A robot with joint limits and a workspace so large that its links can touch one another."""
    robot = config.robot
    far = {"lower": (-1.5, -1.5, -1.5), "upper": (1.5, 1.5, 1.5), "sphere": Sphere(center=(0.0, 0.0, 0.0), radius=2.0)}
    most = (6.2, 6.2, 3.1, 6.2, 6.2, 6.2)  # rad: the description's limits, nearly
    turns = {"position_lower": tuple(-q for q in most), "position_upper": most}
    update = {"limits": robot.limits.model_copy(update=turns), "workspace": robot.workspace.model_copy(update=far)}
    return robot.model_copy(update=update)

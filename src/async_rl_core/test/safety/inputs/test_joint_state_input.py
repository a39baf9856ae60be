"""Joint states that freeze, jump, come in bursts or lose a joint."""

import pytest

from async_rl_core.config.schema import Config
from async_rl_core.safety.inputs.joint_state_input import JointStateInput

CYCLE_NS = 8_000_000


class Driver:
    """Sends joint states every 8 ms."""

    def __init__(self, config: Config) -> None:
        self.robot = config.robot
        self.input = JointStateInput(config.robot, config.guard)
        self.now, self.stamp = 10.0, 5_000_000_000
        self.position = list(config.robot.start)

    def send(self, moving: bool = False, wait: float = 0.008, ticks: int = 1) -> str | None:
        """A state `wait` seconds and `ticks` stamps after the last."""
        self.now += wait
        self.stamp += ticks * CYCLE_NS
        return self.input.take(self.now, self.stamp, self.robot.joints, self.position, moving)


@pytest.fixture
def driver(config: Config) -> Driver:
    driver = Driver(config)
    assert driver.send() is None
    return driver


def test_joint_state_with_a_repeated_stamp_is_stale(driver: Driver) -> None:
    for _ in range(13):
        driver.position[0] += 0.001
        assert driver.send(ticks=0) is None
    assert driver.input.silence(driver.now) == pytest.approx(13 * 0.008)
    assert driver.input.stale(driver.now) == f"joint_states repeats its stamp {driver.stamp} for 104 ms"
    assert driver.send() is None
    assert driver.input.stale(driver.now) is None


def test_joint_state_with_repeated_angles_in_motion_is_stale(driver: Driver) -> None:
    for _ in range(13):
        assert driver.send(moving=True) is None
    stale = driver.input.stale(driver.now)
    assert stale is not None
    assert "unchanged at [1.5707" in stale
    assert "for 104 ms" in stale


def test_joint_state_with_repeated_angles_at_rest_is_fresh(driver: Driver) -> None:
    for _ in range(13):
        driver.send()
    assert driver.input.silence(driver.now) == 0.0


def test_joint_state_with_a_jump_is_refused_and_the_next_compared_with_it(driver: Driver) -> None:
    driver.position[2] += 0.2
    assert driver.send() == ("joint_states has elbow_joint jump from 1.900 to 2.100 rad in 16 ms, limit 0.8 rad/s")
    assert driver.input.silence(driver.now) == pytest.approx(0.008)
    assert driver.send() is None
    assert driver.input.position[2] == pytest.approx(2.1)


def test_joint_state_at_full_speed_is_accepted(driver: Driver) -> None:
    for _ in range(100):
        driver.position[0] += 0.8 * 0.008
        assert driver.send(moving=True) is None


def test_joint_state_in_a_burst_after_a_pause_is_accepted(driver: Driver) -> None:
    driver.position[0] += 0.8 * 0.08
    assert driver.send(wait=0.08, ticks=10) is None
    driver.position[0] += 0.8 * 0.008
    assert driver.send(wait=0.0001) is None


@pytest.mark.parametrize("ticks", [-(10**6), 10**6])
def test_joint_state_after_a_step_of_the_clock_is_accepted_unless_it_jumps(driver: Driver, ticks: int) -> None:
    assert driver.send(ticks=ticks) is None
    driver.position[0] += 0.3
    assert driver.send() is not None


def test_joint_state_of_another_device_is_ignored(driver: Driver) -> None:
    for names, position in ((["finger"], [0.04]), (["finger"], []), ([], [])):
        assert driver.input.take(driver.now, 1, names, position, False) is None
    assert driver.input.problem == ""
    driver.now += 0.2
    driver.input.take(driver.now, 1, ["finger"], [0.04], False)
    assert driver.input.stale(driver.now) == "joint_states silent for 200 ms"


def test_missing_names_the_cause(driver: Driver) -> None:
    def missing() -> str | None:
        return driver.input.missing(driver.now)

    assert missing() is None
    for _ in range(20):
        driver.send(ticks=0)
    assert missing() == f"no fresh joint_states: joint_states repeats its stamp {driver.stamp}"
    driver.position[0] = float("nan")
    driver.send()
    assert "no fresh joint_states: joint_states is not finite" in str(missing())
    driver.position[0] = driver.robot.start[0]
    driver.send()
    assert missing() is None
    driver.now += 0.2
    assert missing() == "no fresh joint_states: joint_states silent for 200 ms"


def test_joint_state_with_more_joints_is_accepted_with_fewer_refused(driver: Driver) -> None:
    names = ["finger", *driver.robot.joints]
    assert driver.input.take(driver.now, 1, names, [0.0, *driver.position], False) is None
    wrong = driver.input.take(driver.now, 2, driver.robot.joints[1:], driver.position[1:], False)
    assert wrong == "joint_states lacks ['shoulder_pan_joint']"

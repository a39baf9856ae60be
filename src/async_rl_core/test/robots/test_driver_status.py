"""Readiness of a robot that another driver moves."""

import pytest
from pydantic import ValidationError

from async_rl_core.config.driver import LaunchDriver, StatusCondition
from async_rl_core.config.load import resolve
from async_rl_core.robots.driver_status import STALE, DriverStatus

READY = {
    "io_and_status_controller/robot_mode": 7,
    "io_and_status_controller/safety_mode": 1,
    "io_and_status_controller/robot_program_running": True,
    "speed_scaling_state_broadcaster/speed_scaling": 100.0,
    "dashboard_client/program_state": "PLAYING",
}
CONTROLLER = "forward_velocity_controller"


@pytest.fixture(params=["ur5", "ur5e"])
def driver(request: pytest.FixtureRequest) -> LaunchDriver:
    found = resolve("laptop", {}, request.param).robot.drivers["ur_robot_driver"]
    assert isinstance(found, LaunchDriver)
    return found


def ready(driver: LaunchDriver, **instead: object) -> DriverStatus:
    """A status that has heard at time 0 that all is well, but for what `instead` says of the last part of a name."""
    status = DriverStatus(driver.status, driver.controller)
    for condition in driver.status:
        last = condition.source.rpartition("/")[2]
        status.on_value(condition, instead.get(last, READY[condition.source]), 0.0)
    status.on_controllers({CONTROLLER: "active", "joint_trajectory_controller": "inactive"}, 0.0)
    return status


def test_driver_status_of_a_running_arm_has_no_problems(driver: LaunchDriver) -> None:
    assert ready(driver).problems(1.0) == []


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("robot_mode", 5, "not RUNNING"),
        ("safety_mode", 3, "not NORMAL"),
        ("safety_mode", 2, "not NORMAL"),
        ("robot_program_running", False, "program does not run"),
        ("speed_scaling", 50.0, "scaled down"),
        ("speed_scaling", 0.0, "scaled down"),
        ("program_state", "PAUSED", "not PLAYING"),
        ("robot_mode", True, "not RUNNING"),  # 1 by another name, but no mode
        ("speed_scaling", float("nan"), "scaled down"),
    ],
)
def test_driver_status_requires_each_condition(driver: LaunchDriver, name: str, value: object, problem: str) -> None:
    (found,) = ready(driver, **{name: value}).problems(1.0)
    assert problem in found
    assert str(value) in found


def test_driver_status_without_a_value_is_a_problem(driver: LaunchDriver) -> None:
    problems = DriverStatus(driver.status, driver.controller).problems(0.0)
    assert len(problems) == len(READY) + 1
    assert any("no message from io_and_status_controller/safety_mode" in text for text in problems)


def test_driver_status_of_a_silent_service_is_stale_of_a_topic_not(driver: LaunchDriver) -> None:
    problems = ready(driver).problems(STALE + 0.1)
    assert sorted(problems) == ["controller_manager does not answer", "dashboard_client/program_state does not answer"]


def test_driver_status_requires_an_active_controller(driver: LaunchDriver) -> None:
    status = ready(driver)
    status.on_controllers({CONTROLLER: "inactive"}, 0.5)
    assert status.problems(1.0) == [f"{CONTROLLER} is inactive"]
    status.on_controllers({}, 0.5)
    assert status.problems(1.0) == [f"{CONTROLLER} is not loaded"]
    assert DriverStatus((), None).problems(1.0) == []


def test_driver_status_keeps_a_value_per_condition() -> None:
    fields = {"e_stopped": [False], "in_error": [False], "motion_possible": [True]}
    conditions = tuple(
        StatusCondition.model_validate(
            {"source": "state", "type": "a_msgs/msg/State", "field": field, "allowed": allowed, "means": f"bad {field}"}
        )
        for field, allowed in fields.items()
    )
    status = DriverStatus(conditions, None)
    for wrong in range(3):
        for i, condition in enumerate(conditions):
            good = condition.allowed is not None and condition.allowed[0]
            status.on_value(condition, not good if i == wrong else good, 0.0)
        (problem,) = status.problems(0.0)
        assert problem.startswith(f"bad {list(fields)[wrong]} (state says ")


@pytest.mark.parametrize("tests", [{}, {"allowed": [1], "at_least": 1.0}])
def test_status_condition_with_two_tests_is_refused(tests: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="either allowed or at_least"):
        StatusCondition.model_validate({"source": "a", "type": "a/msg/A", "field": "a", "means": "b", **tests})

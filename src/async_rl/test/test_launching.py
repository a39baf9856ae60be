"""The launch files, where the launch packages are installed."""

import os
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest

launch = pytest.importorskip("launch")
pytest.importorskip("launch_ros")

from async_rl import launching  # noqa: E402
from async_rl_core.bringup.arguments import table  # noqa: E402
from async_rl_core.bringup.exit_policy import EXPLAINED, FAULTED  # noqa: E402
from async_rl_core.bringup.graph import LaunchSpec, NodeSpec, Role, environment  # noqa: E402

RUNNING, STOPPING = SimpleNamespace(is_shutdown=False), SimpleNamespace(is_shutdown=True)
REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", ["reacher", "tracker", "run"])
def test_every_argument_is_declared_with_its_choices(name: str) -> None:
    source = launch.launch_description_sources.AnyLaunchDescriptionSource(
        str(REPOSITORY / "launch" / f"{name}.launch.py")
    )
    description = source.get_launch_description(launch.LaunchContext())
    declared = {argument.name: argument for argument in description.get_launch_arguments()}
    assert set(declared) == {argument.name for argument in table()}
    assert {"seq", "async1", "async2"} <= set(declared["architecture"].choices)
    assert declared["task"].default_value[0].text == {"tracker": "tracking"}.get(name, "preset")


def test_the_drivers_launch_file_is_included_with_its_arguments() -> None:
    include = launching._include(LaunchSpec("ur_robot_driver", "ur_control.launch.py", {"robot_ip": "192.0.2.1"}))
    assert isinstance(include, launch.actions.IncludeLaunchDescription)
    assert dict(include.launch_arguments) == {"robot_ip": "192.0.2.1"}


def environment_of_driver(secure: bool) -> dict[str, str]:
    context = launch.LaunchContext()
    with patch.dict(os.environ):  # which launch writes into
        for action in launching._environment_of_driver(secure):
            action.execute(context)
        return dict(context.environment)


def test_environment_of_driver_stays_on_this_host(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
        monkeypatch.delenv(name, raising=False)
    ours = environment(os.environ)
    found = environment_of_driver(secure=False)
    assert {name: found[name] for name in ours} == ours
    assert any(name.endswith("_DEFAULT_PROFILES_FILE") for name in ours)


def test_a_secure_runs_driver_is_in_its_enclave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_SECURITY_KEYSTORE", "/keys")
    found = environment_of_driver(secure=True)
    assert found["ROS_SECURITY_ENCLAVE_OVERRIDE"] == "/async_rl/driver"
    assert found["ROS_SECURITY_STRATEGY"] == "Enforce"
    assert found["ROS_SECURITY_KEYSTORE"] == "/keys"


def exit_of(role: Role, code: int, context: object = RUNNING, times: int = 1, restarts: int = 0) -> object:
    react = launching._on_exit(NodeSpec("arm", "arm", "arm", role, restarts))
    for _ in range(times - 1):
        react(SimpleNamespace(returncode=code), context)
    return react(SimpleNamespace(returncode=code), context)


def fails_with(reaction: object, message: str) -> None:
    """After the time in which the arm is stopped, launch ends with this error."""
    assert isinstance(reaction, list)
    (timer,) = reaction
    assert isinstance(timer, launch.actions.TimerAction)
    (failure,) = timer.actions
    with pytest.raises(RuntimeError, match=message):
        failure.execute(launch.LaunchContext())


def test_on_exit_reacts_by_role_and_code() -> None:
    (shutdown,) = exit_of("finisher", 0)
    assert isinstance(shutdown, launch.actions.Shutdown)
    for role, code in (("finisher", 3), ("essential", 0), ("essential", 3)):
        fails_with(exit_of(role, code), f"arm died with exit code {code}; stopping")
        assert exit_of(role, code, STOPPING) is None
    assert exit_of("optional", 1) is None
    assert exit_of("essential", 1, times=2, restarts=2) is None
    for code, times in ((1, 3), (EXPLAINED, 1)):
        fails_with(exit_of("essential", code, times=times, restarts=2), "arm died")


def test_launching_agent_that_ends_in_a_fault_ends_launch_with_an_error() -> None:
    react = launching._on_exit(NodeSpec("agent", "agent", "agent", "finisher", tells_fault=True))
    (failure,) = react(SimpleNamespace(returncode=FAULTED), RUNNING)
    with pytest.raises(RuntimeError, match="ended with a fault of the safety guard"):
        failure.execute(launch.LaunchContext())

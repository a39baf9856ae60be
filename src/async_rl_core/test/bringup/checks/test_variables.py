"""Each variable with which a run cannot work is one line that names it and what to do."""

import sys
from pathlib import Path

import pytest

from async_rl_core.bringup.checks.variables import check_variables, problems
from async_rl_core.errors import ConfigError


def test_no_variable_is_no_problem() -> None:
    assert [*problems({})] == []
    check_variables({})


@pytest.mark.parametrize(
    ("ambient", "named"),
    [
        ({"RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp"}, "which is not installed here; unset it"),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF"}, "nodes do not find each other; unset it"),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "local"}, "LOCALHOST, SUBNET, SYSTEM_DEFAULT"),
        ({"ROS_STATIC_PEERS": "127.0.0.1;no such host"}, "'no such host', which has no address; correct it"),
        ({"FASTDDS_DEFAULT_PROFILES_FILE": "/none.xml"}, "/none.xml: No such file or directory; correct it"),
        ({"FASTRTPS_DEFAULT_PROFILES_FILE": "/dev"}, "/dev: Is a directory; correct it"),
        ({"ROS_SECURITY_STRATEGY": "Enforce", "ROS_SECURITY_ENABLE": "true"}, "which is no folder; unset ROS_SEC"),
        ({"PYTHONWARNINGS": "default,error::UserWarning"}, "turns warnings into errors"),
        ({"RCUTILS_COLORIZED_OUTPUT": "yes"}, "set it to 0 or 1"),
        ({"RCUTILS_LOGGING_USE_STDOUT": "yes"}, "set it to 0 or 1"),
        ({"RCUTILS_LOGGING_BUFFERED_STREAM": "yes"}, "set it to 0 or 1"),
    ],
)
def test_variable_with_which_a_run_cannot_work_is_named(ambient: dict[str, str], named: str) -> None:
    (problem,) = problems(ambient)
    assert problem.startswith(next(iter(ambient)))
    assert named in problem
    assert "\n" not in problem
    with pytest.raises(ConfigError, match=next(iter(ambient))):
        check_variables(ambient)


@pytest.mark.parametrize(
    "ambient",
    [
        {"RMW_IMPLEMENTATION": ""},
        {"RMW_IMPLEMENTATION": "rmw_fastrtps_cpp"},
        {"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"},
        {"ROS_STATIC_PEERS": "127.0.0.1"},
        {"FASTDDS_DEFAULT_PROFILES_FILE": ""},
        {"ROS_SECURITY_ENABLE": "true"},
        {"PYTHONWARNINGS": "ignore"},
        {"RCUTILS_COLORIZED_OUTPUT": "1"},
        {"PYTHONPATH": "/nowhere"},
    ],
)
def test_variable_with_which_a_run_works_is_no_problem(ambient: dict[str, str]) -> None:
    assert [*problems(ambient)] == []


@pytest.mark.parametrize("variable", ["LD_LIBRARY_PATH", "AMENT_PREFIX_PATH"])
def test_middleware_that_is_installed_is_no_problem(variable: str, tmp_path: Path) -> None:
    folder = tmp_path if variable == "LD_LIBRARY_PATH" else tmp_path / "lib"
    folder.mkdir(exist_ok=True)
    (folder / "librmw_cyclonedds_cpp.so").touch()
    assert [*problems({"RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp", variable: str(tmp_path)})] == []


@pytest.mark.parametrize("content", [b"not xml", b"<dds><unclosed></dds>", b"<?xml version='1.0' encoding='x'?><a/>"])
def test_profile_that_is_not_xml_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "profile.xml"
    path.write_bytes(content)
    (problem,) = problems({"FASTDDS_DEFAULT_PROFILES_FILE": str(path)})
    assert f"{path}, which is not XML" in problem


def test_package_from_pythonpath_is_named_where_ros_comes_from_wheels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pydantic").mkdir()
    (tmp_path / "pydantic" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "pydantic")
    ambient = {"PYTHONPATH": str(tmp_path)}
    assert [*problems(ambient)] == []  # with a sourced ROS 2, PYTHONPATH is as it must be
    (problem,) = problems({**ambient, "_ROS_WHEELS_BOOTSTRAP_COMPLETE": "1"})
    assert problem.startswith("PYTHONPATH brings another pydantic")

"""The doctor's check of ROS 2, in a process of its own."""

import pytest

from async_rl.middleware import check


def test_check_of_a_working_middleware_is_fine() -> None:
    found = check()
    assert found.state == "fine"
    assert "first message after" in found.finding


@pytest.mark.parametrize("variable", ["RMW_IMPLEMENTATION", "ROS_DOMAIN_ID"])
def test_check_of_a_middleware_that_ends_its_process_is_one_row(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "rmw_cyclonedds_cpp")
    found = check()
    assert found.state == "missing"
    assert "\n" not in found.finding
    assert variable in found.remedy


@pytest.mark.parametrize("home", [None, "/dev/null"])
def test_check_needs_no_home(home: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    if home:
        monkeypatch.setenv("HOME", home)
    assert check().state == "fine"

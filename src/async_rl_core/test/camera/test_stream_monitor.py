"""Health of a camera's stream, in words."""

import pytest

from async_rl_core.camera.stream_monitor import StreamHealth, StreamMonitor

NOW = 100.0


def watched(rate: float = 25.0, age: float = 0.03, count: int = 60) -> tuple[StreamMonitor, float]:
    """A monitor that expects 25 pictures a second and has seen so many, and when the last came."""
    monitor = StreamMonitor(25.0, NOW)
    for i in range(1, count + 1):
        assert monitor.arrived(NOW + i / rate, age, 0.001, "640x480 rgb8") == ""
    return monitor, NOW + count / rate


def test_health_of_a_regular_stream_is_ok() -> None:
    monitor, now = watched()
    found = monitor.health(now)
    assert (found.level, found.message) == ("ok", "640x480 rgb8 at 25.0 Hz")
    assert found.values["stamp to publication p50 (ms)"] == "30.00"
    assert found.values["conversion p50 (ms)"] == "1.00"


@pytest.mark.parametrize(
    ("rate", "age", "expected"),
    [
        (30.0, 0.03, "30.0 pictures a second instead of 25"),
        (25.0, 5.0, "stamps are 5.0 s old: the camera's clock"),
        (25.0, -2.0, "stamps are -2.0 s old"),
    ],
)
def test_health_of_an_odd_stream_is_a_warning(rate: float, age: float, expected: str) -> None:
    monitor, now = watched(rate, age)
    found = monitor.health(now)
    assert found.level == "warn"
    assert expected in found.message


def test_health_of_a_silent_camera_is_an_error() -> None:
    assert StreamMonitor(25.0, NOW).health(NOW + 0.5).message == "no picture yet"
    assert StreamMonitor(25.0, NOW).health(NOW + 3.0) == StreamHealth(
        "error", "no picture for 3 s", StreamMonitor(25.0, NOW).health(NOW).values
    )
    monitor, now = watched()
    assert monitor.health(now + 2.0).message == "no picture for 2 s"


def test_health_of_a_changed_format_warns_at_once_and_afterwards() -> None:
    monitor, now = watched()
    said = monitor.arrived(now + 0.04, 0.03, 0.001, "1280x720 yuyv")
    assert said == "the camera changed from 640x480 rgb8 to 1280x720 yuyv"
    assert monitor.arrived(now + 0.08, 0.03, 0.001, "1280x720 yuyv") == ""
    found = monitor.health(now + 0.1)
    assert found.level == "warn"
    assert found.message.startswith(said)
    assert (found.values["changes"], found.values["pictures"]) == (1, "1280x720 yuyv")


def test_health_of_unusable_pictures_is_an_error_until_a_usable_one() -> None:
    monitor, now = watched()
    monitor.refused(now + 0.04, "encoding 'mono8' is not supported")
    found = monitor.health(now + 0.05)
    assert (found.level, found.values["refused"]) == ("error", 1)
    assert "encoding 'mono8' is not supported" in found.message
    monitor.arrived(now + 0.08, 0.03, 0.001, "640x480 rgb8")
    assert monitor.health(now + 0.09).level == "ok"

"""The source of a run's images."""

import pytest

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.config.sources import cameras
from async_rl_core.errors import ConfigError

REAL = {"hardware": "real", "robot_ip": "127.0.0.1", "guard.auto_arm": False, "display": True}


def config(source: str | None = None, **overrides: object) -> Config:
    return resolve("laptop", {"camera.source": source, **{k.replace("__", "."): v for k, v in overrides.items()}})


@pytest.mark.parametrize(
    ("source", "real", "topic", "seen"),
    [
        (None, False, None, "image_raw"),
        ("sim", False, None, "image_raw"),
        ("sim", True, None, "image_raw"),
        (None, True, "image_raw", "image_converter_node/image"),
        ("topic:/wrist/image/compressed", False, "/wrist/image/compressed", "image_converter_node/image"),
        ("usb_cam", False, "camera/image_raw", "image_converter_node/image"),
        ("realsense", True, "camera/camera/color/image_raw", "image_converter_node/image"),
    ],
)
def test_camera_source_chooses_the_topic(source: str | None, real: bool, topic: str | None, seen: str) -> None:
    made = config(source, **(REAL if real else {}))
    assert (made.camera_topic, made.image_topic) == (topic, seen)


def test_camera_driver_gets_the_rate_of_the_camera() -> None:
    assert cameras() == ["usb_cam", "v4l2_camera", "realsense"]
    asked = {name: config(camera__rate=30.0).camera.drivers[name].filled(30.0) for name in cameras()}
    assert asked["usb_cam"]["framerate"] == "30.0"
    assert asked["v4l2_camera"]["time_per_frame"] == "[1, 30]"
    assert asked["realsense"]["rgb_camera.color_profile"] == "640x480x30"
    slower = config().camera.drivers["realsense"].filled(25.0)
    assert slower["rgb_camera.color_profile"] == "640x480x30"  # which has 30 or 60, but not 25
    assert asked["usb_cam"]["video_device"] == asked["v4l2_camera"]["video_device"] == "/dev/video0"


def test_preset_with_its_own_camera_is_resolved() -> None:
    own = {"package": "p", "executable": "e", "topic": "eye", "parameters": {"fps": "{rate:.0f}"}}
    driver = config("own", camera__drivers__own=own).camera_driver
    assert driver is not None
    assert (driver.topic, driver.filled(25.0)) == ("eye", {"fps": "25"})
    own["parameters"] = {"fps": "{fps}"}
    with pytest.raises(ConfigError, match="parameters of e: braces may hold rate or device only"):
        config(camera__drivers__own=own)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("usbcam", "'usbcam' is not a camera; did you mean 'usb_cam'; allowed: sim, usb_cam, v4l2_camera, realsense, "),
        ("topic:", "'' is not the name of a topic; allowed: sim, "),
        ("topic:a b", "'a b' is not the name of a topic"),
        ("topic:/image_converter_node/image", "is what the suite makes of the camera's images"),
    ],
)
def test_camera_source_unknown_is_refused(source: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(source)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_stamp_delay_above_the_image_latency_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"sim.stamp_delay: 0.05 s is more than sim.image_latency \(0.04 s\)"):
        config(sim__stamp_delay=0.05, sim__image_latency=0.04)


@pytest.mark.parametrize("source", ["usb_cam", "topic:eye"])
def test_real_camera_without_a_display_of_the_target_is_refused(source: str) -> None:
    unsaid = {key: value for key, value in REAL.items() if key != "display"}
    names = {"camera.source": "argument camera"}
    expected = (
        rf"^argument camera: nothing shows the target of 'tracking' to '{source}'; "
        "add display:=true, or display:=false where another program shows it$"
    )
    with pytest.raises(ConfigError, match=expected):
        resolve("laptop", {**unsaid, "task": "tracking", "camera.source": source}, names=names)
    for chosen in (True, False):
        assert config(source, **{**REAL, "display": chosen}).display is chosen


def test_target_without_a_screen_or_simulated_needs_no_display() -> None:
    unsaid = {key: value for key, value in REAL.items() if key != "display"}
    assert resolve("laptop", {**unsaid, "camera.source": "usb_cam"}, "fr3").task == "visual_reacher"
    assert config("sim", **unsaid).camera_topic is None
    assert config("usb_cam").hardware == "sim"

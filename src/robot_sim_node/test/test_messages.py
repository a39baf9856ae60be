"""The drivers' messages, field by field."""

import numpy as np
import pytest

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.sim.frames import Transform
from robot_sim_node.messages import JointStates, camera_info_message, image_message, time_message, transform_message


@pytest.fixture
def config() -> Config:
    return resolve("laptop", {"camera.width": 160, "camera.height": 90})


def test_joint_states_are_in_the_drivers_order(config: Config) -> None:
    stamp = time_message(1_500_000_000)
    message = JointStates(config).message(stamp, np.arange(6.0), np.arange(6.0) + 10, np.arange(6.0) + 20)
    assert message.name == sorted(config.robot.joints)
    assert dict(zip(message.name, message.position, strict=True)) == dict(
        zip(config.robot.joints, np.arange(6.0), strict=True)
    )
    assert list(message.velocity[:3]) == [12.0, 11.0, 10.0]
    assert list(message.effort[3:]) == [23.0, 24.0, 25.0]
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (1, 500_000_000)


def test_image_is_rgb8() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (45, 80, 3), dtype=np.uint8)
    message = image_message(pixels, time_message(7))
    assert (message.height, message.width, message.step, message.encoding) == (45, 80, 240, "rgb8")
    assert message.header.frame_id == "camera_optical_frame"
    np.testing.assert_array_equal(np.frombuffer(message.data, np.uint8).reshape(45, 80, 3), pixels)


def test_camera_info_is_the_pinhole(config: Config) -> None:
    message = camera_info_message(config)
    focal = 45 / np.tan(np.deg2rad(config.robot.camera_fov / 2))
    np.testing.assert_allclose(message.k, [focal, 0, 79.5, 0, focal, 44.5, 0, 0, 1])
    np.testing.assert_allclose(np.reshape(message.p, (3, 4))[:, :3], np.reshape(message.k, (3, 3)))


def test_transform_keeps_rotation_order() -> None:
    message = transform_message(Transform("a", "b", (1.0, 2.0, 3.0), (0.1, 0.2, 0.3, 0.9)), time_message(0))
    assert (message.header.frame_id, message.child_frame_id) == ("a", "b")
    assert (message.transform.rotation.x, message.transform.rotation.w) == (0.1, 0.9)
    assert message.transform.translation.z == 3.0

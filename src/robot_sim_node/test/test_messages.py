"""The drivers' messages, field by field."""

import numpy as np
import pytest

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.sim.frames import Transform
from async_rl_ros.ros_time import ros_time
from robot_sim_node.messages import camera_info_message, image_message, transform_message


@pytest.fixture
def config() -> Config:
    return resolve("laptop", {"camera.width": 160, "camera.height": 90})


def test_messages_image_is_rgb8() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (45, 80, 3), dtype=np.uint8)
    message = image_message(pixels, ros_time(7))
    assert (message.height, message.width, message.step, message.encoding) == (45, 80, 240, "rgb8")
    assert message.header.frame_id == "camera_optical_frame"
    np.testing.assert_array_equal(np.frombuffer(message.data, np.uint8).reshape(45, 80, 3), pixels)


def test_messages_camera_info_is_the_pinhole(config: Config) -> None:
    message = camera_info_message(config)
    focal = 45 / np.tan(np.deg2rad(config.robot.camera_fov / 2))
    np.testing.assert_allclose(message.k, [focal, 0, 79.5, 0, focal, 44.5, 0, 0, 1])
    np.testing.assert_allclose(np.reshape(message.p, (3, 4))[:, :3], np.reshape(message.k, (3, 3)))


def test_messages_transform_keeps_rotation_order() -> None:
    message = transform_message(Transform("a", "b", (1.0, 2.0, 3.0), (0.1, 0.2, 0.3, 0.9)), ros_time(0))
    assert (message.header.frame_id, message.child_frame_id) == ("a", "b")
    assert (message.transform.rotation.x, message.transform.rotation.w) == (0.1, 0.9)
    assert message.transform.translation.z == 3.0

"""Conversions from the simulation's arrays to the messages of a camera driver and of tf."""

from array import array

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import TransformStamped
from sensor_msgs.msg import CameraInfo, Image

from async_rl_core.config.schema import Config
from async_rl_core.sim.camera import Image as Pixels
from async_rl_core.sim.camera import intrinsics
from async_rl_core.sim.frames import CAMERA_FRAME, Transform


def image_message(image: Pixels, stamp: Time) -> Image:
    """Returns an rgb8 message of pixels (height, width, 3)."""
    height, width, channels = image.shape
    message = Image(height=height, width=width, encoding="rgb8", step=width * channels)
    message.header.stamp = stamp
    message.header.frame_id = CAMERA_FRAME
    message.data = array("B", image.tobytes())  # other types cost a copy per pixel
    return message


def camera_info_message(config: Config) -> CameraInfo:
    """Returns the intrinsics of the undistorted pinhole; the caller sets the stamp of each image."""
    k = intrinsics(config)
    message = CameraInfo(height=config.camera.height, width=config.camera.width, distortion_model="plumb_bob")
    message.header.frame_id = CAMERA_FRAME
    message.d = [0.0] * 5
    message.k = k.ravel().tolist()
    message.r = np.eye(3).ravel().tolist()
    message.p = np.hstack([k, np.zeros((3, 1))]).ravel().tolist()
    return message


def transform_message(transform: Transform, stamp: Time) -> TransformStamped:
    """Returns a frame for tf or tf_static."""
    message = TransformStamped(child_frame_id=transform.child)
    message.header.stamp = stamp
    message.header.frame_id = transform.parent
    vector, turn = message.transform.translation, message.transform.rotation
    vector.x, vector.y, vector.z = transform.translation
    turn.x, turn.y, turn.z, turn.w = transform.rotation
    return message

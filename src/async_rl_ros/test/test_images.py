import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sensor_msgs.msg import Image

from async_rl_ros import images

BRIDGES = {images.OwnCvBridge, images.CvBridge}  # ours, and cv_bridge's where it is installed
bridges = pytest.mark.parametrize("bridge", [bridge() for bridge in sorted(BRIDGES, key=lambda cls: cls.__module__)])

RED = np.full((2, 4, 3), (200, 30, 10), np.uint8)


def message(pixels: np.ndarray, encoding: str, padding: int = 0) -> Image:
    rows = pixels.reshape(pixels.shape[0], -1)
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    data = array.array("B", padded.tobytes())
    return Image(height=pixels.shape[0], width=pixels.shape[1], encoding=encoding, step=padded.shape[1], data=data)


@bridges
@pytest.mark.parametrize("padding", [0, 3])
def test_imgmsg_to_cv2_with_the_same_encoding_keeps_it(bridge, padding):
    np.testing.assert_array_equal(bridge.imgmsg_to_cv2(message(RED, "rgb8", padding), "rgb8"), RED)


@bridges
@pytest.mark.parametrize("padding", [0, 3])
def test_imgmsg_to_cv2_converts_bgr_to_rgb(bridge, padding):
    np.testing.assert_array_equal(bridge.imgmsg_to_cv2(message(RED[..., ::-1], "bgr8", padding), "rgb8"), RED)


@bridges
def test_imgmsg_to_cv2_converts_grey_to_rgb(bridge):
    grey = np.arange(8, dtype=np.uint8).reshape(2, 4)
    np.testing.assert_array_equal(bridge.imgmsg_to_cv2(message(grey, "mono8"), "rgb8"), np.stack([grey] * 3, axis=-1))
    np.testing.assert_array_equal(bridge.imgmsg_to_cv2(message(grey, "mono8"), "mono8"), grey)


@bridges
@pytest.mark.parametrize("padding", [0, 8])
def test_imgmsg_to_cv2_converts_yuyv_to_rgb(bridge, padding):
    yuyv = np.empty((2, 4, 2), np.uint8)
    yuyv[..., 0], yuyv[:, ::2, 1], yuyv[:, 1::2, 1] = 81, 90, 240  # ITU-R BT.601's pure red
    rgb = bridge.imgmsg_to_cv2(message(yuyv, "yuv422_yuy2", padding), "rgb8").astype(int)
    np.testing.assert_allclose(rgb, np.full((2, 4, 3), (255, 0, 0)), atol=3)


@bridges
@given(image=arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_cv2_to_imgmsg_and_back_keeps_the_image(bridge, image):
    sent = bridge.cv2_to_imgmsg(image, "rgb8")
    assert (sent.height, sent.width, sent.step, sent.encoding) == (*image.shape[:2], image.shape[1] * 3, "rgb8")
    np.testing.assert_array_equal(bridge.imgmsg_to_cv2(sent, "rgb8"), image)


@bridges
def test_cv2_to_imgmsg_of_a_view_copies_it_whole(bridge):
    image = np.arange(2 * 8 * 3, dtype=np.uint8).reshape(2, 8, 3)[:, ::2]
    np.testing.assert_array_equal(bridge.imgmsg_to_cv2(bridge.cv2_to_imgmsg(image, "rgb8"), "rgb8"), image)


def test_imgmsg_to_cv2_without_conversion_does_not_copy():
    sent = message(RED, "rgb8")
    image = images.OwnCvBridge().imgmsg_to_cv2(sent, "rgb8")
    sent.data[0] = 5
    assert image[0, 0, 0] == 5


@bridges
@pytest.mark.parametrize("encoding", ["nonsense", ""])
def test_bridge_with_an_unknown_encoding_is_an_error(bridge, encoding):
    with pytest.raises(images.CvBridgeError if type(bridge) is images.CvBridge else images.OwnCvBridgeError):
        bridge.imgmsg_to_cv2(message(RED, encoding), "rgb8")


@pytest.mark.parametrize(
    ("pixels", "encoding", "words"),
    [
        (RED, "bayer_rggb8", "bayer_rggb8.*allowed: .*bgr8.*mono8.*rgb8.*yuv422_yuy2"),
        (RED.astype(np.float32), "rgb8", "rgb8 is .height, width, 3. uint8, got .2, 4, 3. float32"),
        (RED[..., 0], "rgb8", "got .2, 4. uint8"),
    ],
)
def test_cv2_to_imgmsg_with_a_wrong_shape_is_refused(pixels, encoding, words):
    with pytest.raises(images.OwnCvBridgeError, match=words):
        images.OwnCvBridge().cv2_to_imgmsg(pixels, encoding)


def test_imgmsg_to_cv2_with_an_unsupported_conversion_names_the_supported():
    with pytest.raises(images.OwnCvBridgeError, match=r"rgb8 to 'yuv422_yuy2'; allowed: \['bgr8', 'mono8'\]"):
        images.OwnCvBridge().imgmsg_to_cv2(message(RED, "rgb8"), "yuv422_yuy2")


@pytest.mark.parametrize(("step", "size"), [(11, 24), (12, 23), (13, 24)])
def test_imgmsg_to_cv2_of_a_short_message_is_refused(step, size):
    short = Image(height=2, width=4, encoding="rgb8", step=step, data=array.array("B", bytes(size)))
    with pytest.raises(images.OwnCvBridgeError, match=f"4x2 rgb8 needs .* step {step} and {size} bytes"):
        images.OwnCvBridge().imgmsg_to_cv2(short, "rgb8")

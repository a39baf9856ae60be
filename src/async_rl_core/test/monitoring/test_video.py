"""Videos are read back, frame by frame."""

from pathlib import Path

import av
import numpy as np

from async_rl_core.monitoring.video import write_video


def test_write_video_keeps_every_frame_and_rate(tmp_path: Path) -> None:
    images = [np.full((45, 80, 3), 10 * n, np.uint8) for n in range(20)]
    path = tmp_path / "videos" / "episode_0010.mp4"
    frames = [(image, np.zeros((4, 2), np.float32) if n % 2 else None) for n, image in enumerate(images)]
    assert write_video(path, frames, 25.0) == 20
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        assert stream.average_rate == 25
    assert len(pictures) == 20
    assert pictures[0].shape == (360, 640, 3)
    for image, picture in zip(images, pictures, strict=True):
        assert abs(int(picture[20, 20, 0]) - int(image[0, 0, 0])) < 8
    assert list(path.parent.iterdir()) == [path]


def test_write_video_without_frames_writes_no_file(tmp_path: Path) -> None:
    assert write_video(tmp_path / "videos" / "episode_0010.mp4", [], 25.0) == 0
    assert list(tmp_path.iterdir()) == []

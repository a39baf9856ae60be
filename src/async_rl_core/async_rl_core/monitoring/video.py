"""Camera videos with the encoder's feature points (Yuan, 2022, figure 8.5)."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av

from async_rl_core.atomic_file import replacing
from async_rl_core.monitoring.frame_buffer import Image, Points
from async_rl_core.monitoring.overlay import annotate


def write_video(path: Path, frames: Iterable[tuple[Image, Points | None]], rate: float) -> int:
    """Encodes annotated frames as mp4 (H.264 if available, else MPEG-4) and returns their number.

    Writes nothing without a frame. All frames have one size; `rate` is in frames per second.
    """
    pictures = (annotate(image, points) for image, points in frames)
    first = next(pictures, None)
    if first is None:
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with replacing(path) as temporary, av.open(str(temporary), "w", format="mp4") as container:
        stream = _open_stream(container, first.shape[0], first.shape[1], rate)
        for picture in (first, *pictures):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            count += 1
        container.mux(stream.encode())
    return count


def _open_stream(
    container: "av.container.OutputContainer", height: int, width: int, rate: float
) -> "av.video.stream.VideoStream":
    h264 = "libx264" in av.codecs_available
    stream = container.add_stream(
        "libx264" if h264 else "mpeg4",
        rate=Fraction(rate).limit_denominator(1000),
        options={"crf": "20", "preset": "veryfast"} if h264 else {"qscale": "3"},
    )
    stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
    stream.codec_context.thread_count = 1  # leaves the cores to agent and learner
    return stream

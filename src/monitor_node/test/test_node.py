"""The node in a process of its own: a run of a few episodes, told over the real middleware."""

import json
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
import rclpy
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from async_rl_core.config.load import resolve, write_config
from async_rl_core.run_folder import summary
from async_rl_core.run_folder.episodes import read_episodes
from async_rl_interfaces.msg import Episode, FeaturePoints, GuardState, Histogram, LearnerState, Target, Timing
from async_rl_ros.images import CvBridge
from async_rl_ros.qos import LATCHED, LATCHED_HISTORY, SENSOR

TIMEOUT = 60.0
RUN = f"from monitor_node import node; node.CLOSE_TIMEOUT = {TIMEOUT}; node.background = lambda: None; node.main()"
"""Scheduled as any other process, and with time for its last drawings: beside tests that work, one at nice 19 gets a
hundredth of a core, and any may take longer to draw than a run's end allows."""
FRAMES = 100


class MonitorProcess:
    """The node, with what it says."""

    def __init__(self, config: Path, namespace: str) -> None:
        arguments = ["--ros-args", "-r", f"__ns:={namespace}", "-p", f"config:={config}"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", RUN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))

    def end(self, number: signal.Signals = signal.SIGINT) -> list[str]:
        """Stop it by a signal; all that it said."""
        self._process.send_signal(number)
        code = self._process.wait(TIMEOUT)
        self._reader.join()
        assert self._process.stderr is not None
        assert (code, self._process.stderr.read()) == (0, "")
        return self.lines

    def kill(self) -> None:
        """End it by force, if it runs."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()


class Run:
    """Publishes the messages of the other nodes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.node: Node = rclpy.create_node("run", namespace=f"test_{uuid.uuid4().hex}")
        reliable = QoSProfile(depth=50)
        self._episodes = self.node.create_publisher(Episode, "rl_agent_node/episode", LATCHED_HISTORY)
        self._timing = self.node.create_publisher(Timing, "rl_agent_node/timing", reliable)
        self._points = self.node.create_publisher(FeaturePoints, "rl_agent_node/feature_points", reliable)
        self._learner = self.node.create_publisher(LearnerState, "learner_node/state", reliable)
        self._guard = self.node.create_publisher(GuardState, "safety_guard_node/state", LATCHED)
        self._target = self.node.create_publisher(Target, "target", LATCHED)
        self._images = self.node.create_publisher(Image, "image_raw", reliable)
        self._bridge = CvBridge()
        self._started: list[MonitorProcess] = []

    def start(self, **overrides: object) -> MonitorProcess:
        config = resolve("laptop", {"run_dir": str(self.folder), "episodes": 4, "seed": 7, **overrides})
        path = self.folder / "config.yaml"
        write_config(config, path)
        self._started.append(MonitorProcess(path, self.node.get_namespace()))
        return self._started[-1]

    def close(self) -> None:
        """Ends every process that was started."""
        for process in self._started:
            process.kill()
        self.node.destroy_node()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < deadline, "nothing came"
            rclpy.spin_once(self.node, timeout_sec=0.05)

    def tell_timing(self, process: "MonitorProcess") -> None:
        """Publishes timing until the node has printed a missed cycle and recorded the learner's times."""
        histogram = Histogram(name="lateness", unit="ms", p50=0.25, p99=1.5, max=2.0)
        update = Histogram(name="update", unit="ms", mean=53.0, p50=52.0, p99=60.0, max=70.0)

        def heard() -> bool:
            self._learner.publish(LearnerState(updates=120, env_steps=300, histogram=[update]))
            self._timing.publish(Timing(cycles=1000, missed_cycles=1, steps_sent=300, histogram=[histogram]))
            said = any("1 action cycle without a command" in line for line in process.lines)
            return said and summary.read(self.folder).get("component_update_p50_ms") == 52.0

        self.wait_for(heard)

    def tell_elapsed(self, elapsed: float) -> None:
        self._timing.publish(Timing(elapsed=elapsed, cycles=1000, missed_cycles=1))

    def tell_fault(self, process: "MonitorProcess", cause: str) -> None:
        self._guard.publish(GuardState(state=GuardState.FAULT, cause=cause))
        self.wait_for(lambda: any(cause in line for line in process.lines))

    def tell_episode(self, number: int, random: bool, target_term: float) -> None:
        message = Episode(episode=number, random=random, env_steps=100 * number, target_term=target_term)
        self._episodes.publish(message)
        path = self.folder / "episodes.csv"
        self.wait_for(lambda: path.exists() and len(read_episodes(path)) >= number)

    def tell_target(self) -> None:
        self._target.publish(Target(x=80.0, y=45.0, radius=7.0, width=160.0, height=90.0))

    def tell_frame(self, number: int) -> None:
        image = self._bridge.cv2_to_imgmsg(np.full((45, 80, 3), 20 + number, np.uint8), "rgb8")
        image.header.stamp = Time(sec=number)
        self._images.publish(image)
        points = FeaturePoints(x=[0.0], y=[0.0])
        points.header.stamp = image.header.stamp
        self._points.publish(points)

    def tell_nonsense(self) -> None:
        """Sends invalid messages, which must not end the node."""
        self._images.publish(Image(encoding="rgb8"))
        self._images.publish(Image(encoding="rgb8", width=2**31, height=2**31, step=3))
        self._points.publish(FeaturePoints(x=[0.0, 0.0], y=[0.0]))

    @property
    def images_wanted(self) -> bool:
        return bool(self._images.get_subscription_count() and self._points.get_subscription_count())


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    rclpy.init()
    run = Run(tmp_path)
    yield run
    run.close()
    rclpy.shutdown()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_monitor_run_leaves_records_and_lines(run: Run, number: signal.Signals) -> None:
    monitor = run.start(**{"logging.curve_period": 0.2})
    run.tell_timing(monitor)
    run.tell_episode(1, random=True, target_term=0.5)
    run.tell_fault(monitor, "shoulder_pan_joint at 2.5 rad, limit 2.182")
    run.tell_episode(2, random=False, target_term=4.0)
    run.wait_for((run.folder / "learning_curve.png").exists)
    lines = monitor.end(number)
    told = [line for line in lines if "  episode  " in line]
    assert len(told) == 2
    assert "random" in told[0]
    assert told[1].endswith("[##########----------]  50%")
    assert "FAULT: the safety guard stopped the arm: shoulder_pan_joint at 2.5 rad, limit 2.182" in lines
    rows = read_episodes(run.folder / "episodes.csv")
    assert [(row.episode, row.env_steps, row.target_term) for row in rows] == [(1, 100, 0.5), (2, 200, 4.0)]
    assert 0 < rows[0].wall_time < rows[1].wall_time < 2 * TIMEOUT
    figures = json.loads((run.folder / "summary.json").read_text())
    assert (figures["seed"], figures["episodes"], figures["random_episodes"]) == (7, 2, 1)
    assert (figures["cycles"], figures["lateness_p99_ms"]) == (1000, 1.5)
    assert (figures["component_update_p50_ms"], figures["component_update_p99_ms"]) == (52.0, 60.0)
    assert any(line.split()[:5] == ["learner", "update", "53.00", "52.00", "60.00"] for line in lines)
    assert f"run folder: {run.folder}" in lines
    assert any(line.split()[:2] == ["go", "on"] and f"resume:={run.folder}" in line for line in lines)
    assert any(line.endswith(f"tensorboard --logdir {run.folder / 'tensorboard'}") for line in lines)
    assert list((run.folder / "tensorboard" / "episodes").iterdir())
    assert (run.folder / "components.png").stat().st_size > 5_000
    assert (run.folder / "learning_curve.png").stat().st_size > 10_000


def test_monitor_progress_counts_from_the_agents_start(run: Run) -> None:
    """Not from the monitor's, which waits for the others to load: at most a second of it has passed here."""
    monitor = run.start(duration=1000.0, episodes=None)
    run.tell_episode(1, random=True, target_term=0.5)
    run.wait_for(lambda: any(line.endswith("]   0%") for line in monitor.lines))

    def heard() -> bool:
        run.tell_elapsed(500.0)
        return any("1 action cycle without a command" in line for line in monitor.lines)

    run.wait_for(heard)
    run.tell_episode(2, random=True, target_term=0.5)
    [_, second] = [line for line in monitor.end() if "  return " in line]
    assert 50 <= int(second.removesuffix("%").split()[-1]) < 60


def test_monitor_killed_and_restarted_continues(run: Run) -> None:
    first = run.start()
    run.tell_episode(1, random=True, target_term=0.5)
    first.kill()
    second = run.start()
    run.tell_episode(2, random=False, target_term=4.0)
    second.end()
    assert [row.episode for row in read_episodes(run.folder / "episodes.csv")] == [1, 2]


def test_monitor_video_shows_feature_points(run: Run) -> None:
    monitor = run.start(record_video=True, **{"logging.video_every": 2})
    run.wait_for(lambda: run.images_wanted)
    run.tell_episode(1, random=True, target_term=0.5)
    shown = 0

    def count(message: Image) -> None:
        nonlocal shown
        assert (message.width, message.height) == (640, 360)
        shown += marked(np.frombuffer(message.data, np.uint8).reshape(360, 640, 3))

    run.node.create_subscription(Image, "monitor_node/camera", count, SENSOR)
    run.wait_for(lambda: run.node.count_publishers("monitor_node/camera") > 0)
    for frame in range(FRAMES):
        run.tell_nonsense()
        run.tell_frame(frame)
        seen = shown
        deadline = time.monotonic() + 0.5  # nobody answers until discovery has matched the viewer
        while shown == seen and time.monotonic() < deadline:
            rclpy.spin_once(run.node, timeout_sec=0.05)
        if shown == 5:
            break
    assert shown > 0
    run.tell_episode(2, random=False, target_term=4.0)
    video = run.folder / "videos" / "episode_0002.mp4"
    run.wait_for(video.exists)
    monitor.end()
    with av.open(str(video)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert sum(marked(np.asarray(picture, np.uint8)) for picture in pictures) >= shown
    assert [p.name for p in (run.folder / "videos").iterdir()] == ["episode_0002.mp4"]


def marked(picture: NDArray[np.uint8]) -> bool:
    """Whether the grey picture has the green point in its middle."""
    red, green, _ = (int(value) for value in picture[180, 320])
    return green > red + 60


def test_monitor_markers_are_published_to_subscribers(run: Run) -> None:
    received: list[MarkerArray] = []
    run.node.create_subscription(MarkerArray, "monitor_node/markers", received.append, LATCHED)
    monitor = run.start()
    deadline = time.monotonic() + TIMEOUT
    while not received:
        assert time.monotonic() < deadline, "nothing came"
        run.tell_target()
        rclpy.spin_once(run.node, timeout_sec=0.1)
    assert [marker.ns for marker in received[0].markers] == ["surface", "target", "workspace"]
    assert not run.images_wanted  # without a video or a viewer the images are nobody's
    monitor.end()


def test_monitor_unwritable_folder_is_one_line(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    write_config(resolve("laptop", {"run_dir": str(tmp_path / "missing")}), path)
    arguments = ["--ros-args", "-p", f"config:={path}"]
    process = subprocess.run(
        [sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1
    assert process.stderr.startswith("error: ")
    assert "missing/episodes.csv: cannot be written" in process.stderr

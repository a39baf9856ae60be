"""A kinematic arm that follows its commands exactly, and a camera that numbers its frames, around a loop."""

import numpy as np

from async_rl_core.agent.loop import AgentLoop
from async_rl_core.agent.observation import Frame, JointState
from async_rl_core.agent.outbox import Outbox
from async_rl_core.agent.run_progress import BEGINNING, RunProgress
from async_rl_core.agent.step_recorder import EpisodeResult
from async_rl_core.config.schema import Config
from async_rl_core.spec.step import Step
from async_rl_core.tasks.checks import CheckedTask
from async_rl_core.tasks.outcome import Outcome
from async_rl_core.tasks.task import Reward, Task

CYCLE = 0.04
PATTERN = np.random.default_rng(1).integers(0, 256, (20, 20, 3), np.uint8)
"""What makes an image one in which a motion of the camera would show."""


class Free:
    """No limits."""

    def shape(self, position: np.ndarray, velocity: np.ndarray) -> np.ndarray:
        return velocity


class Still:
    """A policy that wants to stand still and notes what it saw."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.episode = 0

    def begin_episode(self, episode: int) -> None:
        self.episode = episode

    def act(self, images: np.ndarray, state: np.ndarray) -> np.ndarray:
        self.seen.append([int(images[0, 0, 3 * i]) for i in range(3)])
        return np.zeros(5, np.float32)


class BenchTask(Task):
    """Rewards as its bench says, and resets by its waypoints."""

    def __init__(self, bench: "Bench", waypoints: tuple[tuple[float, ...], ...]) -> None:
        super().__init__(bench.config)
        self._bench, self._waypoints = bench, waypoints

    def reward(self) -> Reward:
        return lambda outcome: self._bench.reward(outcome.image)

    def terminal(self, outcome: Outcome) -> bool:
        return self._bench.terminal(outcome)

    def reset_waypoints(self, episode: int) -> tuple[tuple[float, ...], ...]:
        return self._waypoints


class Bench:
    """Drives a loop cycle by cycle."""

    def __init__(
        self,
        config: Config,
        start: RunProgress = BEGINNING,
        waypoints: tuple[tuple[float, ...], ...] = (),
        witnesses: tuple[str, ...] = (),
        first_reset: float | None = None,
    ) -> None:
        self.config = config
        self.steps: list[Step] = []
        self.results: list[EpisodeResult] = []
        self.targets: list[int] = []
        self.policy = Still()
        self.loop = AgentLoop(
            config,
            self.policy,
            CheckedTask(config.task, BenchTask(self, waypoints)),
            Outbox(lambda step: not self.steps.append(step), sent=start.sequence),
            self.place,
            start,
            witnesses,
            first_reset,
        )
        self.loop.limits = Free()
        self.loop.actions.policy_ready = True
        self.now = 0.0
        self.frame = 0
        self.position = np.array(config.robot.start) + 0.3
        self.blocked_by = ""
        self.camera = True
        self.frozen = self.black = False
        self.place_targets = True

    def reward(self, image: np.ndarray) -> tuple[float, float]:
        """The frame's number; a test may put another in its place."""
        return float(image[0, 0, 0]), 1.0

    def terminal(self, outcome: Outcome) -> bool:
        """Never; a test may put another in its place."""
        return False

    def place(self, episode: int) -> None:
        self.targets.append(episode)
        if self.place_targets:
            self.loop.target.placed(episode)

    def cycle(self) -> np.ndarray:
        self.now += CYCLE
        if self.camera:
            self.frame += not self.frozen
            image = np.full((self.config.camera.height, self.config.camera.width, 3), self.frame % 256, np.uint8)
            image[-20:, -20:] = PATTERN
            self.loop.add_frame(Frame(image * (not self.black), int(1e9 * self.now), self.now))
        velocity = self.loop.act(self.now, JointState(self.position.copy(), np.zeros(6), self.now), self.blocked_by)
        self.position += velocity * CYCLE
        if (result := self.loop.settle(self.now)) is not None:
            self.results.append(result)
        return velocity

    def until(self, episodes: int) -> None:
        for _ in range(episodes * 200):
            self.cycle()
            if len(self.results) == episodes:
                return
        raise AssertionError(f"{episodes} episodes did not end; {self.loop.phase}")

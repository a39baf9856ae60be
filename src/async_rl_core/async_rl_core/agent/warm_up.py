"""A dry run of the loop before the arm moves, since the first calls are slow."""

import numpy as np
from numpy.typing import NDArray

from async_rl_core.agent.acting_policy import ActingPolicy
from async_rl_core.agent.loop import AgentLoop
from async_rl_core.agent.observation import Frame, JointState
from async_rl_core.agent.outbox import Outbox
from async_rl_core.config.schema import Config
from async_rl_core.spec.observation import ObservationSpec
from async_rl_core.tasks.checks import CheckedTask
from async_rl_core.tasks.outcome import TaskState

CYCLES = 12
STEPS = 4


def warm_up(config: Config, actor: ActingPolicy, task: CheckedTask) -> None:
    """Runs an episode of `STEPS` steps on grey images, with an arm that is at its start pose already.

    The first call of a network, or of much of NumPy, takes 50 to 100 ms, which in an episode would be missed cycles
    and a watchdog fault.
    """
    cycle = config.agent.action_cycle_time
    short = config.agent.model_copy(
        update={"initial_steps": 1, "episode_duration": STEPS * cycle, "reset_duration": cycle}
    )
    loop = AgentLoop(config.model_copy(update={"agent": short}), actor, task, Outbox(lambda _: True), lambda _: None)
    loop.limits = _Free()
    loop.actions.policy_ready = True
    start = np.array(config.robot.start)
    values = {part.name: np.ones(part.size) for part in ObservationSpec.from_config(config).parts}
    image = np.full((config.camera.height, config.camera.width, 3), 128, np.uint8)
    for i in range(CYCLES):
        now = i * cycle
        loop.target.placed(loop.episodes.episode)
        loop.add_frame(Frame(image, 0, now))
        loop.add_task_state(TaskState(values, 0, now))
        loop.act(now, JointState(start, np.zeros(len(start)), now))
        if loop.settle(now) is not None:
            return


class _Free:
    """No limits, since the robot's own arrive with its description."""

    def shape(self, position: NDArray[np.float64], velocity: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the velocity unchanged."""
        return velocity

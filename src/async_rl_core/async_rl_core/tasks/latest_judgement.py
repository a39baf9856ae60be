"""A task that judges each outcome once."""

from async_rl_core.tasks.checks import CheckedTask, Judgement
from async_rl_core.tasks.outcome import Outcome
from async_rl_core.tasks.task import Task


class LatestJudgement(CheckedTask):
    """A checked task that keeps its newest judgement, since an environment and the agent's loop both need it."""

    def __init__(self, name: str, task: Task) -> None:
        super().__init__(name, task)
        self._outcome: Outcome | None = None
        self._judgement = Judgement(0.0, 0.0, False)

    def judge(self, outcome: Outcome) -> Judgement:
        """Returns the judgement of an outcome; see `CheckedTask.judge`."""
        if self._outcome is None or not _is_same(outcome, self._outcome):
            self._judgement = super().judge(outcome)
            self._outcome = outcome  # not before: one that raises is judged again
        return self._judgement


def _is_same(one: Outcome, other: Outcome) -> bool:
    """Returns whether two outcomes hold the same arrays of image, joints and state."""
    same_arm = one.joint_position is other.joint_position and one.image is other.image
    return same_arm and one.state is other.state

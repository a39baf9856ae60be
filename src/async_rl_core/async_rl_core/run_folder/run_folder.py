"""Every path in the folder of a run."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from async_rl_core.config.catalogue import CONFIG_FILE

RUNS = Path("runs")
"""The folder of new runs, relative to the working directory."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run or of one evaluation, and what is in it. Neither needs to exist."""

    path: Path

    @classmethod
    def new(cls, name: str, now: datetime) -> "RunFolder":
        """Returns a folder in `RUNS` that does not exist, named after the date and `name`."""
        stem = f"{now:%Y%m%d-%H%M%S}-{name}"
        path, count = RUNS / stem, 1
        while path.exists():
            count += 1
            path = RUNS / f"{stem}-{count}"
        return cls(path)

    @property
    def config(self) -> Path:
        """The resolved configuration, with a checksum."""
        return self.path / CONFIG_FILE

    @property
    def lock(self) -> Path:
        """The file that every process of the run keeps locked."""
        return self.path / ".lock"

    @property
    def episodes(self) -> Path:
        """One row per episode that ended."""
        return self.path / "episodes.csv"

    @property
    def summary(self) -> Path:
        """The figures of the whole run."""
        return self.path / "summary.json"

    @property
    def metrics(self) -> Path:
        """The losses of the learner, one object per line."""
        return self.path / "metrics.jsonl"

    @property
    def tensorboard(self) -> Path:
        """The TensorBoard events of the learner; those of the episodes are below it."""
        return self.path / "tensorboard"

    @property
    def episode_events(self) -> Path:
        """The TensorBoard events of the episodes."""
        return self.tensorboard / "episodes"

    @property
    def learning_curve(self) -> Path:
        """The return and the target term over wall time."""
        return self.path / "learning_curve.png"

    @property
    def components(self) -> Path:
        """The time that each component of the run was busy."""
        return self.path / "components.png"

    @property
    def checkpoints(self) -> Path:
        """The learner's checkpoints."""
        return self.path / "checkpoints"

    @property
    def journal(self) -> Path:
        """The segments of the replay journal."""
        return self.path / "replay"

    @property
    def videos(self) -> Path:
        """The films of episodes."""
        return self.path / "videos"

    @property
    def exports(self) -> Path:
        """The policies that were exported without a path of their own."""
        return self.path / "exports"

    def evaluation(self, now: datetime) -> "RunFolder":
        """Returns the folder of an evaluation of this run."""
        return RunFolder(self.path / "evaluations" / f"{now:%Y%m%d-%H%M%S}")

    @property
    def evaluated_checkpoint(self) -> Path:
        """The copy of the checkpoint that this evaluation runs; the run itself deletes its old checkpoints."""
        return self.path / "checkpoint.safetensors"

    @property
    def evaluation_result(self) -> Path:
        """The figures of this evaluation."""
        return self.path / "evaluation.json"

"""The journal of a run: one journal of steps per actor, written and read together."""

import heapq
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from async_rl_core.replay.journal.journal import StepJournal, read_entries
from async_rl_core.replay.journal.repair import repair
from async_rl_core.replay.journal.report import JournalReport
from async_rl_core.replay.journal.segment import JournalEntry, JournalPosition
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step, is_actor


class RunJournal:
    """Appends each step to the journal of its actor: `folder`, or `folder/<actor>` for an arm in a namespace.

    No call waits for the disk. `durable` has the newest step that the folder holds of each actor.
    """

    def __init__(self, folder: Path, sizes: StepSizes, sync_period: float, durable: Mapping[str, int]) -> None:
        self.folder = folder
        self._sizes, self._sync_period, self._held = sizes, sync_period, durable
        self._journals: dict[str, StepJournal] = {}
        for actor in {SINGLE_ACTOR, *durable}:
            self._journal(actor)

    def append(self, step: Step, position: JournalPosition) -> None:
        """Writes a step soon; its arrays must not change any more."""
        self._journal(step.actor).append(step, position)

    def durable(self, actor: str) -> int:
        """Returns the sequence number up to which no step of an actor is lost when this process ends."""
        journal = self._journals.get(actor)
        return self._held.get(actor, -1) if journal is None else journal.durable

    def forget(self, actor: str, before_sequence: int) -> None:
        """Lets files be removed that hold only steps of an actor before that one."""
        self._journal(actor).forget(before_sequence)

    @property
    def failed(self) -> str:
        """Why the newest steps are not written yet; empty without a problem."""
        return "; ".join(journal.failed for journal in self._journals.values() if journal.failed)

    @property
    def missing(self) -> int:
        """Steps left out because the disk did not take them for too long."""
        return sum(journal.missing for journal in self._journals.values())

    @property
    def waiting(self) -> int:
        """Steps in memory that the disk has not taken yet."""
        return sum(journal.waiting for journal in self._journals.values())

    def close(self) -> None:
        """Completes the files; a second time does nothing."""
        for journal in self._journals.values():
            journal.close()

    def _journal(self, actor: str) -> StepJournal:
        if actor not in self._journals:
            held = self._held.get(actor, -1)
            self._journals[actor] = StepJournal(self.folder / actor, self._sizes, self._sync_period, held, actor=actor)
        return self._journals[actor]


class RunJournalReader:
    """Reads the journals of all actors of a run, and repairs them.

    `reports` has the findings of each actor once `entries` is exhausted.
    """

    def __init__(self, folder: Path, sizes: StepSizes) -> None:
        self._folder, self._sizes = folder, sizes
        self.reports = {actor: JournalReport(actor) for actor in actors(folder)}

    def entries(self) -> Iterator[JournalEntry]:
        """Yields the entries of all actors in the order in which replay stored them.

        Raises `JournalError` where a journal cannot be read.
        """
        journals = [read_entries(self._folder / actor, self._sizes, report) for actor, report in self.reports.items()]
        return heapq.merge(*journals, key=lambda entry: entry.position.env_steps)

    def repair(self, warn: Callable[[str], object]) -> None:
        """Replaces the damaged segments, and tells `warn` of them."""
        for report in self.reports.values():
            for line in (*report.damage(), *repair(self._sizes, report)):
                warn(line)


def actors(folder: Path) -> list[str]:
    """Returns the actors that have a journal in a run's journal folder: the single one, and those with a folder."""
    below = sorted(path for path in folder.rglob("*") if path.is_dir()) if folder.is_dir() else []
    names = (path.relative_to(folder).as_posix() for path in below)
    return [SINGLE_ACTOR, *filter(is_actor, names)]

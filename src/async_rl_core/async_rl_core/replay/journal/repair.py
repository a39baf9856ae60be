"""Repair of a replay journal: damaged segments are set aside, and their whole steps kept."""

import os
from collections.abc import Iterator
from pathlib import Path

from async_rl_core.atomic_file import free_name, remove_stale, replacing, set_aside
from async_rl_core.replay.journal.journal import SEALED, read_entries
from async_rl_core.replay.journal.report import JournalReport
from async_rl_core.replay.journal.segment import SegmentReader, encode, file_header, write_all
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import SINGLE_ACTOR


def check(folder: Path, sizes: StepSizes, actor: str = SINGLE_ACTOR) -> JournalReport:
    """Reads a whole journal and reports its faults. Raises `JournalError` where it cannot be read."""
    report = JournalReport(actor)
    for _ in read_entries(folder, sizes, report):
        pass
    return report


def repair(sizes: StepSizes, report: JournalReport) -> Iterator[str]:
    """Replaces the damaged segments of a report, which no process may be writing; yields a line for each.

    A damaged segment stays as it is under another name, and its whole steps are written to a new one. If that cannot
    be written, the damaged one stays in use: it can still be read.
    """
    for path in report.damaged:
        try:
            yield _replace(path, sizes, report.actor)
        except OSError as error:
            yield f"replay journal: {path.name} cannot be set aside ({error.strerror or error}); it stays in use"


def _replace(path: Path, sizes: StepSizes, actor: str) -> str:
    sealed = path.with_suffix(SEALED)
    if path != sealed and sealed.exists():
        set_aside(sealed)
    aside = free_name(path.with_name(f"{path.name}.damaged"))
    os.link(path, aside)
    kept = 0
    try:
        remove_stale(sealed)
        with replacing(sealed, sync=True) as temporary:
            kept = _copy(path, temporary, sizes, actor)
        if path != sealed:
            path.unlink()
        if not kept:
            sealed.unlink()
    except OSError:
        aside.unlink()
        raise
    return f"replay journal: {path.name} is set aside as {aside.name}; its {kept} whole steps are kept"


def _copy(path: Path, target: Path, sizes: StepSizes, actor: str) -> int:
    """Write the whole steps of a segment to another; returns how many."""
    descriptor, count = os.open(target, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC), 0
    try:
        reader = SegmentReader(path, sizes, actor=actor)
        write_all(descriptor, [file_header(sizes, reader.actor)])
        for entry in reader:
            write_all(descriptor, encode(entry))
            count += 1
    finally:
        os.close(descriptor)
    return count

"""Resuming of a run in its own folder."""

from collections.abc import Callable, Mapping
from pathlib import Path

from async_rl_core.agent.run_progress import RunProgress, steps_gone
from async_rl_core.bringup.checks.preflight import check_disk
from async_rl_core.config.checksum import Checksum, verdict
from async_rl_core.config.document import read_text
from async_rl_core.config.load import reconfigure, write_config
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.learning import checkpoint_file
from async_rl_core.replay.journal.repair import check, repair
from async_rl_core.replay.journal.run_journal import actors
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.spec.sizes import StepSizes


def resumed(folder: Path, overrides: Mapping[str, object], names: Mapping[str, str]) -> Config:
    """Returns the configuration of a resumed run: its own, in its present folder, with a few values changed.

    Args:
        folder: of the run.
        overrides: values by dotted key.
        names: what errors call an overridden key.

    Raises:
        ConfigError: the folder is not one of a run that learned.
    """
    path = RunFolder(folder).config
    if not path.is_file():
        what = f"has no {path.name}" if folder.is_dir() else "is not a folder"
        raise ConfigError(f"resume: {folder} {what}; name a run's folder, such as runs/<date>-<task>-<preset>")
    config = reconfigure(path, {**overrides, "run_dir": str(folder)}, names)
    if not config.learns:
        raise ConfigError(f"resume: {folder} holds an evaluation, which cannot be resumed; evaluate the run again")
    return config


def reopen(config: Config, say: Callable[[str], object]) -> None:
    """Prepares a run's folder for resuming and reports where the run resumes; the caller holds its lock.

    Raises:
        AsyncRLError: one line, with nothing changed, where what the folder holds is damaged, the run is complete, or
            the disk is full.
    """
    folder = config.run_dir
    assert folder is not None
    start = RunProgress.read(folder)
    found = checkpoint_file.newest_whole(RunFolder(folder).checkpoints, lambda line: say(f"warning: {line}"))
    if config.episodes is not None and start.finished >= config.episodes:
        raise ConfigError(
            f"resume: {folder} is complete, {start.finished} of {config.episodes} episodes; give a larger total, "
            f"such as episodes:={2 * start.finished}, or episodes:=none"
        )
    check_disk(config, folder)
    if verdict(read_text(RunFolder(folder).config)) is Checksum.MISSING:
        say(f"warning: {RunFolder(folder).config} is of a version without checksum, so damage to it is not noticed")
    _check_journal(config, folder, say)
    try:
        write_config(config, RunFolder(folder).config)
    except OSError as error:
        raise ConfigError(f"resume: {folder} cannot be written: {error.strerror}; check its permissions") from None
    updates = found[1].updates if found else 0
    say(f"resuming at episode {start.ended + 1}, step {start.env_steps}, update {updates}")


def _check_journal(config: Config, folder: Path, say: Callable[[str], object]) -> None:
    """Reports damaged and missing steps, and sets damaged segments aside."""
    if not config.replay.journal:
        return
    sizes = StepSizes.from_config(config)
    journal = RunFolder(folder).journal
    for actor in actors(journal):
        report = check(journal / actor, sizes, actor)
        for line in (*report.lines(), *repair(sizes, report)):
            say(f"warning: {line}")
    if gone := steps_gone(folder):
        say(
            f"warning: replay journal: the newest {gone} steps that the learner had seen are missing: damaged, or "
            "their segment is not there"
        )

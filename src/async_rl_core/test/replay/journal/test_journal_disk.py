"""A journal whose disk takes nothing for a while."""

from pathlib import Path

import pytest

from async_rl_core.replay.journal.journal import StepJournal
from async_rl_core.replay.journal.repair import check as check_journal
from async_rl_core.replay.journal.segment import JournalError
from testing.full_disk import files_up_to

from .journal_steps import NBYTES, SIZES, append, held_disk, opened, read, wait_until


def test_journal_on_a_disk_full_for_a_while_loses_no_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("async_rl_core.replay.journal.journal.RETRY_PERIOD", 0.01)
    with opened(tmp_path) as journal:
        append(journal, range(5))
        wait_until(lambda: journal.durable == 4)
        with files_up_to(10):
            append(journal, range(5, 40))
            wait_until(lambda: bool(journal.failed))
            since = "steps from 5 on wait in memory until it can be written"
            assert journal.failed == f"replay journal {tmp_path}: File too large; {since}"
            assert journal.durable == 4, "the agent keeps what a death would lose"
            wait_until(lambda: not [*tmp_path.glob("*.part")])  # tried again meanwhile
        wait_until(lambda: journal.durable == 39)
        assert journal.failed == ""
        append(journal, range(40, 50))
    assert read(tmp_path) == [*range(50)]
    assert journal.missing == 0


def test_journal_with_disk_and_memory_full_counts_the_missing_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("async_rl_core.replay.journal.journal.RETRY_PERIOD", 0.01)
    with opened(tmp_path, pending_bytes=10 * NBYTES) as journal:
        with files_up_to(10):
            append(journal, range(30))
            wait_until(lambda: bool(journal.failed))
            assert (journal.missing, journal.durable) == (20, -1)
        wait_until(lambda: journal.durable == 9)
        append(journal, range(30, 35))
    assert read(tmp_path) == [*range(10), *range(30, 35)]


def test_journal_after_a_short_write_holds_whole_steps(tmp_path: Path) -> None:
    with files_up_to(20 * NBYTES), opened(tmp_path) as journal:
        append(journal, range(50))
        wait_until(lambda: journal.durable == 49)  # in segments that are as long as is allowed
    assert read(tmp_path) == [*range(50)]
    assert check_journal(tmp_path, SIZES).damaged == {}


def test_journal_closed_on_a_full_disk_counts_the_missing_steps(tmp_path: Path) -> None:
    with files_up_to(10):
        journal = StepJournal(tmp_path, SIZES, 5.0)
        append(journal, range(7))
        wait_until(lambda: bool(journal.failed))
        journal.close()
        journal._thread.join(60)
    assert journal.missing == 7


def test_journal_writes_once_its_folder_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("async_rl_core.replay.journal.journal.RETRY_PERIOD", 0.01)
    (tmp_path / "replay").write_text("")
    with opened(tmp_path / "replay") as journal:
        wait_until(lambda: bool(journal.failed))
        assert journal.failed.startswith(f"replay journal {tmp_path / 'replay'}: ")
        append(journal, range(3))
        assert journal.durable == -1
        with pytest.raises(JournalError, match=r"cannot be read: Not a directory; .* move the folder away"):
            read(tmp_path / "replay")
        (tmp_path / "replay").unlink()
        wait_until(lambda: journal.durable == 2)
    assert read(tmp_path / "replay") == [0, 1, 2]


def test_journal_on_a_slow_disk_leaves_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path, pending_bytes=10 * NBYTES) as journal:
        append(journal, range(3))
        wait_until(lambda: journal.durable == 2)
        with held_disk(monkeypatch):
            append(journal, range(3, 53))
            assert (journal.missing, journal.durable) == (40, 2)
        wait_until(lambda: journal.durable == 12)
        append(journal, range(53, 60))
    assert read(tmp_path) == [*range(13), *range(53, 60)]
    assert not journal.failed


def test_append_on_a_stalled_disk_returns_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as journal, held_disk(monkeypatch):
        append(journal, range(1000))  # would not return
        assert journal.durable == -1

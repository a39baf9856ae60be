"""episodes.csv: what is written is read back, also after a crash."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_rl_core.run_folder.episodes import HEADER, EpisodeRow, EpisodeWriter, RecordError, read_episodes

FLOATS = st.floats(-1e6, 1e6).map(lambda v: round(v, 4))
COUNTS = st.integers(0, 2**40)
ROWS = st.builds(EpisodeRow, COUNTS, FLOATS, COUNTS, COUNTS, FLOATS, FLOATS, FLOATS, COUNTS)


def write(path: Path, rows: list[EpisodeRow]) -> None:
    writer = EpisodeWriter(path)
    for row in rows:
        writer.write(row)
    writer.close()


@settings(max_examples=30)
@given(rows=st.lists(ROWS, max_size=8))
def test_rows_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[EpisodeRow]) -> None:
    path = tmp_path_factory.mktemp("run") / "episodes.csv"
    write(path, rows)
    assert read_episodes(path) == rows


ROW = EpisodeRow(1, 7.5, 100, 0, 3.25, 0.5, 0.25, 0)


def test_the_header_is_the_promised_one(tmp_path: Path) -> None:
    write(tmp_path / "episodes.csv", [ROW])
    header, line = (tmp_path / "episodes.csv").read_text().splitlines()
    assert header == "episode,wall_time_s,env_steps,updates,return,target_term,lateness_p99_ms,missed_cycles" == HEADER
    assert line == "1,7.5000,100,0,3.2500,0.5000,0.2500,0"


def test_a_row_is_in_the_file_before_the_next(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path / "episodes.csv")
    writer.write(ROW)
    assert read_episodes(tmp_path / "episodes.csv") == [ROW]
    writer.close()


def test_a_file_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "episodes.csv"
    write(path, [ROW])
    writer = EpisodeWriter(path)
    assert writer.rows == [ROW]
    writer.write(ROW)
    writer.close()
    assert read_episodes(path) == [ROW, ROW]


@pytest.mark.parametrize("length", range(1, len("1,7.5000,100,0,3.2500,0.5000,0.2500,0")))
def test_a_line_that_a_crash_cut_off_is_dropped(tmp_path: Path, length: int) -> None:
    path = tmp_path / "episodes.csv"
    write(path, [ROW, ROW])
    text = path.read_text().removesuffix("\n")
    path.write_text(text[:-length])
    assert read_episodes(path) == [ROW]
    write(path, [ROW])
    assert read_episodes(path) == [ROW, ROW]


@pytest.mark.parametrize("length", [0, 1, len(HEADER)])
def test_a_header_that_a_crash_cut_off_is_written_again(tmp_path: Path, length: int) -> None:
    path = tmp_path / "episodes.csv"
    path.write_text(HEADER[:length])
    assert read_episodes(path) == []
    write(path, [ROW])
    assert read_episodes(path) == [ROW]


@pytest.mark.parametrize("text", ["a", "a,b\n1,2\n", HEADER + "\n1,2,3\n", HEADER + "\nx,1,1,1,1,1,1,1\n"])
@pytest.mark.parametrize("more", ["", "\udcff\n", 200_000 * "9" + "\n"], ids=["", "not UTF-8", "a long line"])
def test_another_file_is_refused_in_one_line(tmp_path: Path, text: str, more: str) -> None:
    path = tmp_path / "episodes.csv"
    path.write_text(text + more, errors="surrogateescape")
    with pytest.raises(RecordError, match=r"episodes\.csv") as caught:
        read_episodes(path)
    assert "\n" not in str(caught.value)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="cannot be written"):
        EpisodeWriter(tmp_path / "missing" / "episodes.csv")
    with pytest.raises(RecordError, match="cannot be read"):
        read_episodes(tmp_path / "missing" / "episodes.csv")


@pytest.mark.parametrize(
    "line", ["", "\0" * 40, "1,7.5000,100,0,3.2500,0.5000,0.2500,01,7.5000,100", "1,2,3", "9" * 100_000]
)
def test_episodes_damaged_line_is_left_out_told_and_the_file_kept(tmp_path: Path, line: str) -> None:
    path = tmp_path / "episodes.csv"
    write(path, [ROW, ROW])
    header, *lines = path.read_text().splitlines()
    before = "".join(f"{text}\n" for text in (header, lines[0], line, lines[1]))
    path.write_text(before)
    assert read_episodes(path, damaged_left_out=True) == [ROW, ROW]
    warnings: list[str] = []
    writer = EpisodeWriter(path, warnings.append)
    writer.write(ROW)
    writer.close()
    assert read_episodes(path) == [ROW, ROW, ROW]
    assert len(warnings) == 1 and "1 lines are damaged and left out; episodes.csv.damaged keeps" in warnings[0]
    assert (tmp_path / "episodes.csv.damaged").read_text() == before

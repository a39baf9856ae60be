"""The launch file that a command line names."""

from pathlib import Path

import pytest

from async_rl_core.bringup.launched import is_named


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The suite's launch file, and a person's own of the same name; the working directory holds both folders."""
    monkeypatch.chdir(tmp_path)
    for folder in ("suite", "mine"):
        (tmp_path / folder / "launch").mkdir(parents=True)
        (tmp_path / folder / "launch" / "reacher.launch.py").touch()
    (tmp_path / "linked.launch.py").symlink_to("suite/launch/reacher.launch.py")
    return tmp_path / "suite/launch/reacher.launch.py", tmp_path / "mine/launch/reacher.launch.py"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["ros2", "launch", "async_rl", "reacher.launch.py", "seed:=3"], True),
        (["ros2", "launch", "--debug", "async_rl", "reacher.launch.py"], True),
        (["ros2", "launch", "suite/launch/reacher.launch.py"], True),
        (["ros2", "launch", "suite/../suite/launch/reacher.launch.py", "seed:=3"], True),
        (["ros2", "launch", "mine/launch/reacher.launch.py", "own:=1"], False),
        (["ros2", "launch", "my_package", "reacher.launch.py", "own:=1"], False),
        (["ros2", "launch", "my_package", "other.launch.py", "own:=1"], False),
        (["ros2", "launch", "async_rl", "tracker.launch.py"], False),
    ],
)
def test_is_named_compares_the_file_and_not_its_name(files: tuple[Path, Path], words: list[str], named: bool) -> None:
    assert is_named(str(files[0]), words) is named


def test_is_named_by_an_absolute_path_or_a_link(files: tuple[Path, Path]) -> None:
    ours, own = files
    assert is_named(str(ours), ["ros2", "launch", str(ours)])
    assert not is_named(str(ours), ["ros2", "launch", str(own)])
    link = ours.parents[1] / "reacher.launch.py"
    link.symlink_to(ours)
    assert is_named(str(ours), ["ros2", "launch", str(link)])


def test_is_named_in_a_package_though_the_working_directory_holds_a_file_of_that_name(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files[1].parent)
    assert is_named(str(files[0]), ["ros2", "launch", "async_rl", "reacher.launch.py"])
    assert not is_named(str(files[0]), ["ros2", "launch", "reacher.launch.py", "own:=1"])

"""The command line: what it accepts, and one line with exit code 2 for what it does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from async_rl.command import main
from async_rl.verb import VERBS, load_verb
from async_rl_core.bringup.arguments import table

LAUNCH = ("launch", "reacher")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("kyes",), "unknown command 'kyes'; did you mean 'keys'"),
        (("lunch",), "unknown command 'lunch'; did you mean 'launch'"),
        (("launch",), "allowed: reacher, tracker"),
        (("launch", "reecher"), "did you mean 'reacher'"),
        ((*LAUNCH, "sed:=3"), "unknown argument 'sed'; did you mean 'seed'; allowed: "),
        ((*LAUNCH, "--sed"), "'--sed' is not an argument"),
        ((*LAUNCH, "preset:=laptp"), "unknown preset 'laptp'; did you mean 'laptop'"),
        ((*LAUNCH, "architecture:=async9"), "allowed: seq, async1, async2"),
        ((*LAUNCH, "preset:=mine.yaml"), "mine.yaml:2: camera.widht: unknown key; did you mean 'camera.width'"),
        (LAUNCH, "not found on AMENT_PREFIX_PATH"),
        (
            (*LAUNCH, "camera:=realsense"),
            "camera:=realsense needs the ROS package realsense2_camera, not found; install",
        ),
        ((*LAUNCH, "camera:=webcam"), "argument camera: 'webcam' is not a camera"),
        (
            (*LAUNCH, "task:=tracking", "robot:=fr3", "hardware:=real"),
            "'real' needs the robot's address; add robot_ip:=",
        ),
        (("calibrate",), "calibrate what? async_rl calibrate latency"),
        (
            ("calibrate", "latency", "flashes:=3"),
            "argument flashes: '3' is not allowed; allowed: a whole number from 10",
        ),
        (("calibrate", "latency", "seed:=3"), "unknown argument 'seed'"),
        (("calibrate", "latency", "camera:=usb_cam"), "add display:=true"),
        (("calibrate", "latency", "camera:=usb_cam", "display:=true"), "camera:=usb_cam needs the ROS package usb_cam"),
        (("evaluat", "run"), "did you mean 'evaluate'"),
        (("evaluate",), "evaluate which run? async_rl evaluate <run folder>"),
        (("evaluate", "episodes:=3"), "evaluate which run?"),
        (("evaluate", "nowhere"), "nowhere is not a folder; name a run's folder"),
        (("evaluate", "nowhere", "episode:=3"), "unknown argument 'episode'; did you mean 'episodes'; allowed: "),
        (("export",), "export what? async_rl export <run folder> [<file>]"),
        (("export", "nowhere"), "nowhere is not a folder; name a run's folder"),
        (("export", "nowhere", "a.pt", "b.pt"), "export what?"),
        (("export", "nowhere", "form:=onnx"), "unknown argument 'form'; did you mean 'format'; allowed: format"),
    ],
)
def test_main_wrong_words_print_one_line_on_the_error_stream(
    words: tuple[str, ...],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AMENT_PREFIX_PATH", "")
    monkeypatch.setenv("ROS_DOMAIN_ID", str(100 + os.getpid() % 100))
    Path("mine.yaml").write_text("camera:\n  widht: 80\n")
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert expected in captured.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize("name", ["reacher", "tracker", "reacher.launch.py"])
def test_the_arguments_can_be_listed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["launch", name, "--show-args"]) == 0
    text = capsys.readouterr().out
    assert all(f"'{argument.name}':" in text for argument in table())
    assert ("(default: 'tracking')" in text) == (name == "tracker")


def test_the_arguments_of_an_evaluation_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--show-args"]) == 0
    text = capsys.readouterr().out
    assert "'episodes':" in text and "'seed':" in text and "'preset':" not in text
    assert "(default: as the run's config.yaml says)" in text


def test_the_arguments_of_a_calibration_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "latency", "--show-args"]) == 0
    text = capsys.readouterr().out
    assert "'camera':" in text and "'flashes':" in text and "(default: '60')" in text and "'seed':" not in text


def test_keys_are_made_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setenv("ROS_SECURITY_KEYSTORE", str(tmp_path / "keys"))
    assert main(["keys"]) == 0
    assert (tmp_path / "keys" / "enclaves" / "async_rl" / "safety_guard_node" / "key.pem").is_file()
    assert main(["keys"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"keystore {tmp_path / 'keys'}: ") and " 0 new keys" not in first
    assert " 0 new keys" in second
    assert main(["keys", "more"]) == 2


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "async_rl launch reacher" in capsys.readouterr().out


def test_main_without_words_lists_every_verb_with_its_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    for name in VERBS:
        assert any(line.startswith(f"{name} ") for line in lines)
        assert load_verb(name).SUMMARY.split(",")[0] in " ".join(lines)


@pytest.mark.parametrize("name", VERBS)
def test_verb_help_shows_its_usage(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"async_rl {line}" in text for line in load_verb(name).USAGE.splitlines())


@pytest.mark.parametrize("name", ["tracking", "visual_reacher"])
def test_launch_lists_the_arguments_of_any_installed_task(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["launch", name, "--show-args", "robot:=panda"]) == 0
    assert f"(default: '{name}')" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("async_rl la", ["launch"]),
        ("async_rl launch track", ["tracker", "tracking"]),
        ("async_rl launch reacher architecture:=async", ["architecture:=async1", "architecture:=async2"]),
        ("async_rl launch reacher preset:=lap", ["preset:=laptop"]),
        ("async_rl preset s", ["show"]),
    ],
)
def test_completion_of_a_word_is_offered(line: str, expected: list[str]) -> None:
    variables = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_SUPPRESS_SPACE": "1", "_ARGCOMPLETE_IFS": " ", "COMP_TYPE": "9"}
    ambient = {**os.environ, **variables, "COMP_LINE": line, "COMP_POINT": str(len(line)), "COMP_WORDBREAKS": " "}
    code = "import os, sys; os.dup2(1, 8); from async_rl.command import main; main()"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=ambient, timeout=60)
    assert done.stdout.split() == expected


def test_export_says_what_it_does_before_it_loads_torch(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path)]) == 2
    said, error = capfd.readouterr().err.splitlines()
    assert said == "loading PyTorch"
    assert "has no config.yaml" in error


@pytest.mark.parametrize(
    ("words", "shell"),
    [
        ("--help", "| true"),
        ("launch reacher --show-args", "| head -n 1 >/dev/null"),
        ("calibrate latency --show-args", ">&-"),
    ],
)
def test_list_with_a_closed_reader_is_no_error(words: str, shell: str) -> None:
    line = f'set -o pipefail; "$0" -m async_rl {words} {shell}'
    done = subprocess.run(["bash", "-c", line, sys.executable], stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_output_to_a_full_disk_is_one_line() -> None:
    line = [sys.executable, "-m", "async_rl", "--help"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, "error: the output cannot be written: No space left on device\n")


@pytest.mark.parametrize("limit", ["-n 32", "-v 2000000"])
def test_a_limit_of_the_shell_is_one_line(limit: str) -> None:
    line = f'ulimit {limit}; exec "$0" -m async_rl launch reacher'
    done = subprocess.run(["bash", "-c", line, sys.executable], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1 and done.stderr.startswith(f"error: ulimit {limit[:2]} is ")

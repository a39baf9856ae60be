"""The file and the line of what is wrong, in lists, in mappings within them, and in what is missing."""

from pathlib import Path

import pytest
import yaml

from async_rl_core.config.catalogue import config_folder
from async_rl_core.config.load import reconfigure, resolve, write_config
from async_rl_core.errors import ConfigError

LIMITS = "robot:\n  limits:\n    velocity:\n    - 0.5\n    - 0.5\n    - {}\n    - 0.5\n    - 0.5\n    - 0.5\n"


def refusal(folder: Path, text: str, robot: str | None = None) -> str:
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        resolve(str(folder / "mine.yaml"), {}, robot)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "rest"),
    [
        ("sac: {hidden_sizes: [256, 0]}", 1, "sac.hidden_sizes.1: 0 is not allowed; it must be greater"),
        ("sac:\n  hidden_sizes:\n  - 256\n  - 0\n", 4, "sac.hidden_sizes.1: 0 "),
        ("sac: {hidden_sizes: [256,\n  x]}", 2, "sac.hidden_sizes.1: 'x' "),
        ("sac: {log_std_bounds: [-1,\n 2,\n 3]}", 1, "sac.log_std_bounds: "),
        ("seed: 1\nsac:\n  log_std_bounds: [3.0, 2.0]\n", 3, "sac.log_std_bounds: log_std_bounds must be ascending"),
        (LIMITS.format("-1.0"), 6, "robot.limits.velocity.2: -1.0 "),
        (LIMITS.format("fast"), 6, "robot.limits.velocity.2: 'fast' "),
        ("robot:\n  start: [0.0]\n", 2, "robot.start: start of ur5 has 1 values for 6 joints"),
        ("robot:\n  start:\n  - 1.5707\n  - -2.0\n  - 9.9\n  - -3.0\n  - -1.5\n  - 3.1\n", 5,
         "robot.start.2: start of"),
        ("robot:\n  posture:\n  - {joints: {elbow_joint: 1.0}, sum: 0.0}\n"
         "  - joints:\n      elbow: 1.0\n    sum: 0.0\n",
         4, "robot.posture.1.joints: ['elbow'] are not joints"),
        ("robot:\n  posture:\n  - joints: {elbow_joint: 1.0}\n    sum: wrong\n", 4, "robot.posture.0.sum: 'wrong' "),
        ("robot:\n  posture:\n  - joints: {elbow_joint: 1.0}\n", 3, "robot.posture.0.sum: is missing"),
        ("robot:\n  bodies:\n    close:\n    - [base_link, upper_arm_link]\n    - [base_link]\n", 5,
         "robot.bodies.close.1"),
        ("robot:\n  bodies: {close: [[a, b], [c,\n    7]]}\n", 3, "robot.bodies.close.1.1: 7 "),
        ("robot:\n  workspace:\n    lower: [-0.4, 0.1,\n      x]\n", 4, "robot.workspace.lower.2: 'x' "),
        ("robot:\n  drivers:\n    mine:\n      via: node\n      package: p\n", 3,
         "robot.drivers.mine.executable: is missing"),
        ("robot:\n  drivers:\n    mine:\n      via: teleport\n", 3, "robot.drivers.mine: "),
        ("camera:\n  drivers:\n    mine:\n      package: p\n", 3, "camera.drivers.mine.executable: is missing"),
        ("camera:\n  drivers:\n    usb_cam:\n      parameters: {a: '{b}'}\n", 4, "camera.drivers.usb_cam.parameters.a"),
        ("learning: &a {batch_size: 64}\nagent: *a\n", 2, "not valid YAML (aliases"),
        ("learning:\n  <<: {batch_size: 64}\n", 2, "keys must be plain names"),
        ("learning:\n  {batch_size: 64,\n   batch_size: 65}\n", 3,
         "key 'learning.batch_size' is given twice, first in line 2"),
        ("a: 1\nsac: [\n  1, }\n", 3, "not valid YAML"),
    ],
)  # fmt: skip
def test_position_of_an_invalid_item_is_its_own_line(text: str, line: int, rest: str, tmp_path: Path) -> None:
    assert f"{tmp_path}/mine.yaml:{line}: {rest}" in refusal(tmp_path, text)


def test_position_in_a_robots_file_and_in_a_run_is_that_files(tmp_path: Path) -> None:
    text = (config_folder() / "robots" / "ur5.yaml").read_text(encoding="utf-8")
    line = next(i for i, line in enumerate(text.splitlines(), 1) if line.startswith("reset_velocity"))
    (tmp_path / "arm.yaml").write_text(text.replace("reset_velocity: 0.8", "reset_velocity: -1"), encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"arm\.yaml:{line}: robot\.reset_velocity: -1 "):
        resolve("laptop", {}, str(tmp_path / "arm.yaml"))
    (tmp_path / "arm.yaml").write_text(text.replace("        allowed: [7]", "        allowed: [[7]]"), encoding="utf-8")
    line = next(i for i, line in enumerate(text.splitlines(), 1) if "allowed: [7]" in line)
    with pytest.raises(
        ConfigError, match=rf"arm\.yaml:{line}: robot\.drivers\.ur_robot_driver\.status\.0\.allowed\.0: \[7\]"
    ):
        resolve("laptop", {}, str(tmp_path / "arm.yaml"))
    write_config(resolve(), tmp_path / "config.yaml")
    lines = (tmp_path / "config.yaml").read_text(encoding="utf-8").splitlines()[2:]  # as of a version without checksum
    values = [line.replace("hidden_sizes: [256, 256]", "hidden_sizes: [256, 0]") for line in lines]
    assert values != lines
    (tmp_path / "config.yaml").write_text("\n".join(values), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"config\.yaml:\d+: sac\.hidden_sizes\.1: 0 "):
        reconfigure(tmp_path / "config.yaml")


def test_missing_key_of_a_robot_names_the_robots_file(tmp_path: Path) -> None:
    arm = yaml.safe_load((config_folder() / "robots" / "ur5.yaml").read_text(encoding="utf-8"))
    del arm["tool_frame"], arm["limits"]["jerk"]
    (tmp_path / "arm.yaml").write_text(yaml.safe_dump(arm), encoding="utf-8")
    message = refusal(
        tmp_path, "robot: {reset_velocity: 0.5, limits: {velocity: [1, 1, 1, 1, 1, 1]}}", f"{tmp_path}/arm.yaml"
    )
    assert "arm.yaml: robot.tool_frame: is missing" in message
    assert message.count("arm.yaml:") == 2 and "robot.limits.jerk: is missing" in message


def test_every_finding_is_named(tmp_path: Path) -> None:
    message = refusal(tmp_path, "camera: {width: 5, height: 3}\nlearning: {batch_size: 0}\nguard: {watchdog: -1}\n")
    assert all(
        key in message
        for key in ("camera.width: 5", "camera.height: 3", "learning.batch_size: 0", "guard.watchdog: -1")
    )
    message = refusal(tmp_path, "camera: {height: 30}\nreplay: {capacity: 1000}\nagent: {initial_steps: 2000}\n")
    assert "mine.yaml:1: camera.height" in message and "mine.yaml:2: replay.capacity" in message


def test_folder_in_place_of_a_preset_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"preset '.*' is a folder; allowed: gu2017_reach, laptop"):
        resolve(str(tmp_path))
    write_config(resolve(), tmp_path / "config.yaml")
    with pytest.raises(ConfigError, match=rf"is a folder; preset:={tmp_path}/config\.yaml .*, resume:={tmp_path} "):
        resolve(str(tmp_path))
    with pytest.raises(ConfigError, match=rf"is a folder; robot:={tmp_path}/config\.yaml "):
        resolve("laptop", {}, str(tmp_path))
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(ConfigError, match=r"folder\.yaml' is a folder"):
        resolve(str(tmp_path / "folder.yaml"))

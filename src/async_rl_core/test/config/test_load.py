"""Configurations: layers, round trips, and one clear line for everything that is wrong."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.bringup.resume import resumed
from async_rl_core.config.catalogue import config_folder, presets, robots
from async_rl_core.config.load import read_config, resolve, write_config
from async_rl_core.errors import ConfigError
from async_rl_core.tasks.visual_reacher import BagParameters


def user_file(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text)
    return str(path)


def refusal(preset: str = "laptop", **overrides: object) -> str:
    with pytest.raises(ConfigError) as caught:
        resolve(preset, {key.replace("__", "."): value for key, value in overrides.items()})
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("preset", presets())
def test_every_preset_resolves_and_survives_its_file(preset: str, tmp_path: Path) -> None:
    robot = "panda" if preset.startswith("parsaee2023") else "ur5"
    config = resolve(preset, {"run_dir": tmp_path, "duration": 600.0}, robot)
    write_config(config, tmp_path / "config.yaml")
    assert read_config(tmp_path / "config.yaml") == config
    assert config.preset == preset
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


@given(learning_rate=st.floats(1e-300, 1e300), low=st.floats(-1e9, -1e-9), seed=st.integers(0, 2**31 - 1))
def test_numbers_survive_the_file_exactly(
    tmp_path_factory: pytest.TempPathFactory, learning_rate: float, low: float, seed: int
) -> None:
    values = {"sac.actor_learning_rate": learning_rate, "sac.log_std_bounds": [low, 0.0], "seed": seed}
    path = tmp_path_factory.mktemp("run") / "config.yaml"
    config = resolve("laptop", values)
    write_config(config, path)
    assert read_config(path) == config


def test_layers_override_each_other_in_order(tmp_path: Path) -> None:
    assert resolve("laptop").camera.width == 80
    laptop, paper = (resolve(name).algorithm_settings for name in ("laptop", "yuan2022_baseline"))
    assert laptop["encoder_channels"] == paper["encoder_channels"]
    preset = user_file(tmp_path, "camera:\n  width: 96\nrobot:\n  reset_velocity: 1.0\n")
    config = resolve(preset, {"camera.height": 54})
    assert (config.camera.width, config.camera.height, config.robot.reset_velocity) == (96, 54, 1.0)
    assert config.preset == "mine"


def test_the_task_is_the_arguments_else_the_presets_else_the_robots(tmp_path: Path) -> None:
    preset = user_file(tmp_path, "task: tracking\n")
    assert resolve("laptop", {}, "panda").task == "visual_reacher"
    assert resolve(preset, {}, "panda").task == "tracking"
    assert resolve(preset, {"task": "reaching"}, "panda").task == "reaching"


def test_task_settings_are_overridden_by_preset_and_arguments(tmp_path: Path) -> None:
    preset = user_file(tmp_path, "agent:\n  episode_duration: 5.0\nparameters:\n  alpha: 0.5\n")
    config = resolve(preset, {"parameters.bag_radius": 0.06}, "panda")
    assert (config.agent.episode_duration, config.agent.reset_duration) == (5.0, 4.0)
    assert (config.parameters["alpha"], config.parameters["bag_radius"]) == (0.5, 0.06)
    assert resolve("laptop").parameters == {}


def test_a_runs_own_configuration_can_be_run_again(tmp_path: Path) -> None:
    first = resolve("yuan2022_high_resolution", {"seed": 5})
    write_config(first, tmp_path / "again.yaml")
    assert resolve(str(tmp_path / "again.yaml")) == first.model_copy(update={"preset": "again"})


def test_null_replaces_a_mapping_and_an_empty_section_changes_nothing(tmp_path: Path) -> None:
    assert resolve("laptop", {"robot.bag_area": None, "task": "reaching"}, "panda").robot.bag_area is None
    preset = user_file(tmp_path, "parameters:\n  mask:\n    edge: null\ncamera:\n")
    config, usual = resolve(preset, {}, "panda"), resolve("laptop", {}, "panda")
    mask = BagParameters.from_config(config).mask
    assert mask.edge is None and mask.core == BagParameters.from_config(usual).mask.core
    assert config.camera.drivers == usual.camera.drivers
    write_config(config, tmp_path / "config.yaml")
    assert read_config(tmp_path / "config.yaml") == config
    assert (
        BagParameters.from_config(resumed(tmp_path, {}, {})).mask == mask
    )  # though the task's own settings have an edge
    assert "robot.limits: None is not allowed" in refusal(user_file(tmp_path, "robot:\n  limits: null\n"))


def test_a_real_arms_first_driver_may_differ_from_the_rest_of_the_file(tmp_path: Path) -> None:
    arm = yaml.safe_load((config_folder() / "robots" / "fr3.yaml").read_text())
    arm["drivers"] = {"franka_ros2": arm["drivers"]["franka_ros2"]}
    (tmp_path / "arm.yaml").write_text(yaml.safe_dump(arm))
    real = {"hardware": "real", "robot_ip": "192.0.2.1", "guard.auto_arm": False}

    def limit(overrides: dict[str, object], preset: str = "laptop") -> float:
        return resolve(preset, overrides, str(tmp_path / "arm.yaml")).robot.limits.velocity[0]

    slow = limit({**real, "driver": "franka_ros2"})
    assert slow == 0.2 < limit({})  # simulated, it has no driver
    assert limit(real) == limit({**real, "driver": None}) == slow
    preset = user_file(tmp_path, "hardware: real\nrobot_ip: 192.0.2.1\nguard:\n  auto_arm: false\n")
    assert limit({}, preset) == slow
    assert limit({"robot.limits.velocity": [0.1] * 7}, preset) == 0.1


def test_franka_ros2_states_come_from_the_robots_own_topic() -> None:
    real = {"hardware": "real", "robot_ip": "192.0.2.1", "guard.auto_arm": False}
    assert resolve("laptop", {**real, "driver": "franka_ros2"}, "fr3").robot.state_topic == "franka/joint_states"
    assert resolve("laptop", real, "fr3").robot.state_topic == "joint_states"


def test_numbers_without_a_point_and_empty_sections_are_understood(tmp_path: Path) -> None:
    config = resolve(user_file(tmp_path, "sac:\n  actor_learning_rate: 1e-3\n  critic_learning_rate: 5.E-4\ncamera:\n"))
    sac = config.algorithm_settings
    assert (sac["actor_learning_rate"], sac["critic_learning_rate"]) == (1e-3, 5e-4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("camera:\n  widht: 80\n", ["mine.yaml:2", "camera.widht", "did you mean 'camera.width'"]),
        ("width: 80\n", ["mine.yaml:1", "did you mean 'camera.width'"]),
        ("camera:\n  zzz: 80\n", ["camera.zzz", "allowed: width, height, rate"]),
        ("camera:\n  width: 8\n", ["mine.yaml:2", "camera.width", "8 ", "greater than or equal to 32"]),
        ("learning:\n  precision: fp16\n", ["mine.yaml:2", "'fp16'", "'fp32' or 'bf16'"]),
        ("sac:\n  batch_size: 64\n", ["mine.yaml:2: sac.batch_size: is now 'learning.batch_size'"]),
        ("ddpg:\n  tau: 0.0\n", ["mine.yaml:2: ddpg.tau: 0.0 is not allowed", "greater than 0"]),
        ("sac:\n  zzz: 1\n", ["mine.yaml:2: sac.zzz: unknown key; allowed: encoder_channels"]),
        ("seed: 1\nseed: 2\n", ["mine.yaml:2", "'seed' is given twice", "line 1"]),
        ("seed: '1'\n", ["seed", "'1'", "integer"]),
        ("seed: yes\n", ["seed", "True", "integer"]),
        ("camera: 3\n", ["camera", "mapping"]),
        ("sac: [\n", ["mine.yaml:", "not valid YAML"]),
        ("- 1\n", ["mine.yaml", "mapping of keys"]),
        ("seed: &a 1\nepisodes: *a\n", ["aliases"]),
        ("seed: !!python/object/apply:os.getpid []\n", ["not valid YAML"]),
        ("sac:\n  log_std_bounds: [3.0, 2.0]\n", ["ascending"]),
        ("robot:\n  start: [0.0]\n", ["start of ur5 has 1 values for 6 joints"]),
        ("duration: .nan\n", ["duration", "finite"]),
        ("1: 2\n", ["plain names"]),
        ("parameters:\n  speed: 2\n", ["mine.yaml:2", "parameters.speed", "unknown key; allowed: none"]),
        (
            "task: racing\n",
            ["mine.yaml:1", "'racing' is not allowed; allowed: reach, reaching, tracking, visual_reacher"],
        ),
    ],
)
def test_resolve_invalid_file_names_the_error(text: str, expected: list[str], tmp_path: Path) -> None:
    message = refusal(user_file(tmp_path, text))
    for part in expected:
        assert part in message


def test_resolve_unknown_name_or_file_is_named() -> None:
    assert "unknown preset 'laptp'; did you mean 'laptop'" in refusal("laptp")
    assert "allowed: gu2017_reach, laptop" in refusal("zzz")
    assert "/nowhere/mine.yaml" in refusal("/nowhere/mine.yaml")
    with pytest.raises(ConfigError, match="unknown robot 'ur6'; did you mean 'ur5'"):
        resolve("laptop", {}, "ur6")
    assert robots() == ["fr3", "panda", "ur5", "ur5e"]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("agent__action_cycle_time", 0.05, "nearest: 0.048 or 0.056"),
        ("agent__action_cycle_time", 0.12, "guard.watchdog"),
        ("guard__watchdog", 0.6, "longer than 0.5 s"),
        ("agent__episode_duration", 0.05, "fewer than two actions"),
        ("camera__height", 40, "at least 41"),
        ("replay__capacity", 1000, None),
        ("agent__initial_steps", 200000, "never hold"),
        ("sim__physics_step", 0.003, "does not divide"),
        ("target__radius", 60.0, "does not fit"),
        ("robot__monitor__normal", [0.0, 0.0, 0.0], "direction"),
        ("robot__workspace__lower", [0.5, 0.1, 0.1], "x is 0.5 m"),
    ],
)
def test_check_contradiction_is_named(key: str, value: object, expected: str | None) -> None:
    if expected is None:
        resolve("laptop", {key.replace("__", "."): value})
    else:
        assert expected in refusal(**{key: value})


def test_check_contradiction_names_the_source_of_the_key(tmp_path: Path) -> None:
    assert "mine.yaml:2: camera.height" in refusal(user_file(tmp_path, "camera:\n  height: 30\n"))
    with pytest.raises(ConfigError, match="argument image_height: 40 pixels"):
        resolve("laptop", {"camera.height": 40}, names={"camera.height": "argument image_height"})


def test_the_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASYNC_RL_CONFIG", str(tmp_path))
    with pytest.raises(ConfigError, match=r"has no base\.yaml"):
        config_folder()
    (tmp_path / "base.yaml").write_text("")
    assert config_folder() == tmp_path
    monkeypatch.delenv("ASYNC_RL_CONFIG")
    installed = tmp_path / "share" / "async_rl" / "config"
    installed.mkdir(parents=True)
    (installed / "base.yaml").write_text("")
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere:{tmp_path}")
    assert config_folder() == installed


def test_write_config_that_fails_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").mkdir()
    with pytest.raises(IsADirectoryError):
        write_config(resolve(), tmp_path / "config.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]

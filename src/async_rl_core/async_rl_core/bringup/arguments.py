"""The launch arguments, in one table: the launch files and the `async_rl` command both read it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from async_rl_core.bringup.cycle import AUTO, CYCLE, settle
from async_rl_core.bringup.resume import resumed
from async_rl_core.config.algorithm import algorithms
from async_rl_core.config.catalogue import presets, robots
from async_rl_core.config.checksum import Checksum, verdict
from async_rl_core.config.document import read_text
from async_rl_core.config.load import resolve
from async_rl_core.config.paths import user_path
from async_rl_core.config.schema import Architecture, Config, SimConfig
from async_rl_core.config.sources import cameras
from async_rl_core.config.task import tasks
from async_rl_core.errors import ConfigError, did_you_mean

AS_PRESET = "preset"
"""The default of most arguments: the value of the preset."""

DEFAULT_RUN = "runs/<date>-<task>-<preset>"

BESIDE_RESUME = ("duration", "episodes", "rviz", "display", "record_video", "secure")

RESUME = (
    "folder of a run to resume, with the values of its config.yaml; other arguments allowed are "
    f"{', '.join(BESIDE_RESUME)}: duration counts from now, episodes from the run's start"
)

CYCLE_TIME = (
    "seconds between actions; auto, with architecture seq: the time of act, sample and update, in whole cycles "
    "of the camera and the arm; with async1 and async2: the preset's. By default auto with seq, unless the preset is "
    "for seq"
)

ROBOT = "by default the preset's if it names one, else ur5"
CAMERA = "by default sim with a simulated arm, topic:image_raw with a real one"
SECURE = "admit only nodes with keys, each with its own rights (SROS2; make the keys with async_rl keys)"

TASKS = {"reacher": AS_PRESET, "tracker": "tracking"}
"""The task of each launch file; `reacher` takes the task of the preset or the robot, by default reaching."""


def _integer(text: str) -> int:
    return int(text)


def _number(text: str) -> float:
    return float(text)


def _cycle(text: str) -> float | str:
    return text if text == AUTO else float(text)


def _flag(text: str) -> bool:
    return {"true": True, "false": False}[text]


def _name(text: str) -> str:
    if not text.strip():
        raise ValueError
    return text


def _path(text: str) -> str:
    if not text:
        raise ValueError
    return str(user_path(text).absolute())


@dataclass(frozen=True)
class Argument:
    """One launch argument: `key` is the configuration's key that it sets, or none where it chooses a file."""

    name: str
    description: str
    key: str | None
    parse: Callable[[str], object] = str
    allowed: str = ""
    choices: tuple[str, ...] = ()
    default: str = AS_PRESET

    def value(self, text: str) -> object:
        """Returns the typed value of a text. Raises `ConfigError` naming what is allowed."""
        if text == "none" and self.allowed.endswith("or none"):
            return None
        try:
            if self.choices and text not in self.choices:
                raise ValueError
            return self.parse(text)
        except ConfigError as error:
            raise ConfigError(f"argument {self.name}: {error}") from None
        except (ValueError, KeyError):
            allowed = ", ".join(self.choices) if self.choices else self.allowed
            raise ConfigError(f"argument {self.name}: '{text}' is not allowed; allowed: {allowed}") from None


def launch_names() -> list[str]:
    """Returns what `async_rl launch` starts: the launch files, and every installed task by its own name."""
    return [*TASKS, *tasks()]


def launched_task(name: str) -> str:
    """Returns the task that a launch name stands for. Raises `ConfigError`."""
    if name in TASKS:
        return TASKS[name]
    if name not in (known := launch_names()):
        raise ConfigError(f"nothing to launch called '{name}'{did_you_mean(name, known)}; allowed: {', '.join(known)}")
    return name


def table(task: str = AS_PRESET) -> list[Argument]:
    """Every launch argument, in the order of the documentation; `task` is the default of that argument."""
    flag, file = ("true", "false"), "or the path of a .yaml file"
    renderers = get_args(SimConfig.model_fields["renderer"].annotation)
    pixels, path = "a whole number", "a path, or none"
    start_from, arms = ", ".join(presets()), ", ".join(robots())
    eyes = ", ".join(["sim", *cameras(), "topic:<name>"])
    return [
        Argument("architecture", "which processes sample and update", "architecture", choices=get_args(Architecture)),
        Argument("preset", f"settings to start from: {start_from}, {file}", None, default="laptop"),
        Argument("robot", f"the arm: {arms}, {file}; {ROBOT}", None),
        Argument("hardware", "simulated or real arm", "hardware", choices=("sim", "real")),
        Argument("robot_ip", "address of the real arm", "robot_ip", _name, "a host name or IP address, or none"),
        Argument("driver", "driver of the arm, from the robot's file", "driver", _name, "its name, or none"),
        Argument("camera", f"source of the images: {eyes}; {CAMERA}", "camera.source", _name, f"{eyes}, or none"),
        Argument(
            "task",
            "task of the arm; by default the robot's",
            "task",
            choices=tuple(tasks()),
            default=task,
        ),
        Argument("algorithm", "learning algorithm", "algorithm", choices=tuple(algorithms())),
        Argument("seed", "seed of all random numbers", "seed", _integer, "a whole number from 0"),
        Argument("duration", "seconds after which the run ends", "duration", _number, "seconds, or none"),
        Argument("episodes", "episodes after which the run ends", "episodes", _integer, "a count, or none"),
        Argument("run_dir", f"the run's own folder, new or empty; default: {DEFAULT_RUN}", "run_dir", _path, path),
        Argument("resume", RESUME, None, _path, path, default="none"),
        Argument("image_width", "camera pixels; alone, the height follows 16:9", "camera.width", _integer, pixels),
        Argument("image_height", "camera pixels; alone, the width follows 16:9", "camera.height", _integer, pixels),
        Argument("action_cycle_time", CYCLE_TIME, CYCLE, _cycle, "seconds, or auto"),
        Argument("rviz", "start RViz (needs an installed ROS 2)", "rviz", _flag, choices=flag),
        Argument("display", "show the target full screen on a real display", "display", _flag, choices=flag),
        Argument("renderer", "renderer of the simulated camera", "sim.renderer", choices=renderers),
        Argument("record_video", "record the camera of every tenth episode", "record_video", _flag, choices=flag),
        Argument("secure", SECURE, "secure", _flag, choices=flag),
    ]


def parse(words: Iterable[str], arguments: Iterable[Argument] | None = None) -> dict[str, str]:
    """Returns the texts of "key:=value" words by argument name; `arguments` are those allowed, by default a launch's.

    Raises `ConfigError` for a word of another form, an unknown argument (naming the allowed ones) and one given twice.
    """
    names = [argument.name for argument in (table() if arguments is None else arguments)]
    values: dict[str, str] = {}
    for word in words:
        name, separator, text = word.partition(":=")
        if not separator:
            raise ConfigError(f"'{word}' is not an argument; write <name>:=<value>, such as seed:=3")
        if name not in names:
            raise ConfigError(f"unknown argument '{name}'{did_you_mean(name, names)}; allowed: {', '.join(names)}")
        if name in values:
            raise ConfigError(f"argument {name} is given twice: '{values[name]}' and '{text}'")
        values[name] = text
    return values


def _tell(line: str) -> None:
    print(line, flush=True)


def configure(values: Mapping[str, str], task: str = AS_PRESET, say: Callable[[str], object] = _tell) -> Config:
    """Returns the configuration that launch arguments ask for; absent arguments take their default.

    With architecture seq this may measure the machine for some seconds; `say` takes the result.
    Raises `ConfigError`: one line that names the argument, or the file and the key, and what is allowed.
    """
    if is_resumed(values):
        return _go_on(values, task)
    chosen: dict[str, str] = {}
    overrides: dict[str, object] = {}
    labels: dict[str, str] = {}
    for argument in table(task):
        text = values.get(argument.name, argument.default)
        if argument.key is None:
            chosen[argument.name] = text
        elif text != AS_PRESET:
            overrides[argument.key] = argument.value(text)
            labels[argument.key] = f"argument {argument.name}"
    _complete_image(overrides, labels)
    if overrides.get("hardware") == "real":
        overrides["guard.auto_arm"] = False  # a person arms it
    robot = None if chosen["robot"] == AS_PRESET else chosen["robot"]
    _note_edit(chosen["preset"], say)
    return settle(lambda values: resolve(chosen["preset"], values, robot, labels), overrides, say)


def _note_edit(preset: str, say: Callable[[str], object]) -> None:
    """Reports that a run's configuration, given as a preset, was edited."""
    path = user_path(preset)
    if path.is_file() and verdict(read_text(path)) is Checksum.WRONG:
        say(f"preset {preset}: edited since its run wrote it; it is taken as it is")


def _go_on(values: Mapping[str, str], task: str) -> Config:
    """Returns the configuration of a resumed run."""
    arguments = {argument.name: argument for argument in table(task)}
    overrides: dict[str, object] = {}
    for name, text in values.items():
        argument = arguments[name]
        if argument.name in BESIDE_RESUME and argument.key is not None:
            overrides[argument.key] = argument.value(text)
        elif argument.name != "resume":
            raise ConfigError(
                f"argument {name} cannot be given beside resume, which takes it from the run's config.yaml; "
                f"allowed: {', '.join(BESIDE_RESUME)}"
            )
    folder = Path(str(arguments["resume"].value(values["resume"])))
    config = resumed(folder, overrides, {name: f"argument {name}" for name in BESIDE_RESUME})
    name = next((name for name, stands_for in TASKS.items() if stands_for == config.task), "reacher")
    if task not in (TASKS[name], config.task):
        raise ConfigError(f"resume: {folder} is a run of {config.task}; resume it by launching {name}")
    return config


def is_resumed(values: Mapping[str, str]) -> bool:
    """Returns whether the launch arguments resume a run."""
    return values.get("resume", "none") != "none"


def defaults(values: Mapping[str, str], task: str = AS_PRESET) -> dict[str, str]:
    """Returns by name what each argument is by default, beside those given; of a preset and robot that can be run."""
    preset, robot = values.get("preset", "laptop"), values.get("robot", AS_PRESET)
    config = resolve(preset, {} if task == AS_PRESET else {"task": task}, None if robot == AS_PRESET else robot)
    chosen = {"preset": preset, "robot": config.robot.name if robot == AS_PRESET else robot}
    return {**values_of(config, table(task)), **chosen}


def values_of(config: Config, arguments: Iterable[Argument]) -> dict[str, str]:
    """Returns by name the value that each argument's key has in a configuration."""
    data: object = config.model_dump(mode="json")
    found = {}
    for argument in arguments:
        if argument.key is not None:
            value = data
            for part in argument.key.split("."):
                value = value[part] if isinstance(value, dict) else None
            found[argument.name] = "none" if value is None else _text(value)
    return found


def shown_defaults(words: Sequence[str], task: str) -> dict[str, str]:
    """Returns by name what to add to the descriptions of the arguments where a command line asks to see them.

    ROS 2's launch prints them as declared, with 'preset' for each default that a preset decides.
    """
    if not {"-s", "--show-args", "--show-arguments"} & set(words):
        return {}
    names = [argument.name for argument in table(task)]
    given = dict(word.split(":=", 1) for word in words if word.partition(":=")[0] in names and ":=" in word)
    decided = {argument.name for argument in table(task) if argument.default == AS_PRESET}
    return {name: f" [{text}]" for name, text in defaults(given, task).items() if name in decided}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def describe(
    arguments: Iterable[Argument], values: Mapping[str, str] | None = None, otherwise: str = "as the preset says"
) -> str:
    """Returns the text that `--show-args` prints.

    Args:
        arguments: the arguments.
        values: the defaults that a preset decides, by name, as `defaults` returns them.
        otherwise: where a default comes from that is in neither.
    """
    lines = ["Arguments (pass arguments as '<name>:=<value>'):"]
    for argument in arguments:
        choices = f" Choices: {', '.join(argument.choices)}." if argument.choices else ""
        default = otherwise if argument.default == AS_PRESET else f"'{argument.default}'"
        if values and argument.name in values:
            default = f"'{values[argument.name]}'"
        lines += ["", f"    '{argument.name}':", f"        {argument.description}.{choices}"]
        lines += [f"        (default: {default})"]
    if values and "preset" in values:
        lines += ["", f"Defaults: preset {values['preset']}, robot {values['robot']}. Name others to see theirs:"]
        lines += ["    --show-args preset:=<name> robot:=<name>"]
    return "\n".join(lines)


def _complete_image(overrides: dict[str, object], labels: dict[str, str]) -> None:
    width, height = overrides.get("camera.width"), overrides.get("camera.height")
    if isinstance(width, int) and height is None:
        overrides["camera.height"] = round(width * 9 / 16)
        labels["camera.height"] = f"argument image_width (image_height follows as {overrides['camera.height']})"
    elif isinstance(height, int) and width is None:
        overrides["camera.width"] = round(height * 16 / 9)
        labels["camera.width"] = f"argument image_height (image_width follows as {overrides['camera.width']})"

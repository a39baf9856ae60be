"""The card of an exported policy: its inputs, outputs and origin."""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import torch

from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.policies.export.formats import INPUTS, OUTPUTS
from async_rl_core.policies.fixed import FixedPolicy
from async_rl_core.spec.crop import Crop


def card_path(path: Path) -> Path:
    """Returns the path of the card of the policy in `path`; it never replaces another file or another policy's card.

    That is `policy.json` for `policy.pt`, or `policy.pt.json` where the first is the card of `policy.onnx`.
    Raises `ConfigError` where both are taken.
    """
    names = path.with_suffix(".json"), path.with_name(f"{path.name}.json")
    for name in names:
        if not name.exists() or _is_card_of(path, name):
            return name
    raise ConfigError(f"{path}: {' and '.join(n.name for n in names)} are there and not its card; name another file")


def _is_card_of(path: Path, name: Path) -> bool:
    try:
        facts = json.loads(name.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(facts, dict) and facts.get("file") == path.name and "sha256" in facts


def card(config: Config, policy: FixedPolicy, run: Path) -> dict[str, object]:
    """Returns the interface, the origin and the limits of a policy's export, as JSON values."""
    return {
        "inputs": [_images(config), _state(config)],
        "outputs": _outputs(config),
        "timing": {
            "action_cycle_time_s": config.agent.action_cycle_time,
            "camera_frames_per_s": config.camera.rate,
            "episode_duration_s": config.agent.episode_duration,
        },
        "done_inside": {
            "crop": _crop(config),
            "scaling": "pixels are divided by 255",
            "computed_in": "float32",
            "action_scale_rad_per_s": config.agent.action_scale,
        },
        "not_done_inside": [
            "limits of joints, speed, acceleration and workspace: in async_rl the agent's and the safety guard's",
            "the frame stack, and the memory of the previous action",
        ],
        "robot": {
            "name": config.robot.name,
            "start_pose_rad": dict(zip(config.robot.joints, config.robot.start, strict=True)),
            "joints_held_still": [j for j in config.robot.joints if j not in config.robot.actuated_joints],
        },
        "origin": {
            "run": str(run.absolute()),
            "task": config.task,
            "preset": config.preset,
            "seed": config.seed,
            "trained_in": config.learning.precision,
            "checkpoint": policy.checkpoint.name,
            "updates": policy.updates,
            "env_steps": policy.env_steps,
            "async_rl": version("async_rl_core"),
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }


def _images(config: Config) -> dict[str, object]:
    camera, stack = config.camera, config.agent.frame_stack
    return {
        "name": INPUTS[0],
        "dtype": "uint8",
        "shape": ["batch", camera.height, camera.width, 3 * stack],
        "layout": "NHWC",
        "channels": [f"frame {i}, {colour}" for i in range(1 - stack, 1) for colour in ("red", "green", "blue")],
        "meaning": f"the newest {stack} frames of the wrist camera, whole, oldest first; frame 0 is the newest",
        "at_episode_start": "the first frame stands in for those before it",
    }


def _state(config: Config) -> dict[str, object]:
    joints = config.robot.actuated_joints
    quantities = (("position", "rad"), ("velocity", "rad/s"), ("previous action", "1"))
    return {
        "name": INPUTS[1],
        "dtype": "float32",
        "shape": ["batch", 3 * len(joints)],
        "elements": [{"joint": j, "quantity": q, "unit": unit} for q, unit in quantities for j in joints],
        "meaning": "joint states when the action is chosen; the previous action is the last output 'action' itself",
        "at_episode_start": "the previous action is 0",
    }


def _outputs(config: Config) -> list[dict[str, object]]:
    joints, scale = list(config.robot.actuated_joints), config.agent.action_scale
    return [
        {
            "name": name,
            "dtype": "float32",
            "shape": ["batch", len(joints)],
            "joints": joints,
            "unit": unit,
            "range": [-bound, bound],
        }
        for name, unit, bound in zip(OUTPUTS, ("1", "rad/s"), (1.0, scale), strict=True)
    ]


def _crop(config: Config) -> dict[str, int]:
    crop = Crop.from_config(config)
    return {"top": crop.margin_y, "left": crop.margin_x, "height": crop.height, "width": crop.width}

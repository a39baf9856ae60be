"""Exports a run's policy as one file that runs without this suite, with a card that describes it."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from async_rl_core.atomic_file import remove_stale, replacing
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.policies.export.card import card, card_path
from async_rl_core.policies.export.deployed import DeployedPolicy
from async_rl_core.policies.export.formats import FORMATS, ExportError, Floats, Format, Images, Run
from async_rl_core.policies.fixed import FixedPolicy, newest_policy
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.spec.crop import Crop

TOLERANCE = 1e-4
"""By which an action, in [-1, 1], may differ from the policy's: other kernels add in another order."""

_BATCHES = (1, 7)  # sizes that are tried


def export(
    config: Config, run: Path, out: Path | None, format_name: str | None, say: Callable[[str], object]
) -> tuple[Path, Path]:
    """Writes the policy of a run's newest checkpoint and a card beside it; returns both paths.

    Args:
        config: of the run.
        run: its folder.
        out: the file; none for one in the run's folder.
        format_name: one of `FORMATS`; none for that of the file's suffix, or else TorchScript.
        say: is told of each stage, of the largest difference found, and of damaged checkpoints.

    Raises:
        CheckpointError: the run has no checkpoint that can be used.
        ConfigError: there is no such format, `out` has a suffix of none, or the files cannot be written.
        ExportError: a package is missing, or the file does not do what the policy does; nothing is written then.
    """
    format_ = choose_format(out, format_name)
    say(f"reading the newest checkpoint of {run}")
    policy = newest_policy(_in_single_precision(config), run, say)
    path = out or RunFolder(run).exports / f"policy_{policy.updates:012d}{format_.suffix}"
    card_file = card_path(path)
    say(f"writing the policy after {policy.updates} updates as {format_.name}")
    content = format_.encode(DeployedPolicy(policy, config), _example(config))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_stale(path)
        with replacing(path, sync=True) as temporary:
            temporary.write_bytes(content)
            say(f"comparing the file with the policy on {sum(_BATCHES)} random observations")
            difference = largest_difference(format_.load(temporary), policy, config)
            if not difference <= TOLERANCE:
                raise ExportError(
                    f"{path} was not written: as {format_.name} the policy's actions differ by {difference:.2g} from "
                    f"the policy's own, at most {TOLERANCE:g} is allowed; try another format"
                )
        say(f"largest difference between their actions: {difference:.2g} ({TOLERANCE:g} is allowed)")
        facts = _file_facts(path, format_, content, difference) | card(config, policy, run)
        with replacing(card_file, sync=True) as temporary:
            temporary.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}; name another file") from None
    return path, card_file


def choose_format(out: Path | None, name: str | None) -> Format:
    """Returns the format of a name, else of a file's suffix, else the default. Raises `ConfigError`."""
    if out is not None:
        _check_file(out)
    if name is None:
        of_suffix = [format_ for format_ in FORMATS.values() if out is not None and out.suffix == format_.suffix]
        return of_suffix[0] if of_suffix else next(iter(FORMATS.values()))
    if name not in FORMATS:
        raise ConfigError(f"argument format: '{name}' is not allowed; allowed: {', '.join(FORMATS)}")
    return FORMATS[name]


def _check_file(out: Path) -> None:
    known = ", ".join(f"{format_.suffix} ({format_.name})" for format_ in FORMATS.values())
    if out.is_dir():
        raise ConfigError(f"{out} is a folder; name a file in it, such as {out / 'policy.pt'}")
    if out.suffix not in [format_.suffix for format_ in FORMATS.values()]:
        raise ConfigError(f"{out}: a policy is not exported as '{out.suffix or out.name}'; known suffixes: {known}")


def largest_difference(run: Run, policy: FixedPolicy, config: Config) -> float:
    """Returns the largest difference between an exported policy's outputs and the policy's own; NaN if one is NaN."""
    crop, scale, rng = Crop.from_config(config), config.agent.action_scale, np.random.default_rng(0)
    differences = []
    for size in _BATCHES:
        images, state = _random_observations(config, rng, size)
        action = np.stack([policy.act(crop.center(i), p) for i, p in zip(images, state, strict=True)])
        exported, velocity = run(images, state)
        differences += [np.abs(exported - action).max(), np.abs(velocity / scale - action).max()]
    return float(np.max(differences))


def _in_single_precision(config: Config) -> Config:
    """Returns the configuration in float32, which every runtime can compute; parameters are always float32."""
    return config.model_copy(update={"learning": config.learning.model_copy(update={"precision": "fp32"})})


def _random_observations(config: Config, rng: np.random.Generator, size: int) -> tuple[Images, Floats]:
    camera, joints = config.camera, len(config.robot.actuated_joints)
    shape = (size, camera.height, camera.width, 3 * config.agent.frame_stack)
    images = rng.integers(0, 256, shape, dtype=np.uint8)
    return images, rng.normal(size=(size, 3 * joints)).astype(np.float32)


def _example(config: Config) -> tuple[torch.Tensor, torch.Tensor]:
    images, state = _random_observations(config, np.random.default_rng(1), 2)
    return torch.from_numpy(images), torch.from_numpy(state)


def _file_facts(path: Path, format_: Format, content: bytes, difference: float) -> dict[str, object]:
    return {
        "file": path.name,
        "format": format_.name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "largest_difference_from_policy": difference,
    }

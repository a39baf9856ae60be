"""An exported policy does what the policy does, in a process that knows nothing of this suite."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from async_rl_core.algorithms.registry import make_algorithm
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.learning.checkpoint import LearnerSnapshot
from async_rl_core.learning.checkpoint_file import name_of
from async_rl_core.policies.export import export as module
from async_rl_core.policies.export.deployed import DeployedPolicy
from async_rl_core.policies.export.export import choose_format, export
from async_rl_core.policies.export.formats import FORMATS, ONNX_PACKAGES, ExportError
from async_rl_core.policies.fixed import newest_policy
from async_rl_core.policies.gaussian import GaussianPolicy
from async_rl_core.spec.crop import Crop

HAS_ONNX = all(find_spec(name) for name in ONNX_PACKAGES)
formats = pytest.mark.parametrize(
    "name",
    [
        "torchscript",
        pytest.param("onnx", marks=pytest.mark.skipif(not HAS_ONNX, reason=f"needs {', '.join(ONNX_PACKAGES)}")),
    ],
)
RUN_ALONE = {
    "torchscript": """
import torch
outputs = torch.jit.load(sys.argv[1])(torch.from_numpy(data["images"]), torch.from_numpy(data["state"]))
outputs = dict(zip(["action", "joint_velocity"], [o.numpy() for o in outputs]))
""",
    "onnx": """
import onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1])
outputs = dict(zip([o.name for o in session.get_outputs()], session.run(None, dict(data))))
""",
}


@pytest.fixture
def config() -> Config:
    """A crop with a margin on each side, and a camera of another shape than the crop."""
    small = {"sac.hidden_sizes": [16], "learning.batch_size": 2, "replay.crop_fraction": 0.05}
    return resolve("laptop", {**small, "learning.precision": "fp32"})


@pytest.fixture
def run(tmp_path: Path, config: Config) -> Path:
    sac = make_algorithm(config.model_copy(update={"seed": 3}), "cpu")
    sac.updates = 42
    capture = LearnerSnapshot(sac)
    capture.take(env_steps=1042)
    (tmp_path / "checkpoints").mkdir()
    capture.write(tmp_path / "checkpoints" / name_of(42))
    return tmp_path


def card_of(path: Path) -> dict[str, object]:
    facts: dict[str, object] = json.loads(path.read_text())
    return facts


@formats
def test_export_runs_alone_as_its_card_says(run: Path, config: Config, name: str, tmp_path: Path) -> None:
    path, card_path = export(config, run, None, name, print)
    assert path == run / "exports" / f"policy_000000000042{FORMATS[name].suffix}"
    card = card_of(card_path)
    rng = np.random.default_rng(5)
    images, state = card["inputs"]  # type: ignore[misc]
    data = {
        "images": rng.integers(0, 256, [3, *images["shape"][1:]], dtype=images["dtype"]),
        "state": rng.normal(size=[3, *state["shape"][1:]]).astype(state["dtype"]),
    }
    np.savez(tmp_path / "in.npz", **data)
    program = (
        "import sys, numpy as np\ndata = np.load(sys.argv[2])\n"
        f"{RUN_ALONE[name]}\nassert 'async_rl_core' not in sys.modules\nnp.savez(sys.argv[3], **outputs)"
    )
    command = [sys.executable, "-W", "ignore", "-c", program, path, tmp_path / "in.npz", tmp_path / "out.npz"]
    subprocess.run(command, check=True, cwd="/", env=os.environ, timeout=60)
    outputs = np.load(tmp_path / "out.npz")
    policy, crop = newest_policy(config, run, print), Crop.from_config(config)
    for i in range(3):
        action = policy.act(crop.center(data["images"][i]), data["state"][i])
        np.testing.assert_allclose(outputs["action"][i], action, atol=1e-5)
        np.testing.assert_allclose(outputs["joint_velocity"][i], config.agent.action_scale * action, atol=1e-5)


def test_export_card_is_complete(run: Path, config: Config) -> None:
    path, card_path = export(config, run, run / "mine.pt", None, print)
    assert card_path == run / "mine.json"
    card = card_of(card_path)
    assert card["file"] == "mine.pt" and card["format"] == "torchscript"
    assert card["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    images, state = card["inputs"]  # type: ignore[misc]
    assert images["shape"] == ["batch", 45, 80, 9] and images["layout"] == "NHWC"
    assert images["channels"][0] == "frame -2, red" and images["channels"][-1] == "frame 0, blue"
    elements = [(e["quantity"], e["joint"], e["unit"]) for e in state["elements"]]
    joints = list(config.robot.actuated_joints)
    assert elements[0] == ("position", joints[0], "rad")
    assert elements[len(joints)] == ("velocity", joints[0], "rad/s")
    assert elements[-1] == ("previous action", joints[-1], "1")
    action, velocity = card["outputs"]  # type: ignore[misc]
    assert (action["joints"], action["range"]) == (joints, [-1, 1])
    assert (velocity["unit"], velocity["range"]) == ("rad/s", [-0.7, 0.7])
    crop = Crop.from_config(config)
    assert card["done_inside"]["crop"] == {"top": 2, "left": 4, "height": crop.height, "width": crop.width}  # type: ignore[index]
    assert card["timing"]["action_cycle_time_s"] == 0.04  # type: ignore[index]
    origin = card["origin"]
    assert isinstance(origin, dict)
    assert (origin["updates"], origin["env_steps"], origin["run"]) == (42, 1042, str(run))
    assert origin["async_rl"]


def test_export_reports_each_stage_and_the_largest_difference(run: Path, config: Config) -> None:
    said: list[str] = []
    _, card_path = export(config, run, run / "mine.pt", None, said.append)
    assert said[:3] == [
        f"reading the newest checkpoint of {run}",
        "writing the policy after 42 updates as torchscript",
        "comparing the file with the policy on 8 random observations",
    ]
    difference = card_of(card_path)["largest_difference_from_policy"]
    assert said[3:] == [f"largest difference between their actions: {difference:.2g} (0.0001 is allowed)"]


class Shifted(DeployedPolicy):
    """A crop one column off."""

    def __init__(self, policy: GaussianPolicy, config: Config) -> None:
        super().__init__(policy, config)
        self.columns = slice(self.columns.start + 1, self.columns.stop + 1)


class Unscaled(DeployedPolicy):
    """Joint velocities that are actions."""

    def __init__(self, policy: GaussianPolicy, config: Config) -> None:
        super().__init__(policy, config)
        self.action_scale = 1.0


@pytest.mark.parametrize("wrong", [Shifted, Unscaled])
def test_export_that_differs_from_the_policy_is_not_written(
    run: Path, config: Config, wrong: type[DeployedPolicy], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, card_path = export(config, run, None, None, print)
    before = path.read_bytes(), card_path.read_bytes()
    monkeypatch.setattr(module, "DeployedPolicy", wrong)
    with pytest.raises(ExportError, match="was not written: as torchscript the policy's actions differ by"):
        export(config, run, None, None, print)
    assert (path.read_bytes(), card_path.read_bytes()) == before
    assert sorted(path.parent.iterdir()) == [card_path, path]


def test_export_of_nan_is_not_written(run: Path, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = replace(
        FORMATS["torchscript"],
        load=lambda path: lambda images, p: (p[:, :5] * np.float32("nan"), p[:, :5] * np.float32("nan")),
    )
    monkeypatch.setitem(FORMATS, "torchscript", broken)
    with pytest.raises(ExportError):
        export(config, run, None, None, print)
    assert not list((run / "exports").iterdir())


def test_export_of_a_run_in_bf16_is_float32(run: Path, config: Config) -> None:
    half = config.model_copy(update={"learning": config.learning.model_copy(update={"precision": "bf16"})})
    _, card_path = export(half, run, run / "half.pt", None, print)
    difference = card_of(card_path)["largest_difference_from_policy"]  # from that of single precision
    assert isinstance(difference, float) and difference < 1e-5


def test_export_to_onnx_without_its_packages_names_them(
    run: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("async_rl_core.policies.export.formats.find_spec", lambda name: None)
    with pytest.raises(ExportError, match=r"pip install onnx onnxscript onnxruntime, or take format:=torchscript"):
        export(config, run, None, "onnx", print)
    assert not (run / "exports").exists()


def test_choose_format_follows_name_or_suffix() -> None:
    assert choose_format(None, None).name == "torchscript"
    assert choose_format(Path("a.onnx"), None).name == "onnx"
    assert choose_format(Path("a.onnx"), "torchscript").name == "torchscript"
    with pytest.raises(ConfigError, match="argument format: 'onx' is not allowed; allowed: torchscript, onnx"):
        choose_format(None, "onx")


def test_export_onto_a_blocked_path_names_it(run: Path, config: Config) -> None:
    (run / "file").touch()
    with pytest.raises(ConfigError, match=r"file/policy\.pt cannot be written"):
        export(config, run, run / "file" / "policy.pt", None, print)


@pytest.mark.parametrize("name", ["policy.json", "policy.bin", "policy", ".pt", "policy.PT"])
@pytest.mark.parametrize("format_name", [None, "torchscript"])
def test_export_unknown_suffix_is_refused_naming_the_known_ones(
    run: Path, config: Config, name: str, format_name: str | None
) -> None:
    with pytest.raises(ConfigError, match=r"known suffixes: \.pt \(torchscript\), \.onnx \(onnx\)"):
        export(config, run, run / name, format_name, print)
    assert sorted(path.name for path in run.iterdir()) == ["checkpoints"]


def test_export_onto_a_folder_is_refused(run: Path, config: Config) -> None:
    with pytest.raises(ConfigError, match=r"checkpoints is a folder; name a file in it, such as .*checkpoints/policy"):
        export(config, run, run / "checkpoints", None, print)


def test_export_card_replaces_no_other_file(run: Path, config: Config) -> None:
    (run / "policy.json").write_text('{"mine": 1}')
    path, card_path = export(config, run, run / "policy.pt", None, print)
    assert card_path.name == "policy.pt.json"
    assert (run / "policy.json").read_text() == '{"mine": 1}'
    assert card_of(card_path)["file"] == path.name == "policy.pt"
    assert export(config, run, path, None, print) == (path, card_path)  # its own card is brought up to date
    card_path.write_text("{}")
    with pytest.raises(ConfigError, match=r"policy\.json and policy\.pt\.json are there and not its card"):
        export(config, run, path, None, print)


def test_export_card_of_another_format_is_kept(run: Path, config: Config) -> None:
    (run / "policy.json").write_text('{"file": "policy.onnx", "sha256": "0"}')
    assert export(config, run, run / "policy.pt", None, print)[1].name == "policy.pt.json"

"""The picture of the flow."""

from pathlib import Path

import numpy as np
from PIL import Image

from async_rl_core.monitoring.flow import COLOURS, draw

from ..run_folder.test_components import run


def colours(path: Path) -> set[str]:
    """The picture's colours, as #rrggbb."""
    pixels = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
    return {f"#{r:02x}{g:02x}{b:02x}" for r, g, b in np.unique(pixels, axis=0)}


def test_flow_draws_every_component(tmp_path: Path) -> None:
    path = tmp_path / "components.png"
    draw([[(f"{a}, one", run(a)), (f"{a}, two", run(a, sample=20.0))] for a in ("seq", "async1", "async2")], path)
    assert set(COLOURS.values()) <= colours(path)
    assert [p.name for p in tmp_path.iterdir()] == ["components.png"]


def test_flow_of_a_run_without_measurements_is_blank(tmp_path: Path) -> None:
    path = tmp_path / "components.png"
    draw([[("async2", {"architecture": "async2"})]], path)
    assert path.stat().st_size > 0

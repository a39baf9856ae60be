"""The examples run, for as long as continuous integration has time for."""

import runpy
from pathlib import Path

import numpy as np
import pytest

STEPS = 600
"""About a minute on two cores, beside other tests."""
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.mark.timeout(400)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_stable_baselines_runs_unchanged():
    learn = runpy.run_path(str(EXAMPLES / "sb3_sac.py"))["learn"]
    model, returns = learn("async_rl/UR5Reacher-v0", steps=STEPS, seed=1, learning_starts=200)
    assert len(returns) == STEPS // 100 and np.isfinite(returns).all()
    assert model._n_updates == STEPS - 200

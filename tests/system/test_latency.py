"""`async_rl calibrate latency` finds the delay of the simulated camera."""

import os
import re
import subprocess
from pathlib import Path

import pytest

DELAY = 0.06


@pytest.mark.timeout(60)
def test_calibrate_latency_finds_the_delay_of_stamps(tmp_path: Path, domain: int) -> None:
    preset = tmp_path / "late.yaml"
    preset.write_text(
        f"camera: {{width: 80, height: 45}}\nsim: {{image_latency: 0.1, stamp_delay: {DELAY}, image_noise: 20.0}}\n"
    )
    done = subprocess.run(
        ["async_rl", "calibrate", "latency", f"preset:={preset}", "flashes:=16"],
        env={**os.environ, "ROS_DOMAIN_ID": str(domain)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = re.search(r"from the light to the stamp: (\S+) ms \(median\)", done.stdout)
    assert found is not None, done.stdout
    assert float(found[1]) == pytest.approx(1e3 * DELAY, abs=5.0)
    assert [path.name for path in tmp_path.iterdir()] == ["late.yaml"]

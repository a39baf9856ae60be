import os
import subprocess
import sys

import pytest

PROGRAM = "import os; before = dict(os.environ); import async_rl_core.sim.engine; assert dict(os.environ) == before"


@pytest.mark.parametrize("platform", [None, "egl", "a platform that is not there"])
def test_engine_import_leaves_the_environment_as_it_was(platform: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MUJOCO_GL"}
    if platform is not None:
        environment["MUJOCO_GL"] = platform
    subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=True)

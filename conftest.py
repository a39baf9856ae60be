"""Environment of every test: its own ROS domain, checked messages, no screen."""

import os

from hypothesis import settings

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
"""Number of this process of pytest-xdist; the processes inherit the environment of the one that started them."""

os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
if WORKER:
    os.environ["ROS_DOMAIN_ID"] = str(1 + (int(os.environ["ROS_DOMAIN_ID"]) + 10 * WORKER) % 100)
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_PYTHON_CHECK_FIELDS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

# On a person's machine every run tries other examples; a check that decides what lands says the same of the same code.
settings.register_profile("async_rl", deadline=None, print_blob=True, derandomize="CI" in os.environ)
settings.load_profile("async_rl")

"""Surroundings of every test: a ROS domain of its own, checked messages, no screen."""

import os

from hypothesis import settings

os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_PYTHON_CHECK_FIELDS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

settings.register_profile("async_rl", deadline=None, print_blob=True)
settings.load_profile("async_rl")

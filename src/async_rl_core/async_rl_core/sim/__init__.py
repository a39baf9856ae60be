"""The simulated robot, its camera and what stands before it; no ROS in here.

MuJoCo chooses an OpenGL platform while it is imported, and the import fails where that platform's library is missing.
The renderers here make their own choice (`gl.py`), so MuJoCo's is switched off before anything imports it.
"""

import os

REQUESTED_PLATFORM = os.environ.get("MUJOCO_GL", "").strip().lower()
os.environ["MUJOCO_GL"] = "disable"

"""The physics engine: MuJoCo, imported without a choice of its OpenGL platform.

MuJoCo chooses a platform while it is imported, by `MUJOCO_GL`, and the import fails where the library of that platform
is missing. The renderers choose for themselves (`gl.py`), so that choice is switched off during the import. Afterwards
the environment of the process is as before. Modules of the suite import `mujoco` from here.
"""

import os

_PLATFORM = "MUJOCO_GL"

_requested = os.environ.get(_PLATFORM)
os.environ[_PLATFORM] = "disable"
try:
    import mujoco as mujoco
finally:
    if _requested is None:
        del os.environ[_PLATFORM]
    else:
        os.environ[_PLATFORM] = _requested

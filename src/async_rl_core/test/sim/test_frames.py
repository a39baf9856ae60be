"""tf against Pinocchio."""

import numpy as np
import pinocchio

from async_rl_core.config.schema import Config
from async_rl_core.sim.frames import LinkFrames, Transform
from async_rl_core.sim.model import urdf_text
from async_rl_core.sim.scene import Array, Scene


def placement(transform: Transform) -> pinocchio.SE3:
    x, y, z, w = transform.rotation
    return pinocchio.SE3(pinocchio.Quaternion(w, x, y, z).toRotationMatrix(), np.array(transform.translation))


def test_frames_chain_of_transforms_is_the_forward_kinematics(scene: Scene, config: Config, start: Array) -> None:
    position = start + np.array([0.3, -0.2, 0.1, 0.4, -0.5, 0.6])
    frames = LinkFrames(scene)
    tree = {frame.child: frame for frame in [*frames.fixed(), *frames.moving(position)]}
    model = pinocchio.buildModelFromXML(urdf_text(config.robot))
    data = model.createData()
    pinocchio.framesForwardKinematics(model, data, position)  # the UR5's own order is that of its commands
    for link in ("base_link", "forearm_link", "ee_link", "tool0"):
        pose, child = pinocchio.SE3.Identity(), link
        while child in tree:
            pose, child = placement(tree[child]) * pose, tree[child].parent
        np.testing.assert_allclose(pose.homogeneous, data.oMf[model.getFrameId(link)].homogeneous, atol=1e-6)


def test_frames_every_link_is_there_once(scene: Scene, start: Array) -> None:
    frames = LinkFrames(scene)
    children = [frame.child for frame in [*frames.fixed(), *frames.moving(start)]]
    assert len(children) == len(set(children))
    assert {"camera_optical_frame", "target_surface", "tool0", "wrist_3_link", "base"} <= set(children)
    assert "target" not in children

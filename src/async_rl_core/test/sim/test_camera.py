"""Both renderers against each other and against pinhole mathematics."""

from collections.abc import Iterator

import numpy as np
import pinocchio
import pytest
from numpy.typing import NDArray

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.errors import SimulationError
from async_rl_core.sim import gl
from async_rl_core.sim.camera import Image, Renderer, intrinsics, make_renderer
from async_rl_core.sim.gl import GLRenderer, available_platforms
from async_rl_core.sim.model import urdf_text
from async_rl_core.sim.raycast import RaycastRenderer
from async_rl_core.sim.scene import Array, Point, Scene, camera_rotation

RENDERERS = ("gl", "raycast")
TARGETS: tuple[Point, ...] = ((80.0, 45.0), (20.0, 12.0), (140.0, 78.0), (15.0, 80.0))
# Offsets from the start pose (rad) at which the screen stays in view.
OFFSETS = (
    (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    (0.15, 0.0, 0.0, 0.0, -0.1, 0.0),
    (0.0, -0.1, 0.15, 0.1, 0.0, 0.2),
    (-0.1, 0.05, -0.1, 0.0, 0.05, -0.15),
)


@pytest.fixture(params=RENDERERS)
def renderer(request: pytest.FixtureRequest, scene: Scene) -> Iterator[Renderer]:
    made = make(request.param, scene)
    yield made
    made.close()


def make(name: str, scene: Scene) -> Renderer:
    if name == "raycast":
        return RaycastRenderer(scene)
    if not available_platforms():
        pytest.skip("no EGL or OSMesa on this system")
    return GLRenderer(scene)


def mask(image: Image) -> NDArray[np.bool_]:
    """The reward's target mask, as the papers' code has it."""
    red, green, blue = np.moveaxis(image.astype(int), -1, 0)
    return np.asarray((red >= 120) & (green <= 50) & (blue <= 50))


def projected(config: Config, scene: Scene, position: Array, target: Point) -> Array:
    """Pixel (u, v) of the disc's centre, by Pinocchio's kinematics and a pinhole."""
    model = pinocchio.buildModelFromXML(urdf_text(config.robot))
    data = model.createData()
    order = [model.joints[model.getJointId(name)].idx_q for name in config.robot.joints]
    q = np.empty(model.nq)
    q[order] = position
    pinocchio.framesForwardKinematics(model, data, q)
    tool = data.oMf[model.getFrameId(config.robot.tool_frame)]
    in_tool = tool.actInv(scene.target_position(target)) - np.array(config.robot.camera_offset)
    x = intrinsics(config) @ camera_rotation(config.robot).T @ in_tool
    return np.asarray(x[:2] / x[2])


@pytest.mark.parametrize("offset", OFFSETS)
def test_camera_disc_is_where_the_pinhole_puts_it(
    renderer: Renderer, config: Config, scene: Scene, start: Array, offset: tuple[float, ...]
) -> None:
    for target in TARGETS:
        position = start + offset
        red = mask(renderer.render(position, target))
        assert red.sum() > 30
        centroid = np.argwhere(red).mean(axis=0)[::-1]
        np.testing.assert_allclose(centroid, projected(config, scene, position, target), atol=0.5)


@pytest.mark.skipif(not available_platforms(), reason="no EGL or OSMesa on this system")
def test_camera_renderers_agree(scene: Scene, start: Array) -> None:
    drawn, cast = GLRenderer(scene), RaycastRenderer(scene)
    try:
        for offset in (*OFFSETS, (0.4, 0.3, 0.2, -0.6, 0.3, 0.0), (-0.4, -0.1, 0.4, 0.7, -0.6, 0.0)):
            for target in TARGETS[:2]:
                a, b = drawn.render(start + offset, target), cast.render(start + offset, target)
                assert np.abs(a.astype(int) - b.astype(int)).mean() < 0.5
                both, either = (mask(a) & mask(b)).sum(), (mask(a) | mask(b)).sum()
                assert either == 0 or both / either > 0.9
    finally:
        drawn.close()


def test_camera_picture_is_upright_at_the_start(renderer: Renderer, start: Array) -> None:
    height, width = 90, 160
    for target, (left, above) in (((20, 12), (True, True)), ((140, 12), (False, True)), ((20, 78), (True, False))):
        v, u = np.argwhere(mask(renderer.render(start, target))).mean(axis=0)
        assert (u < width / 2) == left
        assert (v < height / 2) == above


def test_camera_nothing_but_the_disc_is_red(renderer: Renderer, config: Config, start: Array) -> None:
    generator = np.random.default_rng(0)
    limits = config.robot.limits
    outside = (-1000.0, 0.0)  # the disc far from the screen, behind the wall
    for _ in range(30):
        position = generator.uniform(limits.position_lower, limits.position_upper)
        assert not mask(renderer.render(position, outside)).any()


def test_camera_image_is_a_fresh_rgb_array(renderer: Renderer, start: Array) -> None:
    first = renderer.render(start, TARGETS[0])
    kept = first.copy()
    assert first.shape == (90, 160, 3)
    assert first.dtype == np.uint8
    assert first.flags.c_contiguous
    renderer.render(start, TARGETS[1])
    np.testing.assert_array_equal(first, kept)


def test_camera_lighting_dims_both_alike(start: Array) -> None:
    scene = Scene(resolve("laptop", {"sim.lighting": 0.5}))
    bright = Scene(resolve("laptop", {"sim.lighting": 1.0}))
    for name in RENDERERS if available_platforms() else ("raycast",):
        half, full = make(name, scene), make(name, bright)
        ratio = half.render(start, TARGETS[0]).mean() / full.render(start, TARGETS[0]).mean()
        assert ratio == pytest.approx(0.5, abs=0.02)
        half.close()
        full.close()


def test_camera_without_gl_auto_casts_rays_and_gl_says_what_to_install(
    config: Config, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gl, "_LIBRARIES", {"egl": ("libNoSuchEGL.so.1",), "osmesa": ("libNoSuchMesa.so.8",)})
    choice = make_renderer(scene)
    assert choice.renderer.name == "raycast"
    assert "libegl1" in choice.reason
    demanding = Scene(config.model_copy(update={"sim": config.sim.model_copy(update={"renderer": "gl"})}))
    with pytest.raises(SimulationError, match="apt install libegl1"):
        make_renderer(demanding)


def test_camera_platform_that_does_not_work_is_passed_over(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gl, "_LIBRARIES", {"no_such_platform": ()})
    assert make_renderer(scene).renderer.name == "raycast"


@pytest.mark.parametrize("name", RENDERERS)
@pytest.mark.parametrize(("robot", "task"), [("ur5", "reaching"), ("panda", "visual_reacher"), ("fr3", "reaching")])
def test_camera_geoms_out_of_view_leave_no_trace_in_the_image(
    name: str, robot: str, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = resolve("laptop", {"task": task}, robot)
    model = Scene(settings)
    renderer, everything = make(name, model), make(name, model)
    assert isinstance(renderer, GLRenderer | RaycastRenderer) and isinstance(everything, GLRenderer | RaycastRenderer)
    monkeypatch.setattr(everything._frustum, "outside", lambda data: np.zeros(model.model.ngeom, bool))
    generator, limits = np.random.default_rng(0), settings.robot.limits
    hidden = 0
    for _ in range(40):
        position = generator.uniform(limits.position_lower, limits.position_upper)
        target = (generator.uniform(0, 160), generator.uniform(0, 90))
        np.testing.assert_array_equal(renderer.render(position, target), everything.render(position, target))
        hidden += int(renderer._frustum.outside(renderer._data).sum())
    assert hidden > 40 * model.model.ngeom / 4
    renderer.close()
    everything.close()


@pytest.mark.skipif(not available_platforms(), reason="no EGL or OSMesa on this system")
def test_camera_renderer_that_is_dropped_leaves_the_others_whole(scene: Scene, start: Array) -> None:
    first = GLRenderer(scene)
    expected = first.render(start, TARGETS[0])
    dropped = GLRenderer(scene)
    dropped.render(start, TARGETS[1])
    first.render(start, TARGETS[1])  # the one whose context is current
    del dropped
    np.testing.assert_array_equal(first.render(start, TARGETS[0]), expected)
    first.close()

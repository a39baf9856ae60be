"""The simulator's bag, with clutter painted beside it, as a cheap webcam sees it in many lights."""

from functools import cache

import cv2
import numpy as np
import pytest

from async_rl_core.config.load import resolve
from async_rl_core.sim.raycast import RaycastRenderer
from async_rl_core.sim.scene import Scene
from async_rl_core.tasks.mask import ColourMask

from .pictures import CLUTTER, Picture, Region, default, overlap, photograph

AWAY = (-50.0, 0.0)
TABLES = {"grey": (0.54, 0.52, 0.49), "oak": (0.69, 0.52, 0.33)}


@cache
def seen(lighting: float, table: str) -> list[tuple[Picture, Region]]:
    """Images from the start pose of the bag here and there, each with the pixels that it changes."""
    scene = Scene(resolve("yuan2022_baseline", {"sim.lighting": lighting}, "panda"))
    boxes = [g for g in range(scene.model.ngeom) if scene.model.geom_type[g] == 6 and scene.model.geom_bodyid[g] == 0]
    scene.model.geom_rgba[boxes, :3] = TABLES[table]
    renderer, pose = RaycastRenderer(scene), np.array(scene.config.robot.start)
    bare = renderer.render(pose, AWAY).copy()
    found = []
    for place in ((0.1, 0.06), (0.25, 0.12), (0.4, 0.19)):
        image = renderer.render(pose, place).copy()
        found.append((image, (image != bare).any(axis=2)))
    return found


def beside(image: Picture, truth: Region, name: str, lighting: float) -> Picture:
    """The image with something on both sides of the bag that touches it, and is several times as large."""
    rows, columns = np.indices(truth.shape)
    around = cv2.dilate(truth.astype(np.uint8), np.ones((61, 61), np.uint8)) > 0
    row, column = rows[truth].mean(), columns[truth].mean()
    placed = image.copy()
    placed[around & ~truth & (abs(rows - row) < 0.7 * abs(columns - column))] = np.clip(
        np.array(CLUTTER[name]) * lighting, 0, 255
    )
    return placed


@pytest.mark.parametrize("light", ["daylight", "warm", "cool", "tungsten"])
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("lighting", [0.4, 1.0, 1.7])
def test_mask_rendered_bag_is_found_among_clutter_in_every_light(lighting: float, table: str, light: str) -> None:
    rng, mask = np.random.default_rng(6), ColourMask(default())
    for name in ("flushed skin", "tanned skin", "cherry wood", "mahogany", "brick"):
        for image, truth in seen(lighting, table):
            found = mask(photograph(beside(image, truth, name, lighting), light, rng))
            assert (found & truth).sum() > 0.9 * truth.sum(), name  # and some of what touches it, blurred into it
            assert overlap(found, truth) > 0.4, name

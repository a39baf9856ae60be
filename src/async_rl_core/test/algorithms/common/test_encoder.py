import numpy as np
import pytest
import torch
from torch.nn import functional as F

from async_rl_core.algorithms.common import encoder as module
from async_rl_core.algorithms.common.encoder import Encoder, SpatialSoftmax, map_size
from async_rl_core.algorithms.common.parameters import initialise
from async_rl_core.algorithms.sac.config import SACConfig
from async_rl_core.config.load import resolve
from async_rl_core.errors import ConfigError
from async_rl_core.spec.observation import ImageSpec, ObservationSpec


def make_encoder(image: ImageSpec, channels: int = 8, strides: tuple[int, ...] = (2, 2, 1)) -> Encoder:
    encoder = Encoder(image, channels, strides)
    initialise(encoder, torch.Generator().manual_seed(0))
    return encoder


def test_spatial_softmax_is_the_expected_position() -> None:
    maps = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)).to(memory_format=torch.channels_last)
    points = SpatialSoftmax(4, 5)(maps).reshape(2, 3, 2)
    for b in range(2):
        for c in range(3):
            a = maps[b, c].double().numpy()
            s = np.exp(a) / np.exp(a).sum()
            x = sum(s[i, j] * (-1 + 2 * j / 4) for i in range(4) for j in range(5))
            y = sum(s[i, j] * (-1 + 2 * i / 3) for i in range(4) for j in range(5))
            np.testing.assert_allclose(points[b, c], [x, y], atol=1e-6)


@pytest.mark.parametrize(("i", "j", "x", "y"), [(0, 0, -1, -1), (0, 4, 1, -1), (3, 0, -1, 1), (3, 4, 1, 1)])
def test_spatial_softmax_of_a_peak_is_its_position(i: int, j: int, x: float, y: float) -> None:
    maps = torch.zeros(1, 1, 4, 5)
    maps[0, 0, i, j] = 50.0
    torch.testing.assert_close(SpatialSoftmax(4, 5)(maps), torch.tensor([[float(x), float(y)]]))


def test_spatial_softmax_of_one_pixel_is_the_centre() -> None:
    assert SpatialSoftmax(1, 1)(torch.ones(1, 1, 1, 1)).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize(
    ("preset", "image", "features_map"),
    [("yuan2022_baseline", (88, 156), (8, 16)), ("yuan2022_high_resolution", (176, 314), (19, 36))],
)
def test_encoder_of_the_papers_presets_has_their_shapes(
    preset: str, image: tuple[int, int], features_map: tuple[int, int]
) -> None:
    config = resolve(preset)
    spec = ObservationSpec.from_config(config)
    assert spec.image is not None
    assert (*spec.image, spec.state_size) == (*image, 9, 15)
    sac = SACConfig.from_config(config)
    strides = sac.encoder_strides
    assert (map_size(spec.image.height, strides), map_size(spec.image.width, strides)) == features_map
    encoder = make_encoder(spec.image, sac.encoder_channels, strides)
    assert [tuple(p.shape) for p in encoder.parameters()] == [(32, 9, 3, 3), (32,)] + 3 * [(32, 32, 3, 3), (32,)]
    features = encoder(torch.zeros(1, 9, *image))
    assert features.shape == (1, 64)


def test_encoder_equals_the_plain_network_on_images_from_0_to_1() -> None:
    image = ImageSpec(25, 31, 6)
    encoder = make_encoder(image)
    images = torch.randint(0, 256, (3, 6, 25, 31), generator=torch.Generator().manual_seed(1)).float()
    x = images / 255
    for i, layer in enumerate(encoder.convolutions):
        x = layer(x if i == 0 else F.relu(x))
    expected = encoder.softmax(x)
    torch.testing.assert_close(encoder(images), expected)
    torch.testing.assert_close(encoder(images.to(memory_format=torch.channels_last)), expected)


def test_encoder_of_bfloat16_images_gives_nearly_the_same_coordinates() -> None:
    image = ImageSpec(25, 31, 6)
    encoder = make_encoder(image)
    images = torch.randint(0, 256, (3, 6, 25, 31), generator=torch.Generator().manual_seed(1)).float()
    half = encoder(images.bfloat16())
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, encoder(images), atol=0.02, rtol=0)


def test_encoder_of_an_image_too_small_for_the_strides_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"10x9 pixels .* \[2, 2, 2\]"):
        Encoder(ImageSpec(9, 10, 9), 8, [2, 2, 2])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("count", [1, 7])
def test_encoder_infer_gives_the_same_features(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, fused: bool, count: int
) -> None:
    if not fused:
        monkeypatch.setattr(module, "fuses", lambda images: False)
    image = ImageSpec(25, 31, 6)
    encoder = make_encoder(image)
    monkeypatch.setattr(module, "CACHED_BYTES", 2 * 4 * 8 * 12 * 15)  # two first maps of float32
    images = torch.randint(0, 256, (count, 6, 25, 31), generator=torch.Generator().manual_seed(1)).to(dtype)
    before = images.clone()
    whole, inferred = encoder(images), encoder.infer(images.to(memory_format=torch.channels_last))
    torch.testing.assert_close(inferred, whole)
    assert whole.requires_grad and not inferred.requires_grad
    assert torch.equal(images, before)


def test_encoder_does_not_write_to_its_images() -> None:
    image = ImageSpec(25, 31, 6)
    images = -torch.ones(2, 6, 25, 31)
    make_encoder(image)(images)
    assert torch.equal(images, -torch.ones(2, 6, 25, 31))

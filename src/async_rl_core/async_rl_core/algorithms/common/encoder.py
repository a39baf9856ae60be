"""Pixels to coordinates: convolutions and a spatial softmax (Yuan, 2022, figure 4.1)."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from async_rl_core.algorithms.common.config import KERNEL, map_size
from async_rl_core.errors import ConfigError
from async_rl_core.spec.observation import ImageSpec

CACHED_BYTES = 8 * 2**20
"""Size of the first layer's maps that a CPU computes at a time in `infer`: what one layer writes, the next then finds
in the cache."""
Layer = tuple[Tensor, Tensor, tuple[int, ...]]
"""A convolution's weight, bias and stride."""


class SpatialSoftmax(nn.Module):
    """Each channel's expected position under a softmax of temperature 1 over its pixels (Finn et al., 2016).

    Feature map (B, c, h, w) to (B, 2 c): x_0, y_0, x_1, ... with x from -1 (left) to 1 (right), y from -1 (top) to 1.
    """

    positions: Tensor

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        y, x = torch.meshgrid(_line(height), _line(width), indexing="ij")
        self.register_buffer("positions", torch.stack((x.flatten(), y.flatten()), dim=1), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Returns the coordinates."""
        # Seen channels last, a channels_last map is a matrix of pixels that is already there.
        attention = maps.float().permute(0, 2, 3, 1).flatten(1, 2).softmax(dim=1)
        return (attention.transpose(1, 2) @ self.positions).flatten(1)


def _line(size: int) -> Tensor:
    return torch.linspace(-1.0, 1.0, size) if size > 1 else torch.zeros(1)


class Encoder(nn.Module):
    """Unpadded 3x3 convolutions with ReLU between them, then a spatial softmax.

    Images (B, C, h, w) with values 0 to 255, in float32 or bfloat16 and preferably channels_last, to (B, 2 channels)
    float32 coordinates in [-1, 1]. The convolutions run in the images' type. Raises `ConfigError` where the image is
    too small for the strides.
    """

    def __init__(self, image: ImageSpec, channels: int, strides: Sequence[int]) -> None:
        super().__init__()
        height, width = map_size(image.height, strides), map_size(image.width, strides)
        if height < 1 or width < 1:
            raise ConfigError(
                f"an image of {image.width}x{image.height} pixels (after the crop) is too small for strides "
                f"{list(strides)}; enlarge camera.width and camera.height or shorten encoder_strides"
            )
        sizes = [image.channels] + [channels] * len(strides)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, KERNEL, stride)
            for before, after, stride in zip(sizes[:-1], sizes[1:], strides, strict=True)
        )
        self.softmax = SpatialSoftmax(height, width)
        self._first_map = channels * map_size(image.height, strides[:1]) * map_size(image.width, strides[:1])
        self.size = 2 * channels
        """Features per image."""

    def forward(self, images: Tensor) -> Tensor:
        """Returns the features."""
        coordinates: Tensor = self.softmax(convolve(images, list(self.layers(images.dtype))))
        return coordinates

    @torch.no_grad()
    def infer(self, images: Tensor) -> Tensor:
        """Returns the features without gradients, which takes less time on a CPU."""
        layers, count = list(self.layers(images.dtype)), len(images)
        if images.device.type == "cpu":
            count = max(1, CACHED_BYTES // (self._first_map * images.element_size()))
        parts, fused = images.split(count), fuses(images)  # type: ignore[no-untyped-call]
        return torch.cat([self.softmax(convolve(part, layers, fused)) for part in parts])

    def layers(self, dtype: torch.dtype) -> Iterator[Layer]:
        """Yields the convolutions as they are computed in `dtype`."""
        for i, layer in enumerate(self.convolutions):
            assert isinstance(layer, nn.Conv2d) and layer.bias is not None
            # Pixels are divided by 255 through the first kernel: a thousand times fewer values than the images have.
            weight = layer.weight / 255.0 if i == 0 else layer.weight
            yield weight.to(dtype), layer.bias.to(dtype), layer.stride


class NoEncoder(Encoder):
    """Takes the encoder's place in a run without a camera: no parameters, and no features."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.convolutions = nn.ModuleList()
        self.size = 0

    def forward(self, images: Tensor) -> Tensor:
        """Returns (B, 0) float32."""
        return torch.zeros(len(images), 0, device=images.device)

    def infer(self, images: Tensor) -> Tensor:
        """Returns (B, 0) float32."""
        return self.forward(images)


def convolve(images: Tensor, layers: Sequence[Layer], fused: bool = False) -> Tensor:
    """Returns the maps of the last of `Encoder.layers`; no gradients pass if ReLU is `fused` into the convolutions."""
    x, last = images, len(layers) - 1
    for i, (weight, bias, stride) in enumerate(layers):
        if fused:  # ReLU while a value is still in its register, as PyTorch's own compiler has oneDNN do it
            then = "none" if i == last else "relu"
            x = torch.ops.mkldnn._convolution_pointwise(x, weight, bias, (0, 0), stride, (1, 1), 1, then, [], "")
        else:
            x = F.conv2d(x if i == 0 else F.relu_(x), weight, bias, stride)
    return x


def fuses(images: Tensor) -> bool:
    """Returns whether the library can fuse ReLU into convolutions of these images."""
    if images.device.type != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return images.dtype == torch.float32 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())

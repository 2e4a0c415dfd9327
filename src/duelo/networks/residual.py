"""`residual`: residual blocks without normalization on both sides, for images of any size from 8 x 8, square or not.

After R3GAN (Huang et al. 2024, "The GAN is dead; long live the GAN!", arXiv 2501.05441, section 3), much smaller: bottleneck
blocks with leaky ReLU 0.2 and biases, bilinear resampling with 1 x 1 convolutions where the channels change, linear last
layers. Without normalization a deep network must begin gently: as in Fixup (Zhang et al. 2019), each block begins as the
identity. Two things are ours: next to the image, where a convolution costs most, there are two of 3 x 3 at half the width
instead of blocks; and the generator ends with tanh.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from duelo.networks.blocks import SLOPE, MinibatchDeviation, Unflatten, spread
from duelo.networks.convolutional import stage_plan
from duelo.networks.pair import Pair, couple, outputs, room

SMALLEST_SIDE = 8  # pixels


class Block(nn.Module):
    """x + f(x), f: convolutions 1 x 1, 3 x 3, 1 x 1; the identity at first. depth: how many blocks the network has."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        scale = depth**-0.25  # Fixup: L^(-1 / (2 m - 2)) with m = 3 layers in a block
        last = nn.Conv2d(channels, channels, 1, bias=False)
        nn.init.zeros_(last.weight)
        self.body = nn.Sequential(
            spread(nn.Conv2d(channels, channels, 1), scale=scale),
            nn.LeakyReLU(SLOPE),
            spread(nn.Conv2d(channels, channels, 3, padding=1), scale=scale),
            nn.LeakyReLU(SLOPE),
            last,
        )

    def forward(self, x: Tensor) -> Tensor:
        """x: [b, c, h, w] -> [b, c, h, w]."""
        y: Tensor = x + self.body(x)
        return y


class Resize(nn.Module):
    """Bilinear resampling to a size (height, width); where a side shrinks, each pixel of the larger image counts."""

    def __init__(self, size: tuple[int, ...]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """x: [b, c, h, w] -> [b, c, *size]."""
        h, w = self.size
        if x.shape[2:] == (2 * h, 2 * w):
            return F.avg_pool2d(x, 2)  # what bilinear resampling is at exactly a half
        if h < x.shape[2] or w < x.shape[3]:
            return F.adaptive_avg_pool2d(x, (h, w))
        return F.interpolate(x, size=(h, w), mode="bilinear", align_corners=False)


def residual(
    shape: tuple[int, ...],
    width: int = 32,
    latent: int = 64,
    *,
    classes: int = 0,
    deviation: bool | None = None,
    blocks: int = 1,
) -> Pair:
    """The pair for images of `shape` (c, h, w): `width` channels in the stage below the image, `latent` normal numbers.

    classes: of the labels, 0 for none. deviation: minibatch deviation before the discriminator's last layer (not by habit).
    blocks: how many there are in each stage. Raises ValueError unless h and w are at least 8.
    """
    if len(shape) != 3 or min(shape[1:]) < SMALLEST_SIDE:
        raise ValueError(f"the residual pair is for images of shape (c, h, w) with h and w of at least 8, not {shape}")
    return couple(
        generator(shape, width, room(latent, classes), blocks),
        discriminator(shape, width, outputs(classes), blocks, bool(deviation)),
        (latent,),
        classes=classes,
    )


def generator(shape: tuple[int, ...], width: int, inputs: int, blocks: int) -> nn.Sequential:
    """`inputs` numbers to a small image by a linear layer; blocks, fewer channels, a larger image, again and again."""
    stages, (c, h, w) = stage_plan(shape, width)
    depth, half = blocks * len(stages), half_width(width)
    network = nn.Sequential(spread(nn.Linear(inputs, c * h * w), gain=1.0), Unflatten((c, h, w)))
    for i, stage in reversed(list(enumerate(stages))):
        network.extend([Block(stage.below, depth) for _ in range(blocks)])
        network.append(spread(nn.Conv2d(stage.below, stage.above if i else half, 1, bias=False), gain=1.0))
        network.append(Resize(stage.size))
    network.extend([spread(nn.Conv2d(half, half, 3, padding=1)), nn.LeakyReLU(SLOPE)])
    # a quarter of the usual variance: the first images are faint, and tanh has a slope everywhere
    return network.extend([spread(nn.Conv2d(half, shape[0], 3, padding=1), gain=0.25), nn.Tanh()])


def discriminator(shape: tuple[int, ...], width: int, outputs: int, blocks: int, deviation: bool) -> nn.Sequential:
    """The generator's mirror image: [b, *shape] -> [b, outputs] by a linear layer."""
    stages, (c, h, w) = stage_plan(shape, width)
    depth, half = blocks * len(stages), half_width(width)
    network = nn.Sequential(spread(nn.Conv2d(shape[0], half, 3, padding=1), gain=1.0), nn.LeakyReLU(SLOPE))
    network.extend([spread(nn.Conv2d(half, half, 3, padding=1)), nn.LeakyReLU(SLOPE)])
    smaller = [stage.size for stage in stages[1:]] + [(h, w)]
    for i, (stage, size) in enumerate(zip(stages, smaller, strict=True)):
        network.append(Resize(size))
        network.append(spread(nn.Conv2d(stage.above if i else half, stage.below, 1, bias=False), gain=1.0))
        network.extend([Block(stage.below, depth) for _ in range(blocks)])
    if deviation:
        network.append(MinibatchDeviation())
        c += 1
    return network.extend([nn.Flatten(), spread(nn.Linear(c * h * w, outputs), gain=1.0)])


def half_width(width: int) -> int:
    """The channels of the stage at full resolution."""
    return max(8, width // 2)

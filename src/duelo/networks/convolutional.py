"""`convolutional`: strided convolutions against transposed ones, batch normalization on both sides.

After DCGAN (Radford et al. 2016), smaller, with minibatch deviation before the discriminator's last layer, which hears the
batch's moments beside it. The generator ends in a clip, not in tanh: black can then be exactly black, as 81 % of a digit's
pixels are, where the tails of tanh leave a haze that gives fakes away (docs/log.md, 28 November). A clipped pixel has no
slope, but batch normalization keeps some of each batch inside. For images of any size from 8 x 8, square or not: each stage
halves each side, rounding up, until the longer one is at most 4.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import nn

from duelo.networks.blocks import BesideMoments, MinibatchDeviation, Unflatten, initialize
from duelo.networks.pair import Pair, couple, outputs, room
from duelo.networks.thin import FromImage, ToImage

SMALLEST = 4  # the longer side of the image where the discriminator ends and the generator begins
WIDEST = 8  # channels, in widths, beyond which stages no longer double


class Stage(NamedTuple):
    """A halving: the size (height, width) before it, the channels before it (above) and after it (below)."""

    size: tuple[int, ...]
    above: int
    below: int


def stage_plan(shape: tuple[int, ...], width: int) -> tuple[list[Stage], tuple[int, int, int]]:
    """The halvings from an image of `shape` (c, h, w) down, and the shape of what is left."""
    channels, *image = shape
    size = tuple(image)
    stages: list[Stage] = []
    while max(size) > SMALLEST:
        stages.append(Stage(size, channels, width * min(2 ** len(stages), WIDEST)))
        channels, size = stages[-1].below, tuple(-(-side // 2) for side in size)
    h, w = size
    return stages, (channels, h, w)


def convolutional(
    shape: tuple[int, ...], width: int = 32, latent: int = 64, *, classes: int = 0, deviation: bool | None = None
) -> Pair:
    """The pair for images of `shape` (c, h, w): `width` channels next to the image, `latent` normal numbers.

    classes: of the labels, 0 for none. deviation: what the discriminator hears of its batch as a whole (all, by habit).
    """
    stages, (c, h, w) = stage_plan(shape, width)
    judge = discriminator(shape, width, classes, deviation)
    generator = nn.Sequential(nn.Linear(room(latent, classes), c * h * w), Unflatten((c, h, w)))
    for stage in reversed(stages):
        generator.extend([nn.BatchNorm2d(stage.below), nn.ReLU()])
        layer = ToImage if stage is stages[0] else nn.ConvTranspose2d
        generator.append(layer(stage.below, stage.above, kernel(stage.size), stride=2, padding=1))
    generator.append(nn.Hardtanh())
    for network in (generator, judge):
        initialize(network)
    return couple(generator, judge, (latent,), classes=classes)


def discriminator(
    shape: tuple[int, ...], width: int, classes: int = 0, deviation: bool | None = None, normalized: bool = True
) -> nn.Sequential:
    """Strided convolutions, batch normalization but in the first layer, minibatch deviation before the last one.

    [b, *shape] -> [b, 1], or one output for each class. `normalized` False leaves the batch normalization out. What its last
    one hides, the batch's moments, is told beside it; `deviation` False leaves out both these and the minibatch deviation.
    """
    stages, (c, h, w) = stage_plan(shape, width)
    layers: list[nn.Module] = []
    for i, stage in enumerate(stages):
        layer = nn.Conv2d if i else FromImage
        layers.append(layer(stage.above, stage.below, kernel(stage.size), stride=2, padding=1))
        if i > 0 and normalized:
            layers.append(nn.BatchNorm2d(stage.below))
        layers.append(nn.LeakyReLU(0.2))
    if deviation is False:
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(c * h * w, outputs(classes)))
    layers += [MinibatchDeviation(), nn.Flatten(), nn.Linear((c + 1) * h * w, outputs(classes))]
    if normalized and len(stages) > 1:  # from the last batch normalization on
        layers[-5:] = [BesideMoments(nn.Sequential(*layers[-5:]), c, outputs(classes))]
    return nn.Sequential(*layers)


def kernel(size: tuple[int, ...]) -> tuple[int, int]:
    """With stride 2 and padding 1, a side of 4 halves even sizes exactly; one of 3 halves odd sizes, rounding up."""
    rows, columns = (4 - side % 2 for side in size)
    return rows, columns

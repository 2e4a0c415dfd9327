"""`upsampling`: a generator that enlarges first and convolves then, against strided convolutions without normalization.

A transposed convolution paints overlapping squares, and their pattern stays visible in photographs for long; enlarging by
repeating pixels and smoothing with an ordinary convolution leaves none (Odena et al. 2016, "Deconvolution and checkerboard
artifacts"). Batch normalization shows the discriminator whole batches, all real or all fake, which is an easy way to win; on
small sets of photographs the duel is over by it after some 40 kimg (docs/log.md). For any size from 8 x 8, square or not.
"""

from __future__ import annotations

from torch import nn

from duelo.networks.blocks import Unflatten, initialize, spread
from duelo.networks.convolutional import discriminator, stage_plan
from duelo.networks.pair import Pair, couple, room


def upsampling(
    shape: tuple[int, ...], width: int = 32, latent: int = 64, *, classes: int = 0, deviation: bool | None = None
) -> Pair:
    """The pair for images of `shape` (c, h, w): `width` channels next to the image, `latent` normal numbers.

    classes: of the labels, 0 for none. deviation: minibatch deviation before the discriminator's last layer (by habit).
    """
    stages, (c, h, w) = stage_plan(shape, width)
    generator = nn.Sequential(nn.Linear(room(latent, classes), c * h * w), Unflatten((c, h, w)))
    for stage in reversed(stages):
        generator.extend([nn.BatchNorm2d(stage.below), nn.ReLU(), nn.Upsample(size=stage.size, mode="nearest")])
        generator.append(nn.Conv2d(stage.below, stage.above, 3, padding=1))
    generator.append(nn.Tanh())
    judge = discriminator(shape, width, classes, deviation, normalized=False)
    for layer in judge:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            spread(layer)
    initialize(generator)
    return couple(generator, judge, (latent,), classes=classes)

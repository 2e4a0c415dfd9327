"""`silva`: the pair of the notebook that the lecture's example comes from (Silva 2017, "dcgan"), layer by layer.

The generator: dense to 4 x 4 x 512, then transposed convolutions of 5 x 5 with stride 2 to 256, 128 and the image's
channels; batch normalization and ReLU inside, tanh at the end. The discriminator: convolutions of 5 x 5 with stride 2 to 64,
128 and 256 channels, batch normalization but in the first one, leaky ReLU 0.2; then one dense unit. Weights N(0, 0.02).
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from duelo.networks.blocks import MinibatchDeviation, Unflatten, initialize
from duelo.networks.pair import Pair, couple, outputs, room

SIDE = 32  # of the images that the networks work on; smaller ones are framed with black
BLACK = -1.0


class Uniform(nn.Module):
    """Normal numbers -> uniform ones in (-1, 1), by the normal distribution function: 2 Phi(z) - 1 = erf(z / sqrt 2)."""

    def forward(self, z: Tensor) -> Tensor:
        """z: [b, d], N(0, 1) -> [b, d], U(-1, 1)."""
        return (z / math.sqrt(2)).erf()


def silva(
    shape: tuple[int, ...], width: int = 64, latent: int = 100, *, classes: int = 0, deviation: bool | None = None
) -> Pair:
    """The notebook's pair; `width` channels in the discriminator's first layer, twice as many in the generator's narrowest.

    The notebook draws `latent` numbers from U(-1, 1). Latents are N(0, 1) here, so the generator's first layer makes them
    uniform. The notebook enlarges digits from 28 x 28 to 32 x 32 with black beforehand; here members keep the size of
    `shape`, so the discriminator frames what it sees, and the generator crops the middle out of its 32 x 32. The border is
    then black for both kinds, and never betrays an imitation, as it can in the notebook.

    classes: of the labels, 0 for none. The label's numbers pass the same function as the latents: all inputs of the dense
    layer stay in one range, and no class can shout the noise down. deviation: minibatch deviation before the discriminator's
    last layer (not by habit). Raises ValueError unless `shape` is (c, h, w) with h and w of at most 32.
    """
    if len(shape) != 3 or max(shape[1:]) > SIDE:
        raise ValueError(f"silva's pair is for images of shape (c, h, w) with h and w of at most {SIDE}, not {shape}")
    c, w = shape[0], width
    border = left, right, top, bottom = frame(shape)
    generator = nn.Sequential(
        Uniform(),
        nn.Linear(room(latent, classes), 8 * w * 4 * 4),
        Unflatten((8 * w, 4, 4)),
        nn.BatchNorm2d(8 * w),
        nn.ReLU(),
        _up(8 * w, 4 * w),  # 4 -> 8
        nn.BatchNorm2d(4 * w),
        nn.ReLU(),
        _up(4 * w, 2 * w),  # 8 -> 16
        nn.BatchNorm2d(2 * w),
        nn.ReLU(),
        _up(2 * w, c),  # 16 -> 32
        nn.Tanh(),
        nn.ConstantPad2d((-left, -right, -top, -bottom), BLACK),  # negative: crops
    )
    discriminator = nn.Sequential(
        nn.ConstantPad2d(border, BLACK),
        _down(c, w),  # 32 -> 16
        nn.LeakyReLU(0.2),
        _down(w, 2 * w),  # 16 -> 8
        nn.BatchNorm2d(2 * w),
        nn.LeakyReLU(0.2),
        _down(2 * w, 4 * w),  # 8 -> 4
        nn.BatchNorm2d(4 * w),
        nn.LeakyReLU(0.2),
    )
    if deviation:
        discriminator.append(MinibatchDeviation())
    discriminator.extend([nn.Flatten(), nn.Linear((4 * w + bool(deviation)) * 4 * 4, outputs(classes))])
    for network in (generator, discriminator):
        initialize(network)
    return couple(generator, discriminator, (latent,), classes=classes)


def frame(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """How many black pixels stand left, right, above and below an image of `shape` (c, h, w) in 32 x 32."""
    high, wide = (SIDE - side for side in shape[1:])
    return wide // 2, wide - wide // 2, high // 2, high - high // 2


def _down(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 5, stride=2, padding=2)


def _up(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=2, output_padding=1)

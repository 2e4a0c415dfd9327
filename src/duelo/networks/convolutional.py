"""`convolutional`: strided convolutions against transposed ones, batch normalization on both sides.

After DCGAN (Radford et al. 2016), smaller, with minibatch deviation before the discriminator's last layer. For images of
any size from 8 x 8, square or not: each stage halves each side, rounding up, until the longer one is at most 4.
"""

from __future__ import annotations

from torch import nn

from duelo.networks.blocks import Logit, MinibatchDeviation, Unflatten, initialize
from duelo.networks.pair import Pair

SMALLEST = 4  # the longer side of the image where the discriminator ends and the generator begins
WIDEST = 8  # channels, in widths, beyond which stages no longer double


def convolutional(shape: tuple[int, ...], width: int = 32, latent: int = 64) -> Pair:
    """The pair for images of `shape` (c, h, w): `width` channels next to the image, `latent` normal numbers."""
    c, *image = shape
    sizes, channels = [tuple(image)], [c]
    while max(sizes[-1]) > SMALLEST:
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
        channels.append(width * min(2 ** (len(sizes) - 2), WIDEST))
    h, w = sizes[-1]
    stages = list(zip(sizes, channels, channels[1:], strict=False))  # from the image down: (size before, channels)

    discriminator = nn.Sequential()
    for i, (size, above, below) in enumerate(stages):
        discriminator.append(nn.Conv2d(above, below, kernel(size), stride=2, padding=1))
        if i > 0:
            discriminator.append(nn.BatchNorm2d(below))
        discriminator.append(nn.LeakyReLU(0.2))
    discriminator.extend([MinibatchDeviation(), nn.Flatten(), nn.Linear((channels[-1] + 1) * h * w, 1), Logit()])

    generator = nn.Sequential(nn.Linear(latent, channels[-1] * h * w), Unflatten((channels[-1], h, w)))
    for size, above, below in reversed(stages):
        generator.extend([nn.BatchNorm2d(below), nn.ReLU()])
        generator.append(nn.ConvTranspose2d(below, above, kernel(size), stride=2, padding=1))
    generator.append(nn.Tanh())

    for network in (generator, discriminator):
        initialize(network)
    return Pair(generator, discriminator, (latent,), pixel_range=(-1.0, 1.0))


def kernel(size: tuple[int, ...]) -> tuple[int, int]:
    """With stride 2 and padding 1, a side of 4 halves even sizes exactly; one of 3 halves odd sizes, rounding up."""
    rows, columns = (4 - side % 2 for side in size)
    return rows, columns

"""`toy`: two perceptrons for points in the plane."""

from __future__ import annotations

from torch import nn

from duelo.networks.blocks import Logit
from duelo.networks.pair import Pair


def toy(shape: tuple[int, ...], width: int = 128, latent: int = 32) -> Pair:
    """Perceptrons with two hidden layers of `width` ReLU (leaky 0.2 in the discriminator); `latent` normal numbers."""
    (d,) = shape
    generator = nn.Sequential(nn.Linear(latent, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, d))
    discriminator = nn.Sequential(
        nn.Linear(d, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, 1),
        Logit(),
    )
    return Pair(generator, discriminator, (latent,), pixel_range=None)

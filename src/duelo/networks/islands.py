"""`islands`: two perceptrons for points in the plane that lie in separate heaps."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from duelo.networks.pair import Pair, couple, outputs, room
from duelo.networks.toy import perceptron

WAVES = 8
LONGEST = 4 * math.pi  # the longest wave, in units of the plane; each next one is half as long


class Signs(nn.Module):
    """Latents and their signs: [b, n] -> [b, 2 n]. A continuous map of one heap of latents cannot make separate islands
    (Khayatkhoei et al. 2018, section 2); signs jump.
    """

    def forward(self, latents: Tensor) -> Tensor:
        """latents: [b, n] -> [b, 2 n]."""
        return torch.cat([latents, latents.sign()], 1)


class Waves(nn.Module):
    """Places as sines and cosines of several wavelengths (Tancik et al. 2020, section 4): [b, d] -> [b, d + 2 d WAVES].

    A perceptron alone learns the fine structure of a density far too slowly.
    """

    frequencies: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("frequencies", 2 * math.pi / LONGEST * 2.0 ** torch.arange(WAVES), persistent=False)

    def forward(self, points: Tensor) -> Tensor:
        """points: [b, d] -> [b, d + 2 d WAVES]."""
        angles = (points[:, :, None] * self.frequencies).flatten(1)
        return torch.cat([points / 4, angles.sin(), angles.cos()], 1)


def islands(
    shape: tuple[int, ...], width: int = 128, latent: int = 12, *, classes: int = 0, deviation: bool | None = None
) -> Pair:
    """Perceptrons with two hidden layers of `width` leaky ReLU; `latent` normal numbers.

    classes: of the labels, 0 for none. deviation: minibatch deviation before the discriminator's last layer (not by habit).
    Raises ValueError unless `shape` is (d,).
    """
    (d,) = shape
    generator = nn.Sequential(Signs(), *perceptron(2 * room(latent, classes), width, d))
    judge = perceptron(d * (1 + 2 * WAVES), width, outputs(classes), bool(deviation))
    return couple(generator, nn.Sequential(Waves(), *judge), (latent,), None, classes)

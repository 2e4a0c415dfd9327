"""A perceptron that invents images against a convolutional network that judges them: networks of one's own, torch only.

    duelo train digits --networks.generator examples/own_networks/mlp_vs_conv.py:generator \
                       --networks.discriminator examples/own_networks/mlp_vs_conv.py:discriminator

duelo calls each function with what it names of: shape (channels, height, width), width, latent, classes. Black and white
have the values that they have for the recipe's own pair: -1 and 1, but 0 and 1 with the pair `lecture`.
"""

import math

from torch import nn


def generator(shape: tuple[int, int, int], latent: int) -> nn.Module:
    """Normal numbers [b, latent] -> images [b, *shape] in [-1, 1]. It has no idea of what is beside what in an image."""
    return nn.Sequential(
        nn.Linear(latent, 256),
        nn.LeakyReLU(0.2),
        nn.Linear(256, 512),
        nn.LeakyReLU(0.2),
        nn.Linear(512, math.prod(shape)),
        nn.Tanh(),
        nn.Unflatten(1, shape),
    )


def discriminator(shape: tuple[int, int, int]) -> nn.Module:
    """Images [b, *shape] -> logits [b, 1], positive for "real"."""
    channels, height, width = shape
    layers: list[nn.Module] = []
    for wider in (32, 64, 128):
        layers += [nn.Conv2d(channels, wider, 3, stride=2, padding=1), nn.LeakyReLU(0.2)]
        channels, height, width = wider, (height + 1) // 2, (width + 1) // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * height * width, 1))

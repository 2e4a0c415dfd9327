"""`toy`: two perceptrons for points in the plane."""

from __future__ import annotations

from torch import nn

from duelo.networks.blocks import MinibatchDeviation
from duelo.networks.pair import Pair, couple, outputs, room


def toy(
    shape: tuple[int, ...], width: int = 128, latent: int = 32, *, classes: int = 0, deviation: bool | None = None
) -> Pair:
    """Perceptrons with two hidden layers of `width` ReLU (leaky 0.2 in the discriminator); `latent` normal numbers.

    classes: of the labels, 0 for none. deviation: minibatch deviation before the discriminator's last layer (not by habit).
    Raises ValueError unless `shape` is (d,).
    """
    (d,) = shape
    generator = nn.Sequential(
        nn.Linear(room(latent, classes), width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, d)
    )
    return couple(generator, perceptron(d, width, outputs(classes), bool(deviation)), (latent,), None, classes)


def perceptron(inputs: int, width: int, outputs: int, deviation: bool = False) -> nn.Sequential:
    """Two hidden layers of `width` leaky ReLU, and minibatch deviation if wanted: [b, inputs] -> [b, outputs]."""
    network = nn.Sequential(nn.Linear(inputs, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2))
    if deviation:
        network.append(MinibatchDeviation())
    return network.append(nn.Linear(width + deviation, outputs))

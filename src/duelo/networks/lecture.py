"""`lecture`: the convolutional pair exactly as the lecture describes it, for 28 x 28 images in [0, 1].

The discriminator shrinks by strides alone: no pooling, no fully connected layer; batch normalization and leaky ReLU. The
generator begins with a small image of normal noise and enlarges it by transposed convolutions; its last layer uses ReLU.
The lecture's images are grey; any number of channels fits as well.
"""

from __future__ import annotations

from torch import nn

from duelo.networks.blocks import MinibatchDeviation, initialize
from duelo.networks.pair import Pair, couple, outputs, room


def lecture(
    shape: tuple[int, ...], width: int = 32, latent: int = 8, *, classes: int = 0, deviation: bool | None = None
) -> Pair:
    """The lecture's pair; `width` channels next to the image, `latent` channels in the 4 x 4 image of noise.

    classes: of the labels, 0 for none; each class is then a second 4 x 4 image beside the noise, and the discriminator's
    last convolution gives a logit for each. deviation: minibatch deviation before that convolution (not by habit).
    Raises ValueError unless `shape` is (c, 28, 28).
    """
    if len(shape) != 3 or shape[1:] != (28, 28):
        raise ValueError(f"the lecture's pair is for images of shape (c, 28, 28), not {shape}")
    c = shape[0]
    w = width
    discriminator = nn.Sequential(
        nn.Conv2d(c, w, 5, stride=2, padding=2),  # 28 -> 14
        nn.LeakyReLU(0.2),
        *_down(w, 2 * w),  # 14 -> 7
        *_down(2 * w, 4 * w),  # 7 -> 4
        *_down(4 * w, 4 * w),  # 4 -> 2
    )
    if deviation:
        discriminator.append(MinibatchDeviation())
    discriminator.append(nn.Conv2d(4 * w + bool(deviation), outputs(classes), 2, stride=2))  # 2 -> 1: the logit
    generator = nn.Sequential(
        *_up(room(latent, classes), 4 * w, 3, stride=1, padding=1),  # 4 -> 4: the noise's pixels meet their neighbours
        *_up(4 * w, 4 * w, 3, stride=2, padding=1),  # 4 -> 7
        *_up(4 * w, 2 * w, 4, stride=2, padding=1),  # 7 -> 14
        *_up(2 * w, w, 4, stride=2, padding=1),  # 14 -> 28
        nn.ConvTranspose2d(w, c, 3, stride=1, padding=1),
        nn.ReLU(),
    )
    for network in (generator, discriminator):
        initialize(network)
    return couple(generator, discriminator, (latent, 4, 4), (0.0, 1.0), classes)


def _down(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)


def _up(inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> tuple[nn.Module, ...]:
    return nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding), nn.BatchNorm2d(outputs), nn.ReLU()

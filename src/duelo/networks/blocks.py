"""Layers that several pairs share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

SLOPE = 0.2  # of the leaky ReLU on the left
GAIN = 2 / (1 + SLOPE**2)
Layer = TypeVar("Layer", bound=nn.Conv2d | nn.Linear)

# Standard deviation of the classes' latents at the start, where the noise has 1. With 1 the generator soon heard the class
# alone: after 64 kimg of digits (width 16, one seed) the variance within a class was 0.26 (convolutional) and 0.12
# (residual) of the real digits'; with 0.1 it was 0.91 after as many, and 0.51 after 38 kimg. The classes were right in both.
FAINT = 0.1


class Logit(nn.Module):
    """One number a sample, in any shape [b, 1, ...] -> [b]."""

    def forward(self, x: Tensor) -> Tensor:
        """x: [b, 1, ...] -> [b]."""
        return x.flatten()


class Judging(nn.Module):
    """A discriminator whose logits may come as [b, 1, ...]: here they come as [b]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, members: Tensor, *labels: Tensor) -> Tensor:
        """members: [b, *shape]; labels: [b] int64, if the network is conditional -> logits [b]."""
        logits: Tensor = self.network(members, *labels)
        return logits.reshape(len(members))


class Unflatten(nn.Module):
    """Vectors -> small images: [b, c * h * w] -> [b, c, h, w], channels last in memory, where convolution is fastest."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """x: [b, c * h * w] -> [b, c, h, w]."""
        return x.reshape(-1, *self.shape).contiguous(memory_format=torch.channels_last)


def root(variance: Tensor) -> Tensor:
    """The deviation, whose slope stays finite where nothing varies."""
    return (variance + 1e-8).sqrt()


class MinibatchDeviation(nn.Module):
    """Adds a channel that tells how much the samples of a group differ: Karras et al. 2018 (progressive GAN), section 3.

    A discriminator that sees it recognizes a generator that always makes the same thing. Groups of `group` samples, or
    the whole batch as one group where the batch cannot be cut so.
    """

    def __init__(self, group: int = 8) -> None:
        super().__init__()
        self.group = group

    def forward(self, x: Tensor) -> Tensor:
        """x: [b, c, *size] -> [b, c + 1, *size]; size may be empty."""
        b, _, *rest = x.shape
        size = self.group if b % self.group == 0 else b
        groups = x.reshape(size, b // size, *x.shape[1:])
        variance = (groups - groups.mean(0)).square().mean(0)  # torch's own takes twice as long, both ways
        deviation = root(variance).mean(tuple(range(1, x.ndim)))  # [b // size]
        channel = deviation.repeat(size).reshape(b, 1, *[1] * len(rest)).expand(b, 1, *rest)
        return torch.cat([x, channel], 1)


class BesideMoments(nn.Module):
    """Beside what a network says of each sample, what the batch as a whole gives away: means, deviations and covariances.

    Batch normalization hides them, and no look at a single sample tells that all fakes are a little too dark, or that two
    things vary together which do not in the data. A linear layer makes of them one number an output, the same for all
    samples of the batch. Mean and covariance of features are what McGan compares (Mroueh et al. 2017, sections 3 and 4) and
    what the Frechet distance measures. What it brings: docs/log.md, 27 November.
    network: [b, channels, h, w] -> [b, outputs]. The covariances are between directions that are learnt, half as many as
    channels and at most 64 (with 24 of 128 channels FD was as good, with 128 not).
    """

    def __init__(self, network: nn.Module, channels: int, outputs: int) -> None:
        super().__init__()
        self.network = network
        directions = min(64, channels // 2)
        self.directions = nn.Linear(channels, directions, bias=False)
        self.told = nn.Linear(2 * channels + directions**2, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """x: [b, channels, h, w] -> [b, outputs]."""
        with torch.autocast(x.device.type, enabled=False):  # small differences of large sums
            exact = x.float()
            told: Tensor = self.told(torch.cat([*self.moments(exact), self.covariances(exact)]))
        said: Tensor = self.network(x)
        return said + told

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation [channels] over all samples and places of x [b, channels, h, w]."""
        mean = x.mean((0, 2, 3), keepdim=True)
        return mean.flatten(), root((x - mean).square().mean((0, 2, 3)))

    def covariances(self, x: Tensor) -> Tensor:
        """Of the samples' means along the directions, [directions^2]; each over the root of both deviations."""
        along: Tensor = self.directions(x.mean((2, 3)))
        along = along - along.mean(0)
        covariance = along.T @ along / len(along)
        deviation = root(covariance.diagonal())
        return (covariance / (deviation[:, None] * deviation).sqrt()).flatten()


class WithClass(nn.Module):
    """A generator that is told the class: each class has a latent of its own, learnt, beside the random one.

    network: a generator for latents of twice the channels, [b, 2 * c, *rest]. latent_shape: (c, *rest), of the random ones
    alone. After conditional GANs (Mirza & Osindero 2014, section 3.2).
    """

    def __init__(self, network: nn.Module, classes: int, latent_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.network = network
        self.latent_shape = latent_shape
        self.embedding = nn.Embedding(classes, math.prod(latent_shape))
        nn.init.normal_(self.embedding.weight, 0.0, FAINT)

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """latents: [b, *latent_shape]; labels: [b] int64 in [0, classes) -> members [b, *shape]."""
        meant = self.embedding(labels).reshape(-1, *self.latent_shape)
        members: Tensor = self.network(torch.cat([latents, meant], 1))
        return members


class OfClass(nn.Module):
    """A discriminator that is asked whether a member is a real one of its class.

    network: gives [b, classes, ...], one logit a class; the label picks its own. A projection discriminator (Miyato & Koyama
    2018, section 3): the last layer's weights for a class are its embedding, which is projected onto what was seen in the
    member. The layer that all classes share there is left out: each class's own can hold it.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, members: Tensor, labels: Tensor) -> Tensor:
        """members: [b, *shape]; labels: [b] int64 in [0, classes) -> logits [b]."""
        logits: Tensor = self.network(members).flatten(1)
        return logits.gather(1, labels[:, None])[:, 0]


def apply(network: nn.Module, x: Tensor, labels: Tensor | None) -> Tensor:
    """A network's answers for x [b, ...], of the classes `labels` [b] int64 if it is conditional."""
    answers: Tensor = network(x) if labels is None else network(x, labels)
    return answers


@contextmanager
def untouched(*networks: nn.Module) -> Iterator[None]:
    """Inside, the networks work as they are; then their buffers, such as batch normalization's averages, are as before.

    Also where a network put another tensor in a buffer's place. Those of lazy layers, which have no shape yet, may get one.
    """
    parts = [part for network in networks for part in network.modules()]
    buffers = [(part, *entry) for part in parts for entry in part.named_buffers(recurse=False) if not is_lazy(entry[1])]
    copies = [buffer.clone() for _, _, buffer in buffers]
    try:
        yield
    finally:
        for (part, name, buffer), copy in zip(buffers, copies, strict=True):
            buffer.detach().copy_(copy)
            setattr(part, name, buffer)


def initialize(network: nn.Module) -> None:
    """N(0, 0.02) for the weights of convolutions and dense layers, zero biases (Radford et al. 2016, section 3)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def spread(layer: Layer, gain: float = GAIN, scale: float = 1.0) -> Layer:
    """The layer, its weights N(0, gain / n) * scale where n inputs meet in an output, its bias 0.

    GAIN keeps the variance through a leaky ReLU before the layer: He et al. 2015, equation 15. 1 does without one.
    """
    nn.init.normal_(layer.weight, 0.0, scale * math.sqrt(gain / layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer

"""Layers that several pairs share."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Logit(nn.Module):
    """One number a sample, in any shape [b, 1, ...] -> [b]."""

    def forward(self, x: Tensor) -> Tensor:
        """x: [b, 1, ...] -> [b]."""
        return x.flatten()


class Unflatten(nn.Module):
    """Vectors -> small images: [b, c * h * w] -> [b, c, h, w], channels last in memory, where convolution is fastest."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """x: [b, c * h * w] -> [b, c, h, w]."""
        return x.reshape(-1, *self.shape).contiguous(memory_format=torch.channels_last)


class MinibatchDeviation(nn.Module):
    """Adds a channel that tells how much the samples of a group differ: Karras et al. 2018 (progressive GAN), section 3.

    A discriminator that sees it recognizes a generator that always makes the same thing. Groups of `group` samples, or
    the whole batch as one group where the batch cannot be cut so.
    """

    def __init__(self, group: int = 8) -> None:
        super().__init__()
        self.group = group

    def forward(self, x: Tensor) -> Tensor:
        """x: [b, c, h, w] -> [b, c + 1, h, w]."""
        b, c, h, w = x.shape
        size = self.group if b % self.group == 0 else b
        groups = x.reshape(size, b // size, c, h, w)
        deviation = (groups.var(0, correction=0) + 1e-8).sqrt().mean((1, 2, 3))  # [b // size]
        return torch.cat([x, deviation.repeat(size)[:, None, None, None].expand(b, 1, h, w)], 1)


def initialize(network: nn.Module) -> None:
    """N(0, 0.02) for the weights of convolutions and dense layers, zero biases (Radford et al. 2016, section 3)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)

"""A pair of networks, and what the game must know about them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Pair:
    """A generator and a discriminator that fit each other.

    generator: latents [b, *latent_shape] from N(0, 1) -> members of the class, [b, *shape] float32.
    discriminator: members [b, *shape] -> logits [b], positive for "real".
    pixel_range: the values that black (0) and white (255) take in the networks' world; None for points.
    """

    generator: nn.Module
    discriminator: nn.Module
    latent_shape: tuple[int, ...]
    pixel_range: tuple[float, float] | None = (-1.0, 1.0)

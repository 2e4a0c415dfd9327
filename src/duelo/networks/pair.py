"""A pair of networks, and what the game must know about them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from duelo.networks.blocks import Logit, OfClass, WithClass


@dataclass(frozen=True)
class Pair:
    """A generator and a discriminator that fit each other.

    generator: latents [b, *latent_shape] from N(0, 1) -> members of the class, [b, *shape] float32.
    discriminator: members [b, *shape] -> logits [b], positive for "real".
    pixel_range: the values that black (0) and white (255) take in the networks' world; None for points.
    classes: if not 0, both networks are conditional: their second input is the labels, [b] int64 in [0, classes).
    """

    generator: nn.Module
    discriminator: nn.Module
    latent_shape: tuple[int, ...]
    pixel_range: tuple[float, float] | None = (-1.0, 1.0)
    classes: int = 0

    def sides(self) -> dict[str, nn.Module]:
        """Both networks by the name of their side."""
        return {"generator": self.generator, "discriminator": self.discriminator}


def couple(
    generator: nn.Sequential,
    discriminator: nn.Sequential,
    latent_shape: tuple[int, ...],
    pixel_range: tuple[float, float] | None = (-1.0, 1.0),
    classes: int = 0,
) -> Pair:
    """The pair of two networks that lack only their outermost layers.

    generator: its input has the channels of `latent_shape`, or with classes twice as many: ``room(latent, classes)``.
    discriminator: gives one output a member, or with classes one for each class: ``outputs(classes)``.
    """
    if classes:
        told, asked = WithClass(generator, classes, latent_shape), OfClass(discriminator)
        return Pair(told, asked, latent_shape, pixel_range, classes)
    return Pair(generator, discriminator.append(Logit()), latent_shape, pixel_range)


def room(latent: int, classes: int) -> int:
    """How many numbers (or channels) the generator's first layer takes: with classes, the label's beside the random ones."""
    return 2 * latent if classes else latent


def outputs(classes: int) -> int:
    """How many numbers the discriminator's last layer gives: with classes, one for each."""
    return classes or 1

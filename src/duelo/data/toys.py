"""Toys: mixtures of round Gaussians in the plane, the first thing whose truth is known.

The two that the field uses, with its usual numbers (Srivastava et al. 2017, "VEEGAN", section 5.1, for the ring of eight;
the grid of twenty-five from the same section).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Mixture:
    """Gaussians of equal weight and equal standard deviation `sigma` around `means` [k, 2] float32."""

    name: str
    means: Tensor
    sigma: float

    @property
    def extent(self) -> float:
        """Half the side of a square around the origin that shows all of it."""
        return 1.25 * float(self.means.abs().max())

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """`n` exact draws, [n, 2] float32."""
        return self.draw(n, generator)[0]

    def draw(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """`n` exact draws, [n, 2] float32, and the numbers of their Gaussians, [n] int64."""
        modes = torch.randint(len(self.means), (n,), generator=generator)
        return self.means[modes] + self.sigma * torch.randn(n, 2, generator=generator), modes

    def log_density(self, points: Tensor) -> Tensor:
        """The exact log of the density, in nats per unit of area. points: [n, 2] -> [n]."""
        squares = (points[:, None] - self.means.to(points)).square().sum(-1)  # [n, k]
        per_mode = -squares / (2 * self.sigma**2) - math.log(2 * math.pi * self.sigma**2)
        return per_mode.logsumexp(1) - math.log(len(self.means))


def ring() -> Mixture:
    """Eight Gaussians on a circle of radius 1, sigma 0.01."""
    angles = torch.arange(8) * (2 * math.pi / 8)
    return Mixture("ring", torch.stack([angles.cos(), angles.sin()], 1), 0.01)


def grid() -> Mixture:
    """Twenty-five Gaussians at {-4, -2, 0, 2, 4} x {-4, -2, 0, 2, 4}, sigma 0.05."""
    ticks = torch.arange(-4.0, 5.0, 2.0)
    return Mixture("grid", torch.cartesian_prod(ticks, ticks), 0.05)

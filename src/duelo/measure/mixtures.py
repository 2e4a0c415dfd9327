"""How well points follow a mixture whose truth is known, exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from duelo.data import Mixture

NEAR = 3.0  # a point is good if it is within so many sigma of a mean; in two dimensions 98.9 % of true draws are
FOUND = 0.1  # a mode is found if it has this share of the good points that are its due


@dataclass(frozen=True)
class MixtureScore:
    """n points against a mixture of k round Gaussians.

    modes: how many of the `k` are found. good: the share of points within 3 sigma of a mean; `good_ideal` of true draws.
    kl: KL divergence of the points' shares of the modes from 1/k each, in nats; of true draws (k - 1) / 2n on average.
    kl_limit: below it are 99 % of true draws' values (2 n kl follows chi squared with k - 1 degrees of freedom).
    narrowest, widest: the smallest and the largest eigenvalue of a mode's covariance over the true one, means over the found
    modes, of the points within 3 sigma; 1 for true draws.
    """

    n: int
    k: int
    modes: int
    good: float
    good_ideal: float
    kl: float
    kl_limit: float
    narrowest: float
    widest: float

    @property
    def complete(self) -> bool:
        """All modes, and at least 90 % good points: the field's usual meaning of success."""
        return self.modes == self.k and self.good >= 0.9


def score(points: Tensor, truth: Mixture) -> MixtureScore:
    """Score points [n, 2] float32 against `truth`."""
    n, k = len(points), len(truth.means)
    distances = torch.cdist(points.double(), truth.means.double()) / truth.sigma  # [n, k]
    nearest, mode = distances.min(1)
    good = nearest <= NEAR
    counts = mode.bincount(minlength=k).double()
    good_counts = mode[good].bincount(minlength=k)
    ideal = 1 - math.exp(-(NEAR**2) / 2)  # the radius of a round Gaussian in the plane has a Rayleigh distribution
    found = good_counts >= max(3.0, FOUND * n / k)
    shares = counts / n
    kl = float((shares * (shares * k).clamp(min=1e-300).log()).sum())
    # the variance of a Gaussian cut off at radius r, as a share of the whole: 1 - r^2/2 e^(-r^2/2) / (1 - e^(-r^2/2))
    cut = 1 - NEAR**2 / 2 * (1 - ideal) / ideal
    eigenvalues = []
    for i in found.nonzero().flatten().tolist():
        members = points[good & (mode == i)].double()
        eigenvalues.append(torch.linalg.eigvalsh(members.T.cov()) / (cut * truth.sigma**2))
    stacked = torch.stack(eigenvalues) if eigenvalues else torch.full((1, 2), math.nan, dtype=torch.float64)
    low, high = stacked.mean(0).tolist()
    return MixtureScore(
        n, k, int(found.sum()), float(good.double().mean()), ideal, kl, chi_squared(k - 1) / (2 * n), low, high
    )


def chi_squared(freedom: int, quantile: float = 2.326) -> float:
    """The 99 % point of chi squared (Wilson & Hilferty 1931): within 0.5 % for at least 7 degrees of freedom."""
    spread = 2 / (9 * freedom)
    return float(freedom * (1 - spread + quantile * math.sqrt(spread)) ** 3)

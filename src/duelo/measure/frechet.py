"""The Fréchet distance between Gaussians fitted to features (Heusel et al. 2017, equation 6).

    |m_a - m_b|^2 + tr A + tr B - 2 tr (A B)^(1/2)

With A = F^T F, the eigenvalues of A B are those of the symmetric F B F^T, so no root of a matrix is ever taken: scipy's
sqrtm is slow, and with fewer samples than features it may fail or answer in complex numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

BLOCK = 256  # columns of a covariance that are computed at once
ROUNDED = 1e-9  # of the traces: an error of rounding that is no longer let pass


@dataclass(frozen=True)
class Moments:
    """What a Fréchet distance takes of features: the mean and the covariance of n vectors of length d, in float64.

    mean: [d]. centred: [n, d] with centred^T centred the covariance, where n <= d; else covariance: [d, d]. The factor that
    distances from these moments need is computed once.
    """

    n: int
    mean: Tensor
    centred: Tensor | None = None
    covariance: Tensor | None = None

    @property
    def trace(self) -> float:
        """Of the covariance: the sum of the features' variances."""
        if self.centred is not None:
            return float(self.centred.square().sum())
        assert self.covariance is not None
        return float(self.covariance.trace())

    @cached_property
    def root(self) -> Tensor:
        """A matrix [r, d] whose transpose times itself is the covariance, r <= n and r <= d."""
        if self.centred is not None:
            return self.centred
        assert self.covariance is not None
        factor, failed = torch.linalg.cholesky_ex(self.covariance)
        if failed:  # some features depend on others or never vary
            values, vectors = torch.linalg.eigh(self.covariance)
            factor = vectors * values.clamp(min=0).sqrt()
        return torch.as_tensor(factor).mT


def moments(features: Tensor) -> Moments:
    """The moments of features [n, d], any floating type. The covariance's divisor is n - 1.

    Raises ValueError for fewer than two vectors and for numbers that are not finite.
    """
    n, d = features.shape
    if n < 2:
        raise ValueError(f"a covariance needs at least two vectors, not {n}")
    values = features.double()
    mean = values.mean(0)
    if not mean.isfinite().all():
        raise ValueError("some features are not finite")
    centred = values - mean
    if n <= d:
        return Moments(n, mean, centred=centred / (n - 1) ** 0.5)
    return Moments(n, mean, covariance=_products(centred) / (n - 1))


def _products(rows: Tensor) -> Tensor:
    """rows^T rows, [n, d] -> [d, d]: what is left of the diagonal is not computed twice."""
    d = rows.shape[1]
    if d <= BLOCK:
        return rows.mT @ rows
    result = rows.new_empty(d, d)
    for start in range(0, d, BLOCK):
        block = rows[:, start : start + BLOCK].mT @ rows[:, start:]
        result[start : start + BLOCK, start:] = block
        result[start:, start : start + BLOCK] = block.mT
    return result


def without_each(features: Tensor, groups: list[Tensor]) -> Iterator[Moments]:
    """For each group of rows, the moments of all other rows of `features` [n, d]; groups: int64 indices, [m] each.

    As many products as the moments of all rows take, not one for each group.
    """
    n, d = features.shape
    if n - max(len(group) for group in groups) <= d:
        for group in groups:
            kept = torch.ones(n, dtype=torch.bool, device=features.device)
            kept[group] = False
            yield moments(features[kept])
        return
    values = features.double()
    mean = values.mean(0)
    values = values - mean
    squares = _products(values)
    for group in groups:
        rows, left = values[group], n - len(group)
        shift = -rows.sum(0) / left  # of the mean
        covariance = (squares - rows.mT @ rows - left * torch.outer(shift, shift)) / (left - 1)
        yield Moments(left, mean + shift, covariance=covariance)


def frechet(a: Moments, b: Moments) -> float:
    """The (squared) distance between the Gaussians with the moments `a` and `b`, in squared units of the features.

    Symmetric, at least 0; for finite samples of one distribution it is above 0, the more so the fewer there are. Faster
    where `b` is the one that stays: its factor is kept.
    """
    traces = a.trace + b.trace
    distance = float((a.mean - b.mean).square().sum()) + traces - 2 * _trace_of_root(a, b, ROUNDED * traces)
    return max(distance, 0.0)


def _trace_of_root(a: Moments, b: Moments, tolerance: float) -> float:
    """tr (A B)^(1/2), within `tolerance`: the sum of the singular values of the product of both factors."""
    if a.covariance is not None and b.covariance is not None:
        # their squares are had faster, as eigenvalues, but rounding spoils small ones
        product = b.root @ a.covariance @ b.root.mT
        values = torch.linalg.eigvalsh(product).clamp(min=0)
        rounding = torch.finfo(torch.float64).eps * values.max()
        if float((rounding / (values + rounding).sqrt()).sum()) <= tolerance:
            return float(values.sqrt().sum())
    return float(torch.linalg.svdvals(a.root @ b.root.mT).sum())

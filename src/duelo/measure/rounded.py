"""Squared distances of many vectors, fast and with a bound of their error: in bfloat16 where a processor is made for it.

What a caller decides by them, it decides for certain, but for few pairs; those it decides by their differences. So the
number format, which is another one on another machine, changes no result.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

WIDE = 256  # features from which on the products take most of the time
NUMBERS = 2**18  # that are subtracted at once: 1 MB, for the cache's sake


@dataclass(frozen=True)
class Rounded:
    """Vectors [n, d] about their common middle, in a number format of `values`.

    squares: [n] float32, their squared lengths before rounding. A squared distance may be wrong by `error` times the sum of
    both squared lengths, and by `unit` times twice the product.
    """

    values: Tensor
    squares: Tensor
    error: float
    unit: float

    def part(self, rows: slice | Tensor) -> Rounded:
        """Some of the vectors."""
        return Rounded(self.values[rows], self.squares[rows], self.error, self.unit)

    def least(self, others: Rounded) -> Tensor:
        """The squared distances from all `others` [m], at the least: [n, m] float32."""
        products = (self.values @ others.values.mT).float()
        if self.unit:  # a product above 0 may be too small, one below 0 not small enough
            F.leaky_relu_(products, (1 - self.unit) / (1 + self.unit))
        error = max(self.error, others.error)
        return (
            products.mul_(-2 * (1 + self.unit)).add_((1 - error) * others.squares).add_((1 - error) * self.squares[:, None])
        )

    def most(self, least: Tensor, rows: Tensor, others: Rounded, columns: Tensor) -> Tensor:
        """The squared distances of the pairs `rows`, `columns` [p] at the most, where at the least they are `least` [p]."""
        error = max(self.error, others.error)
        squares = self.squares[rows] + others.squares[columns]
        doubled = ((1 - error) * squares - least).abs() / (1 - self.unit)
        return least + 2 * error * squares + 2 * self.unit * doubled


def rounded(sets: list[Tensor], dtype: torch.dtype) -> list[Rounded]:
    """Each of the sets [n, d] float32, less the mean of all, in the format `dtype`: bfloat16 or float32.

    Raises ValueError for numbers that are not finite, or too large to be squared.
    """
    d, single = sets[0].shape[1], torch.finfo(torch.float32).eps
    centre = torch.stack([vectors.mean(0) for vectors in sets]).mean(0)
    result = []
    for vectors in sets:
        centred = vectors - centre
        lengths = torch.linalg.vector_norm(centred, dim=1)
        if not lengths.square().sum().isfinite():
            raise ValueError("some vectors are not finite")
        error, unit, values = (4 + math.sqrt(d)) * single, 0.0, centred
        if dtype != torch.float32:
            values, unit = centred.to(dtype), torch.finfo(dtype).eps / 2
            # Cauchy-Schwarz, with what rounding took from the vectors; products are summed in float32 and then rounded
            lost = torch.linalg.vector_norm(centred.sub_(values.float()), dim=1) / lengths.clamp(min=1e-30)
            error = 2 * float(lost.max()) * (1 + 2 * unit) + (4 + d) * single
        result.append(Rounded(values, lengths.square(), error, unit))
    return result


def formats(d: int, device: torch.device) -> list[torch.dtype]:
    """The number formats worth trying for vectors of length `d`, the fastest first."""
    if d >= WIDE and device.type == "cpu" and _half_is_fast():
        return [torch.bfloat16, torch.float32]
    return [torch.float32]


@cache
def _half_is_fast() -> bool:
    """Whether this processor multiplies matrices clearly faster in bfloat16; without instructions for it, it is slower."""

    def seconds(dtype: torch.dtype) -> float:
        matrix = torch.ones(512, 512, dtype=dtype)
        taken = []
        for _ in range(4):
            start = time.perf_counter()
            matrix @ matrix
            taken.append(time.perf_counter() - start)
        return min(taken)

    return seconds(torch.bfloat16) < 0.7 * seconds(torch.float32)


def distances(a: Tensor, b: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The distances between a[rows] and b[columns], [p] float32, by differences; the same for a pair wherever it stands."""
    at_once = max(1, NUMBERS // a.shape[1])
    pairs = zip(rows.split(at_once), columns.split(at_once), strict=True)
    # index_select takes half the time of indexing
    return torch.cat([torch.linalg.vector_norm(a.index_select(0, i).sub_(b.index_select(0, j)), dim=1) for i, j in pairs])

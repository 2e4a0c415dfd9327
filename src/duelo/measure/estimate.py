"""The one shape of every measured number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from duelo.intervals import wilson


@dataclass(frozen=True)
class Estimate:
    """A measured `value` with a 95 % interval from `low` to `high`, in the measure's own units.

    floor: the same measure of real held-out members as if they were generated: what is left where nothing is wrong.
    n: the number of samples that were measured. A bound or a floor that makes no sense for a measure is NaN.
    """

    value: float
    low: float
    high: float
    floor: float
    n: int


def jackknife(value: float, left_out: Iterable[float], floor: float, n: int) -> Estimate:
    """An estimate whose interval comes from the same measure of all samples but a group, for each of several equal groups.

    The standard error is the jackknife's (Efron & Tibshirani 1993, equation 11.5), the interval Student's t. It says where
    the value of other samples of the same generator would lie, as many and held against the same members. Unlike drawing
    samples anew with replacement, leaving out repeats none, which a measure would take for a lack of variety: resampled so,
    the Fréchet distance of 2,000 new real digits was 0.9 instead of 0.5.
    """
    values = list(left_out)
    error = jackknife_error(values)
    reach = student(len(values) - 1) * error
    return Estimate(value, value - reach, value + reach, floor, n)


def jackknife_error(left_out: Sequence[float]) -> float:
    """The standard error of a measure, from its values without each of several equal groups of samples."""
    groups = len(left_out)
    mean = sum(left_out) / groups
    return math.sqrt((groups - 1) / groups * sum((value - mean) ** 2 for value in left_out))


def student(freedom: int) -> float:
    """The 97.5 % point of Student's t (Abramowitz & Stegun 1964, 26.7.5): within 0.3 % for at least 4 degrees of freedom."""
    z = 1.959964
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def share(hits: int, n: int, floor: float) -> Estimate:
    """The share of `n` members that are `hits`, with its interval by Wilson 1927: a share of 0 or 1 has one, too."""
    low, high = wilson(hits / n, n)
    return Estimate(hits / n, low if hits else 0.0, high if hits < n else 1.0, floor, n)

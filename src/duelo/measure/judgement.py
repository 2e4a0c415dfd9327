"""The referee's quick judgement while a run goes on: how far its fakes are from real members, without a feature network."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from duelo.measure.neighbours import nearest
from duelo.measure.sliced import sliced_wasserstein


@dataclass(frozen=True)
class Judged:
    """measure: its name. value: the distance, at least 0, in units of the points or in grey levels."""

    measure: str
    value: float


def judged(fakes: Tensor, real: Tensor) -> Judged:
    """How far apart they are: of images [n, c, h, w] uint8 by sliced Wasserstein, of points [n, d] by nearest neighbours.

    For points that lie in heaps, sliced Wasserstein would prefer an even cloud over everything, without one good point, to
    sharp heaps with uneven shares.
    """
    if fakes.ndim == 2:
        return Judged("nearest-neighbour", neighbour_distance(fakes, real))
    return Judged("sliced-wasserstein", sliced_wasserstein(fakes, real))


def neighbour_distance(a: Tensor, b: Tensor) -> float:
    """The mean distance from each point of `a` [n, d] to the nearest of `b` [m, d], plus the same from b to a.

    Of point sets, Fan et al. 2017 (a point set generation network), section 4.2, but distances are not squared. Large for
    points where the others have none, and for heaps that the others lack. nan if a point is not finite.
    """
    if not (a.isfinite().all() and b.isfinite().all()):
        return math.nan
    return float(nearest(a, b)[0].mean() + nearest(b, a)[0].mean())

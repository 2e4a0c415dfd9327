"""Fidelity and variety apart: precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020).

Around each member is a ball that reaches to its k-th nearest other member; together, the balls of a set are its manifold.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from duelo.measure.neighbours import nearest
from duelo.measure.rounded import Rounded, distances, formats, rounded

K = 5  # as in the experiments of Naeem et al. 2020; Kynkäänniemi et al. 2019 take 3
ROWS = 512  # members of one set that are compared at once
SPARE = 27  # members beyond the k-th that may be it, as far as rounded products tell; 18 are, of random features
OPEN = 64  # pairs a row that are decided by their differences; where there are more, better products come first


@dataclass(frozen=True)
class Manifold:
    """How n generated members lie among the balls of m real ones, and the other way round.

    inside: [n] int64, in how many real balls each generated member is; as a share of `k` on average: density.
    reached: [m] bool, whether each real member is in the ball of any generated one: recall.
    covered: [m] bool, whether each real ball holds any generated member: coverage.
    """

    k: int
    inside: Tensor
    reached: Tensor
    covered: Tensor

    @property
    def precision(self) -> float:
        """The share of generated members within the real manifold, in 0..1."""
        return float((self.inside > 0).double().mean())

    @property
    def recall(self) -> float:
        """The share of real members within the generated manifold, in 0..1."""
        return float(self.reached.double().mean())

    @property
    def density(self) -> float:
        """In how many real balls a generated member is, over k: about 1 for real members, unbounded above."""
        return float(self.inside.double().mean()) / self.k

    @property
    def coverage(self) -> float:
        """The share of real balls that hold a generated member, in 0..1; about 1 - 2^-k for as many real members."""
        return float(self.covered.double().mean())


def manifold(real: Tensor, generated: Tensor, k: int = K, real_radii: Tensor | None = None) -> Manifold:
    """Compare features real [m, d] and generated [n, d] float32 by balls that reach to the `k`-th nearest other member.

    real_radii: `radii(real, k)`, if they are known. A member on the edge of a ball is not in it. Takes some 500 MB beyond
    the features for 10,000 of each with d = 2048, and n m products.
    Raises ValueError for sets with k members or fewer, and for numbers that are not finite.
    """
    real, generated = real.float(), generated.float()
    reach = radii(real, k) if real_radii is None else real_radii
    generated_reach = radii(generated, k)[None]
    inside = torch.zeros(len(generated), dtype=torch.int64, device=real.device)
    reached, covered = (torch.zeros(len(real), dtype=torch.bool, device=real.device) for _ in range(2))
    search = _Search(real, generated)
    for rows in torch.arange(len(real), device=real.device).split(ROWS):
        (hosts, guests), (near, _) = search.nearer(rows, [reach[rows, None], generated_reach])
        inside += guests.bincount(minlength=len(generated))
        covered[hosts] = True
        reached[near] = True
    return Manifold(k, inside, reached, covered)


def radii(features: Tensor, k: int = K) -> Tensor:
    """Each row's distance to its `k`-th nearest other row: features [n, d] float32 -> [n] float32.

    Raises ValueError for k rows or fewer, and for numbers that are not finite.
    """
    features, n = features.float(), len(features)
    if not 0 < k < n:
        raise ValueError(f"{n} vectors have no {k}-th nearest other one")
    (coarse,) = rounded([features], formats(features.shape[1], features.device)[0])
    candidates = min(k + SPARE, n - 1)
    best = features.new_full((n, candidates), torch.inf)  # squared distances, at the least
    which = torch.zeros(n, candidates, dtype=torch.int64, device=features.device)

    def merge(rows: slice, least: Tensor, first: int) -> None:
        """Let the `rows` [r] know `least` [r, m], their squared distances from the rows from `first` on."""
        values, columns = least.topk(min(candidates, least.shape[1]), largest=False)
        values, columns = torch.cat([best[rows], values], 1), torch.cat([which[rows], columns + first], 1)
        best[rows], order = values.topk(candidates, largest=False)
        which[rows] = columns.gather(1, order)

    for start in range(0, n, ROWS):
        # each product is had once, for both of its rows
        mine, later = slice(start, start + ROWS), slice(start + ROWS, None)
        least = coarse.part(mine).least(coarse.part(slice(start, None)))
        least.fill_diagonal_(torch.inf)
        merge(mine, least, start)
        if start + ROWS < n:
            merge(later, least[:, ROWS:].mT, start)
    return _kth(features, best, which, k)


def _kth(features: Tensor, best: Tensor, which: Tensor, k: int) -> Tensor:
    """Each row's `k`-th smallest distance [n]. best: [n, c] squared, at the least, ascending; which: [n, c], other rows."""
    rows = torch.arange(len(features), device=features.device)[:, None].expand_as(which)
    exact = torch.full_like(best, torch.inf)
    exact[:, :k] = distances(features, features, rows[:, :k].flatten(), which[:, :k].flatten()).view(-1, k)
    # any k others are at least as far as the k nearest
    limit = exact[:, :k].amax(1, keepdim=True).square()
    i, j = (best[:, k:] <= limit).nonzero().unbind(1)
    exact[i, k + j] = distances(features, features, i, which[i, k + j])
    result = exact.sort(1).values[:, k - 1].clone()
    unsure = (best[:, -1:] <= limit)[:, 0].nonzero()[:, 0]
    if best.shape[1] < len(features) - 1 and len(unsure):
        # a row itself, or a duplicate, is the first of its k + 1 neighbours
        nearer = nearest(features[unsure], features, k + 1)[1][:, -1]
        result[unsure] = distances(features, features, unsure, nearer)
    return result


class _Search:
    """Which pairs of two sets a [m, d] and b [n, d] are nearer than a limit."""

    def __init__(self, a: Tensor, b: Tensor) -> None:
        self.a, self.b = a, b
        self.formats = formats(a.shape[1], a.device)
        self.ready: dict[torch.dtype, list[Rounded]] = {}

    def nearer(self, rows: Tensor, limits: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """For each of the `limits`, [r, 1] or [1, n]: which of the `rows` [r] of a are nearer to which of b, [p] and [p]."""
        found: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
        for dtype in self.formats:
            if dtype not in self.ready:
                self.ready[dtype] = rounded([self.a, self.b], dtype)
            whole, b = self.ready[dtype]
            a, found = whole.part(rows), []
            least = a.least(b)
            for limit in limits:
                i, j = (least < limit.square()).nonzero().unbind(1)
                limit = limit.expand_as(least)[i, j]
                open_ = (a.most(least[i, j], i, b, j) >= limit.square()).nonzero()[:, 0]
                found.append((rows[i], j, limit, open_))
            if sum(len(open_) for *_, open_ in found) <= OPEN * len(rows):
                break
        return [self._decided(*pairs) for pairs in found]

    def _decided(self, i: Tensor, j: Tensor, limit: Tensor, open_: Tensor) -> tuple[Tensor, Tensor]:
        """Those of the pairs i, j [p] that are nearer than their `limit` [p]; `open_`: of which that is not known yet."""
        near = torch.ones_like(i, dtype=torch.bool)
        near[open_] = distances(self.a, self.b, i[open_], j[open_]) < limit[open_]
        return i[near], j[near]

"""The twin test: is a generated member nearer to what was trained on than a real new one would be?

Each sample x has a ratio: its distance to the nearest training member over that to the nearest held-out member, its twin
set. Held-out members are samples that nothing was copied into, so their own ratios (each against the other held-out ones)
say what chance gives, and no sizes of the two sets need to be equal.

Around x, where members lie as in D dimensions, the log ratio times D follows a logistic distribution, shifted by the log of
the sets' sizes: for the distance d to the nearest of m members, m d^D is exponential. D differs among members (of digits,
ones have the fewest), and a generator that draws some too often must not look like a copier: so log ratios are divided by
their mean size in a cell of alike members. Small ratios have probability in proportion to ratio^D, an exponential tail of
the log, and this is fitted to the 2 % of held-out members with the smallest ratios: ranks alone cannot give the
probabilities of one in millions that a handful of copies among ten thousand samples is told by.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

FEWEST = 20  # held-out members
TAIL, TAIL_FEWEST = 0.02, 30  # the share of held-out ratios that the tail is fitted to, and at least so many, up to half
CAUTION = 2.0  # standard errors by which the tail is made longer than it was measured
HEAVY = 2.0  # standard errors by which the tail must be heavier than an exponential one before it is taken to be
PRIOR = 20  # a cell's spread counts as if so many members with the mean spread of all had been in it
CAP = 1e-4  # no p-value above it makes a copy: the samples of a collapsed generator are one draw, many times


class Search(Protocol):
    """A search for nearest neighbours, such as `nearest` or `nearest_shifted`."""

    def __call__(self, queries: Tensor, keys: Tensor, k: int = 1, *, others: bool = False) -> tuple[Tensor, Tensor]:
        """Distances [n, k], ascending, and indices [n, k]."""


@dataclass(frozen=True)
class TwinTest:
    """Each of n samples against m held-out members.

    ratio: [n] float32, distance to train over distance to heldout, 0 for an exact copy; 1 where both are 0.
    p_value: [n] float64, the probability that a new real member has so small a ratio, for its surroundings.
    null: [m] float32, the held-out members' own ratios. nearest_train, nearest_heldout: [n] int64 indices.
    """

    ratio: Tensor
    p_value: Tensor
    null: Tensor
    nearest_train: Tensor
    nearest_heldout: Tensor

    def first(self, n: int) -> TwinTest:
        """The same of the first `n` samples."""
        return replace(
            self,
            ratio=self.ratio[:n],
            p_value=self.p_value[:n],
            nearest_train=self.nearest_train[:n],
            nearest_heldout=self.nearest_heldout[:n],
        )


@dataclass(frozen=True)
class ToTrain:
    """The nearest training member of n members: its `distance` [n] float32 and `index` [n] int64; their `cell` [n] int64."""

    distance: Tensor
    index: Tensor
    cell: Tensor

    @classmethod
    def find(cls, search: Search, members: Tensor, train: Tensor, cell: Tensor) -> ToTrain:
        """Search for the training members nearest to `members` [n, ...], which are in the cells `cell` [n]."""
        distance, index = search(members, train)
        return cls(distance[:, 0], index[:, 0], cell)

    def take(self, chosen: Tensor) -> ToTrain:
        """The same of the members `chosen` [b] int64."""
        return ToTrain(self.distance[chosen], self.index[chosen], self.cell[chosen])


def twin_test(search: Search, generated: Tensor, heldout: Tensor, ours: ToTrain, theirs: ToTrain) -> TwinTest:
    """Test `generated` [n, ...], of which `ours` is known, against `heldout` [m, ...], of which `theirs` is.

    Raises ValueError for fewer than 20 held-out members.
    """
    if len(heldout) < FEWEST:
        raise ValueError(f"{len(heldout)} held-out members: at least {FEWEST} are needed to judge copying")
    to_heldout, nearest_heldout = search(generated, heldout)
    ratio = ratios(ours.distance, to_heldout[:, 0])
    null = ratios(theirs.distance, search(heldout, heldout, others=True)[0][:, 0])
    return TwinTest(ratio, p_values(ratio, null, ours.cell, theirs.cell), null, ours.index, nearest_heldout[:, 0])


def ratios(to_train: Tensor, to_heldout: Tensor) -> Tensor:
    """Distances [n] to the nearest training member over those to the nearest held-out one; 1 where both are 0."""
    return torch.where((to_train == 0) & (to_heldout == 0), 1.0, to_train / to_heldout)


def p_values(ratio: Tensor, null: Tensor, cells: Tensor, null_cells: Tensor) -> Tensor:
    """How probable so small a ratio is for a new real member: [n] float64.

    ratio: [n] >= 0 of samples in the cells `cells` [n] int64; null: [m] of held-out members in `null_cells`.
    A ratio of 0 has probability 0 where no held-out member has one.
    """
    spread = spreads(null, null_cells, int(torch.cat([cells, null_cells]).max()) + 1)
    scores, nulls = -ratio.double().log() / spread[cells], (-null.double().log() / spread[null_cells]).sort().values
    m = len(nulls)
    as_extreme = m - torch.searchsorted(nulls, scores)
    finite = nulls[nulls.isfinite()]
    if len(finite) < 2:  # nearly all held-out members are copies themselves: chance knows no tail
        return (1 + as_extreme) / (m + 1)
    start, scale, shape = tail(finite)
    beyond = (scores - start) / scale
    share = (1 + m - torch.searchsorted(nulls, torch.tensor(start, dtype=torch.float64))) / (m + 1)
    # the generalized Pareto distribution (Pickands 1975), exponential for shape 0
    modelled = share * (torch.exp(-beyond) if shape == 0 else (1 + shape * beyond.clamp(min=0)) ** (-1 / shape))
    return torch.where(beyond > 0, torch.maximum(modelled, as_extreme / (m + 1)), (1 + as_extreme) / (m + 1))


def spreads(null: Tensor, cells: Tensor, n_cells: int) -> Tensor:
    """The mean size of the log ratios of `null` [m] in each of the cells, [n_cells] float64, drawn to that of all."""
    sizes = null.double().log().abs()
    usable = sizes.isfinite()
    sizes, cells = sizes[usable], cells[usable]
    overall = max(float(sizes.mean()), 1e-12) if len(sizes) else 1.0
    sums = torch.full((n_cells,), PRIOR * overall, dtype=torch.float64).index_add_(0, cells, sizes)
    return sums / (PRIOR + cells.bincount(minlength=n_cells))


def tail(nulls: Tensor) -> tuple[float, float, float]:
    """Where the upper tail of ascending `nulls` [m] starts, its scale, and its shape: 0 for exponential, above if heavier.

    Both are estimated by moments of what is beyond the start (Hosking & Wallis 1987).
    """
    k = min(max(TAIL_FEWEST, round(TAIL * len(nulls))), len(nulls) // 2)
    start = float(nulls[-k - 1])
    excesses = nulls[-k:] - start
    mean, variance = float(excesses.mean()), float(excesses.var())
    caution = 1 + CAUTION / math.sqrt(k)
    shape = (1 - mean**2 / variance) / 2 if variance > 0 else 0.0
    if shape < HEAVY / math.sqrt(k):
        return start, max(mean * caution, 1e-12), 0.0
    return start, mean * (1 - shape) * caution, shape


def discoveries(p_value: Tensor, level: float) -> Tensor:
    """Which of the p-values [n] are copies, [n] bool, so that at most a share `level` of those is expected to be none.

    Benjamini & Hochberg 1995: the k smallest, k the largest number for which the k-th is at most level k / n. Where there
    are no copies at all, `level` is also the probability that any is called one. None above 1e-4 is.
    """
    ordered = p_value.sort().values
    n = len(ordered)
    passes = (ordered <= level * torch.arange(1, n + 1) / n).nonzero()
    limit = float(ordered[passes.max()]) if len(passes) else -1.0
    return p_value <= min(limit, CAP)

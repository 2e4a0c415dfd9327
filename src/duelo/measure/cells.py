"""Cutting the space of features into cells of alike members: k-means."""

from __future__ import annotations

import torch
from torch import Tensor

from duelo.measure.neighbours import nearest

ROUNDS = 20
SAMPLE = 10_000  # members that the means are fitted to


def k_means(members: Tensor, k: int, seed: int = 0) -> Tensor:
    """The means [k, d] of a partition of `members` [n, d] float32 into `k` cells by Lloyd's rounds (Lloyd 1982).

    They start from members drawn far from one another (Arthur & Vassilvitskii 2007, k-means++) and are fitted to 10,000
    members at most. A function of members and `seed`. Raises ValueError for fewer than `k` members.
    """
    if not 1 <= k <= len(members):
        raise ValueError(f"{k} cells of {len(members)} members: use from 1 to their number")
    generator = torch.Generator().manual_seed(seed)
    members = members[torch.randperm(len(members), generator=generator)[: max(SAMPLE, k)].to(members.device)]
    means = members[:1]
    while len(means) < k:
        squares = nearest(members, means)[0][:, 0].cpu().square() + 1e-30  # where all members are equal, any will do
        means = torch.cat([means, members[torch.multinomial(squares, 1, generator=generator).to(members.device)]])
    for _ in range(ROUNDS):
        cells = assign(members, means)
        counts = cells.bincount(minlength=k)[:, None]
        sums = torch.zeros_like(means).index_add_(0, cells, members)
        means = torch.where(counts > 0, sums / counts.clamp(min=1), means)
    return means


def assign(members: Tensor, means: Tensor) -> Tensor:
    """The cell of each of `members` [n, d]: the nearest of `means` [k, d]; [n] int64."""
    return nearest(members, means)[1][:, 0]

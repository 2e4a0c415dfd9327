"""Nearest neighbours, exactly, of many vectors among many: what the measures of copying, quality and modes stand on."""

from __future__ import annotations

import math

import torch
from torch import Tensor

ROWS, COLUMNS = 1024, 16_384  # queries and keys that are compared at once: 64 MB of float32
SPARE = 4  # candidates beyond k, whose distances are computed anew by differences


def nearest(queries: Tensor, keys: Tensor, k: int = 1, *, others: bool = False) -> tuple[Tensor, Tensor]:
    """Each query's `k` nearest keys by Euclidean distance: distances [n, k] float32, ascending, and indices [n, k] int64.

    queries: [n, d], keys: [m, d], of any floating type and finite, on one device. others: the queries are the keys
    themselves, and a row is no neighbour of its own, though its duplicates are. Distances are in the vectors' units, good to
    about 1e-6 of themselves however close two vectors are or far from the origin; an exact copy has distance 0. Of keys
    at the same distance any may be named. Needs about 100 MB beyond a copy of both in float32.
    Raises ValueError for shapes that do not fit, for fewer than `k` keys, and for numbers that are not finite.
    """
    if queries.ndim != 2 or keys.ndim != 2 or queries.shape[1] != keys.shape[1]:
        raise ValueError(f"queries {tuple(queries.shape)} and keys {tuple(keys.shape)} are not rows of one length")
    if others and len(queries) != len(keys):
        raise ValueError(f"others: {len(queries)} queries are not the {len(keys)} keys themselves")
    if not 1 <= k <= len(keys) - others:
        raise ValueError(f"{k} nearest of {len(keys) - others} keys: k must be from 1 to their number")
    queries, keys = queries.float(), keys.float()
    if not (queries.isfinite().all() and keys.isfinite().all()):
        raise ValueError("some vectors are not finite")
    centre = keys.mean(0)
    candidates = min(k + SPARE, len(keys) - others)
    distances, indices = queries.new_empty(len(queries), k), torch.empty(len(queries), k, dtype=torch.int64)
    indices = indices.to(queries.device)
    largest = float((keys - centre).square().sum(1).max())
    for start in range(0, len(queries), ROWS):
        rows = torch.arange(start, min(start + ROWS, len(queries)), device=queries.device)
        found, which, worst = _candidates(queries, keys, rows, centre, candidates, others)
        distances[rows], indices[rows] = found[:, :k], which[:, :k]
        if candidates == len(keys) - others:
            continue
        # a key that was passed over is at least as far as the last candidate, up to the rounding of a float32 product
        scale = (queries[rows] - centre).square().sum(1) + largest
        rounding = (4 + math.sqrt(keys.shape[1])) * torch.finfo(torch.float32).eps * scale
        unsure = rows[found[:, k - 1].square() > worst - rounding]
        if len(unsure):
            found, which, _ = _candidates(queries, keys, unsure, centre, candidates, others, torch.float64)
            distances[unsure], indices[unsure] = found[:, :k], which[:, :k]
    return distances, indices


def _candidates(
    queries: Tensor,
    keys: Tensor,
    rows: Tensor,
    centre: Tensor,
    candidates: int,
    others: bool,
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor, Tensor]:
    """The nearest keys of the queries `rows` [b] by ||x||^2 - 2 x y + ||y||^2, sorted anew by their differences.

    Distances [b, candidates] float32 and indices, and [b] the last candidate's squared distance as the product gave it.
    """
    centred = queries[rows].to(dtype) - centre.to(dtype)
    squares = centred.square().sum(1, keepdim=True)
    best, which = squares[:, :0], rows[:, None][:, :0]
    for start in range(0, len(keys), COLUMNS):
        block = keys[start : start + COLUMNS].to(dtype) - centre.to(dtype)
        products = torch.addmm(block.square().sum(1), centred, block.T, alpha=-2).add_(squares)  # [b, columns]
        if others:
            leave_out(products, rows, start)
        best, which = nearer(best, which, products, start, candidates)
    # the product loses what nearly equal vectors differ by
    exact = torch.stack([(queries[rows] - keys[column]).square().sum(1).sqrt() for column in which.T], 1)
    exact, which = in_order(exact, which, rows if others else None)
    return exact, which, best.max(1).values


def leave_out(values: Tensor, rows: Tensor, start: int) -> None:
    """Put infinity, in place, where the queries `rows` [b] meet themselves in `values` [b, c] of the keys from `start`."""
    mine = (rows >= start) & (rows < start + values.shape[1])
    values[mine, rows[mine] - start] = math.inf


def nearer(best: Tensor, which: Tensor, values: Tensor, start: int, candidates: int) -> tuple[Tensor, Tensor]:
    """The `candidates` smallest of `best` [b, k], of the keys `which`, and `values` [b, c], of the keys from `start` on."""
    values, columns = values.topk(min(candidates, values.shape[1]), largest=False)
    best, which = torch.cat([best, values], 1), torch.cat([which, columns + start], 1)
    best, order = best.topk(min(candidates, best.shape[1]), largest=False)
    return best, which.gather(1, order)


def in_order(exact: Tensor, which: Tensor, rows: Tensor | None) -> tuple[Tensor, Tensor]:
    """Distances [b, k] to the keys `which`, ascending, and these; with `rows` [b], a query's own is infinitely far."""
    if rows is not None:
        exact = exact.masked_fill(which == rows[:, None], math.inf)
    exact, order = exact.sort(1)
    return exact, which.gather(1, order)

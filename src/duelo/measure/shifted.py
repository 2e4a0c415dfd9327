"""Nearest neighbours of images in grey levels, whether or not one is shifted by a pixel against the other."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from duelo.measure.neighbours import in_order, leave_out, nearer

SHIFT = 1  # pixels, right or left, up or down, or both
SMALLEST = 8  # a side, in pixels, from which on images are shifted at all
COMPONENTS, CANDIDATES = 64, 16  # of 500 digits among 48,000, this found the nearest one every time; 8 candidates, 99 %
COARSE = 1024  # numbers an image is pooled to before its principal components are taken
ITERATIONS = 8
SAMPLE = 8192  # keys that the components are fitted to
ROWS, COLUMNS = 32, 4096  # queries and keys that are compared at once: 9 x 2 MB, for the cache's sake


def nearest_shifted(
    queries: Tensor, keys: Tensor, k: int = 1, *, others: bool = False, candidates: int = CANDIDATES
) -> tuple[Tensor, Tensor]:
    """Each query's `k` nearest keys, at the best of 9 shifts by at most one pixel: distances and indices, both [n, k].

    queries: images [n, c, h, w] uint8 in 0..255; keys: [m, c, h, w]. The distance is Euclidean, in units of the full range
    of grey levels (0..1), float32, ascending, over the pixels that all shifts share: h - 2 by w - 2. So an exact copy and a
    copy shifted by a pixel have distance 0, whatever fills the border. Images with a side under 8 pixels are not shifted.
    Indices are int64. others: the queries are the keys themselves, and a row is no neighbour of its own.
    candidates: distances are exact, but of k + candidates - 1 keys alone: the nearest by 64 principal components.
    A copy is among those, unless more keys than that differ from it in finest detail alone.
    Raises ValueError for images whose shapes differ, and for fewer than `k` keys.
    """
    if queries.ndim != 4 or queries.shape[1:] != keys.shape[1:]:
        raise ValueError(f"images {tuple(queries.shape)} and {tuple(keys.shape)} do not have one shape")
    if others and len(queries) != len(keys):
        raise ValueError(f"others: {len(queries)} queries are not the {len(keys)} keys themselves")
    if not 1 <= k <= len(keys) - others:
        raise ValueError(f"{k} nearest of {len(keys) - others} images: k must be from 1 to their number")
    shift = SHIFT if min(queries.shape[2:]) >= SMALLEST else 0
    unmoved = keys[:, :, shift : keys.shape[2] - shift, shift : keys.shape[3] - shift]  # [m, c, h', w'], a view
    mean, components = _principal(unmoved)
    small = torch.cat([(_coarse(block) - mean) @ components for block in unmoved.split(SAMPLE)])  # [m, p]
    squares = small.square().sum(1)
    candidates = min(k + candidates - 1, len(keys) - others)
    distances, indices = [], []
    for rows in torch.arange(len(queries), device=queries.device).split(ROWS):
        windows = _windows(queries[rows], shift)  # [b, 9, c, h', w']
        b, shifts = windows.shape[:2]
        moved = (_coarse(windows.flatten(0, 1)) - mean) @ components  # [b * 9, p]
        own = moved.square().sum(1, keepdim=True)
        best, which = own[:b, :0], rows[:, None][:, :0]
        for start in range(0, len(keys), COLUMNS):
            block = small[start : start + COLUMNS]
            products = torch.addmm(squares[start : start + COLUMNS], moved, block.T, alpha=-2).add_(own)
            at_best = products.view(b, shifts, -1).amin(1)  # [b, columns]
            if others:
                leave_out(at_best, rows, start)
            best, which = nearer(best, which, at_best, start, candidates)
        exact = torch.cdist(
            windows.flatten(2).float() / 255,
            unmoved[which].flatten(2).float() / 255,
            compute_mode="donot_use_mm_for_euclid_dist",  # the product would lose what nearly equal images differ by
        ).amin(1)  # [b, candidates]
        exact, which = in_order(exact, which, rows if others else None)
        distances.append(exact[:, :k])
        indices.append(which[:, :k])
    return torch.cat(distances), torch.cat(indices)


def _windows(images: Tensor, shift: int) -> Tensor:
    """All windows of images [n, c, h, w] that are smaller by 2 `shift`: [n, 1 or 9, c, h', w']."""
    h, w = (side - 2 * shift for side in images.shape[2:])
    places = range(2 * shift + 1)
    return torch.stack([images[:, :, top : top + h, left : left + w] for top in places for left in places], 1)


def _coarse(images: Tensor) -> Tensor:
    """Images [n, c, h, w] uint8 as rows of at most about COARSE numbers in 0..1, means of squares of pixels."""
    channels, h, w = images.shape[1:]
    pool = math.ceil(math.sqrt(channels * h * w / COARSE))
    values = images.float() / 255
    return (F.avg_pool2d(values, min(pool, h, w), ceil_mode=True) if pool > 1 else values).flatten(1)


def _principal(images: Tensor) -> tuple[Tensor, Tensor]:
    """The mean [d] of coarse images [n, c, h, w] and about their first principal components [d, p], orthonormal.

    By subspace iteration, which cannot fail; components that are a little off cost nothing but a candidate's rank.
    """
    values = _coarse(images[:: -(-len(images) // SAMPLE)])
    mean = values.mean(0)
    covariance = (values - mean).T @ (values - mean)
    start = torch.randn(len(mean), min(COMPONENTS, len(mean)), generator=torch.Generator().manual_seed(0))
    components = torch.linalg.qr(start.to(images.device)).Q
    for _ in range(ITERATIONS):
        components = torch.linalg.qr(covariance @ components).Q
    return mean, components

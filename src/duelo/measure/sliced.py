"""A quick distance between two sets of samples that needs no feature network: sliced Wasserstein."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

DIRECTIONS = 128
PATCH = 7  # pixels a side: Karras et al. 2018 (progressive GAN), section 5
PATCHES = 8192
SMALLEST = 8  # the longer side, in pixels, at which whole images are compared


def sliced_wasserstein(a: Tensor, b: Tensor, seed: int = 0) -> float:
    """How far apart two sets of members are: the mean distance of sorted projections (Bonneel et al. 2015, section 3).

    a, b: points [n, d] float32, or images [n, c, h, w] uint8 in 0..255. Of images, patches of 7 x 7 pixels are compared at
    each halving of the size (Karras et al. 2018, section 5), and the whole where it is at most 8 x 8; the mean of all these.
    In units of the points, or in grey levels, always at least 0. Sets of different sizes are cut to the smaller.
    Patches and directions are a function of `seed`.
    """
    generator = torch.Generator().manual_seed(seed)
    n = min(len(a), len(b))
    a, b = a[:n].float(), b[:n].float()
    if a.ndim == 2:
        return _projected(a, b, generator)
    distances = []
    while True:
        h, w = a.shape[2:]
        if max(h, w) <= SMALLEST:
            distances.append(_projected(a.flatten(1), b.flatten(1), generator))
            return sum(distances) / len(distances)
        side = min(PATCH, h, w)
        places = [torch.randint(limit, (PATCHES,), generator=generator) for limit in (n, h - side + 1, w - side + 1)]
        distances.append(_projected(_patches(a, places, side), _patches(b, places, side), generator))
        a, b = (F.interpolate(x, size=(-(-h // 2), -(-w // 2)), mode="area") for x in (a, b))


def _patches(images: Tensor, places: list[Tensor], side: int) -> Tensor:
    """Squares of `side` pixels at (image, row, column): [n, c * side * side]."""
    which, rows, columns = places
    windows = images.unfold(2, side, 1).unfold(3, side, 1)  # [n, c, h', w', side, side], a view
    return windows[which, :, rows, columns].flatten(1)


def _projected(a: Tensor, b: Tensor, generator: torch.Generator) -> float:
    """The mean distance between the sorted projections of a and b, [n, d], on random directions."""
    directions = torch.randn(a.shape[1], DIRECTIONS, generator=generator)
    directions /= directions.norm(dim=0)
    # torch's sort would take four times the work
    one, other = (np.sort((x @ directions).numpy(force=True), axis=0) for x in (a, b))
    return float(np.abs(one - other).mean())

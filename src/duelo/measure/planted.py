"""Copies of training members made on purpose, as they are or altered a little, to see whether a test finds them."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

NOISE, TURN = 0.05, 5.0  # standard deviation in units of the range of grey levels; degrees, either way
ALTERATIONS = ("exact", "shifted", "noisy", "turned")


def altered(images: Tensor, alteration: str, chance: torch.Generator) -> Tensor:
    """Copies of images [n, c, h, w] uint8: exact, shifted by one pixel any way (black comes in), noisy, or turned.

    The noise has a standard deviation of 0.05 of the range of grey levels; 5 degrees are turned, left or right, by bilinear
    interpolation. Points [n, d] have exact copies only. Raises KeyError for an unknown alteration.
    """
    if alteration == "exact":
        return images
    if alteration == "shifted":
        places = torch.tensor([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y])
        moves = places[torch.randint(len(places), (len(images),), generator=chance)].tolist()
        return torch.stack([F.pad(image, (x, -x, y, -y)) for image, (x, y) in zip(images, moves, strict=True)])
    if alteration not in ALTERATIONS:
        raise KeyError(alteration)
    values = images.float() / 255
    if alteration == "noisy":
        values = values + NOISE * torch.randn(values.shape, generator=chance)
    else:
        angle = math.radians(TURN) * (2 * torch.randint(2, (len(images),), generator=chance) - 1)
        zero = torch.zeros(len(images))
        matrices = torch.stack([angle.cos(), -angle.sin(), zero, angle.sin(), angle.cos(), zero], 1).view(-1, 2, 3)
        grid = F.affine_grid(matrices, list(values.shape), align_corners=False)
        values = F.grid_sample(values, grid, align_corners=False)
    return (values.clamp(0, 1) * 255).round().byte()

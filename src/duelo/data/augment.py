"""Augmentation of what the discriminator sees, so that few images last longer: each kind of change, with probability p.

After Karras et al. 2020 ("Training generative adversarial networks with limited data", StyleGAN2-ADA) and Zhao et al.
2020 ("Differentiable augmentation", DiffAugment). Real and fake images are changed alike, and the generator learns through
the changes: as long as p < 1, a share of images stays as it was, and the changes do not leak into what is generated.
Pixels from outside an image are its mirror image at the border (the border's own pixels are not doubled). Rotations are
by any angle of the full circle, as in StyleGAN2-ADA: a rotated image may well stand on its head.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

KINDS = ("flip", "translate", "shift", "scale", "rotate", "cutout", "brightness", "contrast", "saturation")
DEFAULT_KINDS = tuple(kind for kind in KINDS if kind not in ("flip", "cutout"))

EXACT = frozenset({"flip", "translate"})  # whole pixels go to whole pixels
SMOOTH = frozenset({"shift", "scale", "rotate"})  # pixels are mixed
COLOUR = frozenset({"brightness", "contrast", "saturation"})

REACH = 1 / 8  # the farthest translation and shift, as a share of the side (DiffAugment)
SCALE, BRIGHTNESS, CONTRAST, SATURATION = 0.2, 0.2, 0.5, 1.0  # standard deviations (StyleGAN2-ADA, appendix B)
BOX = 1 / 2  # the side of what is cut out, as a share of the image's

BILINEAR, NEAREST, REFLECTION = 0, 1, 2  # torch's numbers for two interpolations and a padding


def augment(
    images: Tensor,
    p: float | Tensor,
    kinds: Collection[str] = DEFAULT_KINDS,
    pixel_range: tuple[float, float] = (-1.0, 1.0),
) -> Tensor:
    """Each of the `kinds` of change befalls each image with probability `p`, one number in [0, 1]; a flip with p / 2.

    images: [b, c, h, w] float32 in `pixel_range`, sides at least 8; c is 1 (grey), 2 (grey, alpha), 3 (colour) or 4
    (colour, alpha). The result may leave the range. It is twice differentiable with respect to the images, and drawn from
    torch's global random numbers; p = 0 draws none and returns `images` itself.
    Raises ValueError for an unknown kind and for a `p` out of range.
    """
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise ValueError(f"unknown kind of augmentation {unknown[0]!r}: use some of {', '.join(KINDS)}")
    probability = float(p)
    if not 0 <= probability <= 1:
        raise ValueError(f"the probability of augmentation is {probability}: use a number from 0 to 1")
    if probability == 0 or not kinds:
        return images
    changes, kinds = draw(images, probability, kinds), frozenset(kinds)
    if kinds & EXACT or kinds & SMOOTH:
        images = move(images, changes, smoothly=bool(kinds & SMOOTH))
    if kinds & COLOUR:
        images = recolour(images, changes, pixel_range)
    return cut(images, changes, pixel_range) if "cutout" in kinds else images


@dataclass(frozen=True)
class Changes:
    """What befalls each image of a batch, in this order but for the box, which is cut out last. All tensors float.

    mirror: [b] -1 for left-right, 1 for none. translate: [b, 2] whole pixels (right, down).
    scale: [b] factor. angle: [b] radians, clockwise. shift: [b, 2] pixels (right, down).
    cutout: [b, 2] the box's middle in pixels (from the left, from the top), infinite for none.
    brightness: [b] halves of the pixels' range. contrast, saturation: [b] factors.
    """

    mirror: Tensor
    translate: Tensor
    scale: Tensor
    angle: Tensor
    shift: Tensor
    cutout: Tensor
    brightness: Tensor
    contrast: Tensor
    saturation: Tensor


def draw(images: Tensor, p: float, kinds: Collection[str]) -> Changes:
    """Changes for `images` [b, c, h, w]: each of the `kinds` with probability `p`, the others neutral.

    Numbers are drawn for every kind, wanted or not, so that leaving one out does not change the others.
    """
    b, _, h, w = images.shape
    sides = torch.stack([images.new_full((), w), images.new_full((), h)])  # not from a list: a recording could not hold it

    def uniform(*shape: int) -> Tensor:
        return torch.rand(b, *shape, dtype=images.dtype, device=images.device)

    def normal() -> Tensor:
        return torch.randn(b, dtype=images.dtype, device=images.device)

    def befalls(kind: str, share: float = 1.0) -> Tensor:
        return (uniform() < share * p * (kind in kinds)).to(images.dtype)

    def either_way(*shape: int) -> Tensor:
        return 2 * uniform(*shape) - 1

    return Changes(
        mirror=1 - 2 * befalls("flip", share=0.5),
        translate=befalls("translate")[:, None] * (either_way(2) * REACH * sides).round(),
        scale=torch.exp2(befalls("scale") * SCALE * normal()),
        angle=befalls("rotate") * math.pi * either_way(),
        shift=befalls("shift")[:, None] * either_way(2) * REACH * sides,
        cutout=torch.where(befalls("cutout")[:, None] > 0, uniform(2) * sides, math.inf),
        brightness=befalls("brightness") * BRIGHTNESS * normal(),
        contrast=torch.exp2(befalls("contrast") * CONTRAST * normal()),
        saturation=torch.exp2(befalls("saturation") * SATURATION * normal()),
    )


def move(images: Tensor, changes: Changes, smoothly: bool = True) -> Tensor:
    """Images [b, c, h, w] mirrored, translated and, if `smoothly`, scaled, rotated and shifted, in one resampling.

    Where an image is only mirrored and translated, its pixels are copied and none is mixed.
    """
    grid = origins(changes, *images.shape[2:])
    copied = warp(images, grid, NEAREST)
    if not smoothly:
        return copied
    mixed = (changes.scale != 1) | (changes.angle != 0) | (changes.shift != 0).any(1)
    return torch.where(mixed[:, None, None, None], warp(images, grid, BILINEAR), copied)


def origins(changes: Changes, h: int, w: int) -> Tensor:
    """Where each pixel of the moved images comes from: [b, h, w, 2] (x, y), -1 and 1 at the middles of the border's pixels.

    A pixel q, counted from the image's middle, moves to scale R(angle) (M q + translate) + shift, with M the mirror and
    R the rotation; here is the inverse. It is counted in pixels, so that nothing shears where the image is not square.
    """
    mirror, angle, scale = (values[:, None, None] for values in (changes.mirror, changes.angle, changes.scale))  # [b, 1, 1]
    cos, sin = angle.cos() / scale, angle.sin() / scale
    right, down = changes.shift[:, :, None, None].unbind(1)
    x = numbers(w, right) - (w - 1) / 2 - right  # [b, 1, w]
    y = numbers(h, down)[:, None] - (h - 1) / 2 - down  # [b, h, 1]
    right, down = changes.translate[:, :, None, None].unbind(1)
    columns = mirror * (cos * x + (sin * y - right))
    rows = cos * y - (sin * x + down)
    return torch.stack([columns * (2 / (w - 1)), rows * (2 / (h - 1))], -1)


def recolour(images: Tensor, changes: Changes, pixel_range: tuple[float, float]) -> Tensor:
    """Brightness, contrast around the middle of the range, saturation around each pixel's mean; alpha stays."""
    low, high = pixel_range
    middle, half = (low + high) / 2, (high - low) / 2
    brightness, contrast, saturation = (
        values[:, None, None, None] for values in (changes.brightness, changes.contrast, changes.saturation)
    )
    channels = 3 if images.shape[1] > 2 else 1
    colour, alpha = images[:, :channels], images[:, channels:]
    # each line adds what changes, so that an image that nothing befalls stays exactly as it was
    colour = colour + half * brightness
    colour = colour + (contrast - 1) * (colour - middle)
    if channels == 3:
        colour = colour + (saturation - 1) * (colour - colour.mean(1, keepdim=True))
    return torch.cat([colour, alpha], 1)


def cut(images: Tensor, changes: Changes, pixel_range: tuple[float, float]) -> Tensor:
    """All channels take the middle of the range inside a box of half the image's sides (DeVries & Taylor 2017, Cutout)."""
    h, w = images.shape[2:]
    left, top = changes.cutout[:, :, None, None].unbind(1)  # [b, 1, 1]
    columns = (numbers(w, left) + 0.5 - left).abs() < BOX * w / 2  # [b, 1, w]
    rows = (numbers(h, top)[:, None] + 0.5 - top).abs() < BOX * h / 2  # [b, h, 1]
    return images.masked_fill((rows & columns)[:, None], sum(pixel_range) / 2)


def numbers(n: int, like: Tensor) -> Tensor:
    """0, 1, ..., n - 1, of the type and on the device of `like`."""
    return torch.arange(n, dtype=like.dtype, device=like.device)


def warp(images: Tensor, grid: Tensor, interpolation: int, transposed: bool = False) -> Tensor:
    """Images [b, c, h, w] read at `grid` [b, h, w, 2], which gets no gradient; BILINEAR or NEAREST.

    transposed: instead, each value goes back to the pixels that it would be read from.
    """
    warped: Tensor = Warp.apply(images, grid, interpolation, transposed)  # type: ignore[no-untyped-call]
    return warped


class Warp(torch.autograd.Function):
    """Reading at a grid's points, or its transpose. torch's own has no second derivative, which a gradient penalty needs.

    It is linear in the images: its derivative is its transpose, whatever the images, and the transpose's is itself again.
    """

    @staticmethod
    def forward(ctx: Any, images: Tensor, grid: Tensor, interpolation: int, transposed: bool) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.interpolation, ctx.transposed = interpolation, transposed
        images = images.contiguous()  # one channel after the other in memory: on a CPU, torch then takes half the time
        if not transposed:
            return torch.grid_sampler_2d(images, grid, interpolation, REFLECTION, True)
        # the first argument is the gradient, the second stands for the images, of which only the shape matters
        result: Tensor = torch.ops.aten.grid_sampler_2d_backward(
            images, images, grid, interpolation, REFLECTION, True, [True, False]
        )[0]
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (grid,) = ctx.saved_tensors
        return warp(gradient, grid, ctx.interpolation, not ctx.transposed), None, None, None

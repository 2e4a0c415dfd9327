"""Pixels: bytes to a network's numbers and back, and pictures of many images."""

from __future__ import annotations

from io import BytesIO

import torch
from PIL import Image
from torch import Tensor


def to_floats(values: Tensor, pixel_range: tuple[float, float] | None) -> Tensor:
    """uint8 0..255 -> float32 in `pixel_range`; data of another type (points) stays as it is."""
    if values.dtype != torch.uint8 or pixel_range is None:
        return values
    low, high = pixel_range
    return values.float() * ((high - low) / 255) + low


def to_bytes(values: Tensor, pixel_range: tuple[float, float] | None) -> Tensor:
    """The inverse: float32 -> the nearest uint8, values outside `pixel_range` clipped; points stay as they are."""
    if pixel_range is None:
        return values
    low, high = pixel_range
    return ((values - low) * (255 / (high - low))).round().clamp(0, 255).to(torch.uint8)


def png(picture: Image.Image) -> bytes:
    """A picture as the bytes of a PNG file."""
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def tile(images: Tensor, columns: int, border: int = 2) -> Image.Image:
    """Images [n, c, h, w] uint8, side by side in rows of `columns`, `border` grey pixels between them.

    c: 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha.
    """
    n, c, h, w = images.shape
    rows = -(-n // columns)
    sheet = torch.full((c, rows * (h + border) + border, columns * (w + border) + border), 96, dtype=torch.uint8)
    if c in (2, 4):
        sheet[-1] = 255  # the border is opaque
    for i, image in enumerate(images):
        top, left = border + (i // columns) * (h + border), border + (i % columns) * (w + border)
        sheet[:, top : top + h, left : left + w] = image
    pixels = sheet.permute(1, 2, 0).numpy()
    return Image.fromarray(pixels[..., 0] if c == 1 else pixels)


def scatter(points: Tensor, real: Tensor, extent: float, side: int = 320) -> Image.Image:
    """Points [n, 2] in the square [-extent, extent]^2, orange, over `real` ones [m, 2], dark; a picture of `side` pixels."""

    def ink(cloud: Tensor) -> Tensor:
        bounds = [-extent, extent, -extent, extent]
        counts = torch.histogramdd(cloud.float(), bins=[side, side], range=bounds).hist  # [x, y]
        return (counts / max(1.0, len(cloud) / 2000)).clamp(0, 1).sqrt().T.flip(0)[..., None]

    orange, dark = torch.tensor([0.81, 0.29, 0.03]), torch.tensor([0.08, 0.09, 0.11])  # as everywhere in duelo
    paper = torch.ones(side, side, 3)
    for cloud, colour in ((real, dark), (points, orange)):
        paper = torch.lerp(paper, colour.expand_as(paper), ink(cloud).expand_as(paper))
    return Image.fromarray((255 * paper).byte().numpy())

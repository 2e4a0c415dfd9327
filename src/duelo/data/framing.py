"""From a picture of any kind to a member of a data set: what size, how it is fitted, what happens to transparency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from duelo.words import UserError

Fit = Literal["crop", "pad", "stretch"]
SMALLEST, LARGEST = 8, 256  # sides that the networks can be built for
LONGEST = 64  # the longer side when none is asked for: what a laptop trains in minutes
GAP = 2.0  # a JPEG is decoded at no less than this many times the wanted size, then resized with antialiasing


@dataclass(frozen=True)
class Framing:
    """How images are made alike.

    size: (height, width), or None to choose by the images. fit: what happens where the shape differs: "crop" cuts the middle
    out, "pad" adds a margin in the colour of the image's own border, "stretch" distorts. alpha: the colour behind
    transparent pixels, by name or as #rrggbb, or "keep" for a channel of its own.
    """

    size: tuple[int, int] | None = None
    fit: Fit = "crop"
    alpha: str = "white"

    def background(self) -> tuple[int, int, int]:
        """The colour behind transparent pixels. Raises UserError for a colour that does not exist."""
        try:
            r, g, b = ImageColor.getrgb("white" if self.alpha == "keep" else self.alpha)[:3]
        except ValueError as error:
            raise UserError("data.colour", alpha=self.alpha) from error
        if not (0 <= r <= 255 and 0 <= g <= 255 and 0 <= b <= 255):
            raise UserError("data.colour", alpha=self.alpha)
        return r, g, b


def choose_size(sizes: Mapping[tuple[int, int], int]) -> tuple[int, int]:
    """The (height, width) that suits images of these sizes (a count for each).

    Their own size if all agree and it is small enough; else their usual proportions (a square, if there are none) with
    the longer side at most LONGEST and sides that divide by four.
    """
    if len(sizes) == 1:
        (only,) = sizes
        if max(only) <= LONGEST and min(only) >= SMALLEST:
            return only
    counts = np.array(list(sizes.values()))
    heights, widths = np.array(list(sizes), dtype=float).T
    middle = _median(np.log(widths / heights), counts)
    usual = counts[np.abs(np.log(widths / heights) - middle) < np.log(1.15)].sum() >= 0.9 * counts.sum()
    proportion = float(np.exp(middle)) if usual else 1.0
    longer = min(LONGEST, _median(np.maximum(heights, widths), counts))
    h, w = (longer, longer * proportion) if proportion <= 1 else (longer / proportion, longer)
    return _side(h), _side(w)


def _side(length: float) -> int:
    return min(LARGEST, max(SMALLEST, 4 * round(length / 4)))


def _median(values: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    order = np.argsort(values)
    return float(values[order][np.searchsorted(counts[order].cumsum(), counts.sum() / 2)])


def framed(image: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    """`image` (L, LA, RGB or RGBA) at `size` (height, width), resized with antialiasing."""
    h, w = size
    if image.size == (w, h):
        return image
    if fit == "pad":
        return _padded(image, w, h)
    box = (0.0, 0.0, *image.size) if fit == "stretch" else _middle(image.width, image.height, w / h)
    return image.resize((w, h), Image.Resampling.LANCZOS, box, reducing_gap=3.0)


def _middle(width: int, height: int, proportion: float) -> tuple[float, float, float, float]:
    """The largest box of this proportion (width / height) in the middle of an image."""
    w, h = min(width, height * proportion), min(height, width / proportion)
    return (width - w) / 2, (height - h) / 2, (width + w) / 2, (height + h) / 2


def _padded(image: Image.Image, w: int, h: int) -> Image.Image:
    scale = min(w / image.width, h / image.height)
    inner = (min(w, max(1, round(image.width * scale))), min(h, max(1, round(image.height * scale))))
    small = image.resize(inner, Image.Resampling.LANCZOS, reducing_gap=3.0)
    pixels = np.asarray(small).reshape(inner[1], inner[0], -1)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    sheet = np.empty((h, w, pixels.shape[2]), np.uint8)
    sheet[:] = np.median(border, axis=0).round()
    top, left = (h - inner[1]) // 2, (w - inner[0]) // 2
    sheet[top : top + inner[1], left : left + inner[0]] = pixels
    return Image.frombytes(image.mode, (w, h), sheet.tobytes())


def lost_share(width: int, height: int, size: tuple[int, int]) -> float:
    """The share of an image's area that cropping to the proportions of `size` (height, width) cuts off."""
    box = _middle(width, height, size[1] / size[0])
    return 1 - (box[2] - box[0]) * (box[3] - box[1]) / (width * height)

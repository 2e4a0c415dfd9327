"""Pictures that scikit-image and scikit-learn bring along, and data sets cut from them: no download is needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skimage
import sklearn.datasets
from PIL import Image

SKIMAGE, SKLEARN = Path(skimage.__file__).parent / "data", Path(sklearn.datasets.__file__).parent / "images"
PHOTOGRAPHS = [SKLEARN / "china.jpg", SKLEARN / "flower.jpg", SKIMAGE / "coffee.png", SKIMAGE / "chelsea.png"]
SCANS = [SKIMAGE / "brick.png", SKIMAGE / "gravel.png", SKIMAGE / "grass.png"]


def pieces(files: list[Path], folder: Path, n: int, size: tuple[int, int], scales: tuple[float, float], grey: bool) -> None:
    """Write `n` pieces of `size` (height, width) from random places of the pictures, reduced by a random factor.

    Grey ones as PNG, colour ones as JPEG: as a scanner and as a camera would.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(0)
    h, w = size
    for file in files:
        picture = Image.open(file).convert("L" if grey else "RGB")
        for i in range(n // len(files)):
            scale = chance.uniform(*scales)
            height, width = int(h * scale), int(w * scale)
            left = int(chance.integers(0, picture.width - width + 1))
            top = int(chance.integers(0, picture.height - height + 1))
            piece = picture.crop((left, top, left + width, top + height)).resize((w, h), Image.Resampling.LANCZOS)
            piece.save(folder / f"{file.stem} {i:05d}.{'png' if grey else 'jpg'}", quality=92)

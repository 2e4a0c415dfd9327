"""`duelo train FOLDER`, no option at all, on a folder of grey scans and on one of small colour photographs.

    python bench/own_images.py

The folders are cut from pictures that scikit-image and scikit-learn bring along: 4,500 scans of 64 x 48 (bricks, gravel,
grass) and 4,000 photographs of 48 x 64 (height x width). The grids go to docs/images, real ones beside generated ones.
Sliced Wasserstein distances of patches (Karras et al. 2018, progressive GAN, section 5; 7 x 7 pixels at full, half and
quarter size, in grey levels) between generated and held-out images stand beside the same for training images: the floor.
Each finished folder is written to bench/results/own_images.jsonl; started again, the study goes on where it stopped.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from photographs import PHOTOGRAPHS, SCANS, pieces
from PIL import Image
from torch import Tensor

import duelo
from duelo.data.pixels import tile
from duelo.folder import RunFolder
from duelo.machine import processor

HERE = Path(__file__).parent
RESULTS, PICTURES, WORK = HERE / "results/own_images.jsonl", HERE.parent / "docs/images", HERE.parent / "runs/own-images"
FOLDERS = {
    "scans": {"files": SCANS, "n": 4500, "size": (64, 48), "scales": (1.5, 2.0), "grey": True},
    "photographs": {"files": PHOTOGRAPHS, "n": 4000, "size": (48, 64), "scales": (2.0, 3.0), "grey": False},
}
SIDE, PATCHES, DIRECTIONS = 7, 20_000, 256


def patches(images: Tensor, chance: torch.Generator) -> Tensor:
    """Random patches of images [n, c, h, w] -> [PATCHES, c * SIDE * SIDE]."""
    windows = images.unfold(2, SIDE, 1).unfold(3, SIDE, 1)  # [n, c, h', w', SIDE, SIDE]
    n, _, h, w = windows.shape[:4]
    image, top, left = (torch.randint(limit, (PATCHES,), generator=chance) for limit in (n, h, w))
    return windows[image, :, top, left].flatten(1)


def sliced_wasserstein(one: Tensor, other: Tensor) -> list[float]:
    """Distances of uint8 images [n, c, h, w] at full, half and quarter size."""
    distances = []
    for level in range(3):
        chance = torch.Generator().manual_seed(level)
        a, b = (patches(F.avg_pool2d(images.float(), 2**level), chance) for images in (one, other))
        directions = F.normalize(torch.randn(a.shape[1], DIRECTIONS, generator=chance), dim=0)
        a, b = ((points @ directions).sort(0).values for points in (a, b))
        distances.append(round(float((a - b).abs().mean()), 2))
    return distances


def side_by_side(real: Tensor, fake: Tensor) -> Image.Image:
    """Forty real images on the left, forty generated ones on the right."""
    left, right = tile(real[:40], 5), tile(fake[:40], 5)
    sheet = Image.new(left.mode, (left.width + right.width + 24, left.height), 255 if left.mode == "L" else (255, 255, 255))
    sheet.paste(left, (0, 0))
    sheet.paste(right, (left.width + 24, 0))
    return sheet


def main() -> None:
    done = [json.loads(line)["folder"] for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    for name, options in FOLDERS.items():
        if name in done:
            continue
        folder, run = WORK / name, WORK / "runs" / name
        pieces(folder=folder, **options)  # type: ignore[arg-type]
        command = [sys.executable, "-m", "duelo", "train", name]
        subprocess.run(command, cwd=WORK, check=True)
        target = WORK / f"{name}.npz"
        command = [sys.executable, "-m", "duelo", "sample", f"runs/{name}", "-n", "1000", "--out", str(target)]
        subprocess.run(command, cwd=WORK, check=True)
        fake = torch.from_numpy(np.load(target)["images"]).permute(0, 3, 1, 2)
        dataset = duelo.load(str(folder))
        heldout, train = dataset.heldout.first(1000), dataset.train.first(1000)
        lines = RunFolder(run).stats()
        cell = {
            "folder": name,
            "images": {"train": len(dataset.train), "heldout": len(dataset.heldout)},
            "shape": dataset.shape,
            "kimg": round(lines[-1]["nimg"] / 1000, 1),
            "training_s": lines[-1]["time"]["seconds"],
            "swd_generated_to_heldout": sliced_wasserstein(fake, heldout),
            "swd_train_to_heldout": sliced_wasserstein(train, heldout),
            "n": [len(fake), len(train), len(heldout)],
            "seed": RunFolder(run).recipe().seed,
            "torch": torch.__version__,
            "machine": processor(),
        }
        side_by_side(train, fake).save(PICTURES / f"{name}.png", optimize=True)
        with RESULTS.open("a") as file:
            file.write(json.dumps(cell) + "\n")
        print(json.dumps(cell), flush=True)


if __name__ == "__main__":
    main()

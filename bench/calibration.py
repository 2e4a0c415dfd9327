"""What do fresh opponents say where the truth is known?

    python bench/calibration.py              # all cells, seeds 0 to 2
    python bench/calibration.py 0            # another seed

Against the 10,000 held-out digits: as many training digits (the same distribution: 50 % is right), the canonical test
digits (other writers), and training digits that were spoiled a little: grey noise of sd 2 of 255, a blur of 0.3 pixels,
1 and 10 % of them a mean of two digits, no ones. The smallest and the largest opponent. Each finished cell is written to
bench/results/calibration.jsonl.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import asdict

import torch
import torch.nn.functional as F
from cells import Cell, study
from torch import Tensor

import duelo
from duelo.measure import fresh_opponents

N, SIZES = 10_000, ("small", "large")
SETS = ("training", "test", "noise", "blur", "1 % mixed", "10 % mixed", "no ones")
BLUR, NOISE = 0.3, 2.0  # pixels; grey levels


def imitations(name: str, seed: int) -> Tensor:
    """10,000 images [n, 1, 28, 28] uint8 that stand for the generated ones."""
    data, chance = duelo.load("digits"), torch.Generator().manual_seed(seed)
    assert data.test is not None
    assert data.train.labels is not None
    if name == "test":
        return data.test.drawn(N, seed)
    order = torch.randperm(len(data.train), generator=chance)
    if name == "no ones":
        order = order[data.train.labels[order] != 1]
    images = data.train.take(order[:N])
    if name == "noise":
        return (images + NOISE * torch.randn(images.shape, generator=chance)).round().clamp(0, 255).byte()
    if name == "blur":
        line = torch.exp(-torch.arange(-1.0, 2.0).square() / (2 * BLUR**2))
        kernel = torch.outer(line, line) / line.sum() ** 2
        return F.conv2d(images.float(), kernel[None, None], padding=1).round().byte()
    if name.endswith("mixed"):
        count = N * int(name.split()[0]) // 100
        images[:count] = ((images[:count].float() + images[-count:].float()) / 2).round().byte()
    return images


def play(name: str, seed: int) -> Cell:
    """What the opponents say of one set."""
    start, data = time.perf_counter(), duelo.load("digits")
    met = fresh_opponents(data.heldout.drawn(N, seed), imitations(name, seed), None, seed, sizes=SIZES)
    return {"seconds": time.perf_counter() - start, **{one.size: asdict(one.accuracy) for one in met}}


def main() -> None:
    """The study."""
    seeds = [int(word) for word in sys.argv[1:]] or range(3)
    cells = study("calibration", ((name, seed) for seed in seeds for name in SETS), ("name", "seed"), play)
    for name in SETS:
        mine = [cell for cell in cells if cell["name"] == name]
        for size in SIZES if mine else ():
            values = [100 * cell[size]["value"] for cell in mine]
            spread = 100 * max(cell[size]["high"] - cell[size]["low"] for cell in mine) / 2
            print(
                f"{name:<11} {size:<6} {len(mine)} seeds: right {statistics.mean(values):.1f} % "
                f"({min(values):.1f} to {max(values):.1f}; each +- {spread:.1f})"
            )


if __name__ == "__main__":
    main()

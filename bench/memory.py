"""How much memory training holds while it reads a packed file of 4 GiB, from the first rounds to the end of a whole pass.

    python bench/memory.py

The file is packed from images made on the fly (a gradient, a disc and noise each), 64 x 64 in colour. Training is the real
game with a narrow pair of networks, so that reading is most of what happens. The result goes to bench/results/memory.jsonl.
"""

from __future__ import annotations

import json
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import duelo
from duelo.data.framing import Framing
from duelo.data.packed import open_pack
from duelo.data.packing import pack
from duelo.data.sources import Member, Source

RESULTS = Path(__file__).parent / "results" / "memory.jsonl"
SIDE, GIB = 64, 4
N = GIB * 2**30 // (3 * SIDE * SIDE)
EVERY = 200  # rounds between two looks at the memory


class Made(Source):
    """Images that exist only when they are looked at."""

    kind = "made"

    def __len__(self) -> int:
        return N

    def members(self) -> Iterator[Member]:
        """N images, each a function of its number."""
        for i in range(N):
            yield Member(f"{i}", None, lambda i=i: picture(i))


def picture(i: int) -> Image.Image:
    """Two colours that fade into each other, a disc, a little noise."""
    chance = np.random.default_rng(i)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    one, other, third = chance.uniform(0, 255, (3, 3))
    angle, cx, cy, radius = chance.uniform((0, 0.2, 0.2, 0.1), (6.28, 0.8, 0.8, 0.4))
    fade = ((np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)) + 0.7)[..., None] / 1.4
    image = one * fade + other * (1 - fade)
    image[(x - cx) ** 2 + (y - cy) ** 2 < radius**2] = third
    image += chance.normal(0, 4, image.shape)
    return Image.fromarray(image.clip(0, 255).astype(np.uint8))


def resident() -> dict[str, float]:
    """MiB of memory that this process holds: in all, and without the pages of mapped files."""
    lines = Path("/proc/self/status").read_text().splitlines()
    values = {name: int(rest.split()[0]) / 1024 for name, rest in (line.split(":") for line in lines) if "kB" in rest}
    return {"all": values["VmRSS"], "own": values["RssAnon"]}


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "large.duelo"
        start = time.perf_counter()
        for _ in pack(Made(Path(temporary)), Framing((SIDE, SIDE)), file):
            pass
        packing = time.perf_counter() - start
        packed = open_pack(file)
        train = packed.part("train")
        torch.manual_seed(0)
        game = duelo.Game(duelo.convolutional(train.shape, width=2, latent=8))
        looks = []
        start = time.perf_counter()
        for i, tick in enumerate(duelo.play(game, train)):
            if i % EVERY == EVERY // 2:
                looks.append(resident())
            if tick.nimg >= len(train):
                break
        cell = {
            "file_gib": round(file.stat().st_size / 2**30, 2),
            "images": N,
            "trained_on": tick.nimg,
            "packing_s": round(packing, 1),
            "training_s": round(time.perf_counter() - start, 1),
            "first_mib": {name: round(value, 1) for name, value in looks[0].items()},
            "most_mib": {name: round(max(look[name] for look in looks), 1) for name in looks[0]},
            "last_mib": {name: round(value, 1) for name, value in looks[-1].items()},
            "torch": torch.__version__,
            "machine": platform.machine(),
        }
    with RESULTS.open("a") as results:
        results.write(json.dumps(cell) + "\n")
    print(json.dumps(cell, indent=2))
    grown = cell["most_mib"]["all"] - cell["first_mib"]["all"]
    print(f"memory grew by {grown:.0f} MiB while {cell['file_gib']} GiB were read")


if __name__ == "__main__":
    main()

"""How fast a folder of JPEGs is packed, beside a plain loop with Pillow over the same files.

    python bench/packing.py

20,000 JPEGs of 256 x 256 (pieces of photographs, quality 90) become 64 x 64. The plain loop opens, converts and resizes one
file after the other in one thread and keeps nothing; packing also reads all headers first, hashes every image, looks for
near duplicates, cuts the data into parts, and writes the file to the disk. The two run in turn, A B A B ..., each in a
process of its own. Each finished cell is written to bench/results/packing.jsonl; started again, the study goes on.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from photographs import PHOTOGRAPHS
from PIL import Image

RESULTS = Path(__file__).parent / "results" / "packing.jsonl"
FILES, SIDE, WANTED, ROUNDS = 20_000, 256, 64, 5


def make(folder: Path) -> None:
    """The JPEGs: random pieces of photographs, enlarged a little so that no two are the same."""
    chance = np.random.default_rng(0)
    pictures = [Image.open(file).convert("RGB") for file in PHOTOGRAPHS]
    for i in range(FILES):
        picture = pictures[i % len(pictures)]
        side = int(chance.integers(100, min(picture.size)))
        left, top = (int(chance.integers(0, length - side + 1)) for length in picture.size)
        box = (left, top, left + side, top + side)
        picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box).save(folder / f"{i:05d}.jpg", quality=90)


def plain(folder: Path) -> int:
    """The loop that anybody would write."""
    done = 0
    for file in sorted(folder.iterdir()):
        with Image.open(file) as image:
            np.asarray(image.convert("RGB").resize((WANTED, WANTED), Image.Resampling.LANCZOS))
        done += 1
    return done


def ours(folder: Path) -> int:
    """duelo's packing."""
    from duelo.data import Framing, prepare

    work = prepare(folder, Framing((WANTED, WANTED)), out=folder.parent / "packed.duelo")
    while True:
        try:
            next(work)
        except StopIteration as end:
            return len(end.value.images)


def timed(contestant: str, folder: Path) -> float:
    """Seconds that one contestant takes, without its imports."""
    if contestant == "ours":
        import duelo.data  # noqa: F401
    start = time.perf_counter()
    done = {"plain": plain, "ours": ours}[contestant](folder)
    assert done == FILES, done
    return time.perf_counter() - start


def main() -> None:
    if len(sys.argv) > 1:
        print(timed(sys.argv[1], Path(sys.argv[2])))
        return
    cells = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    if len(cells) < ROUNDS:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "photos"
            folder.mkdir()
            make(folder)
            for turn in range(len(cells), ROUNDS):
                cell: dict[str, object] = {"round": turn, "files": FILES, "cores": os.cpu_count()}
                for contestant in ("plain", "ours"):
                    command = [sys.executable, __file__, contestant, str(folder)]
                    seconds = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                    cell[f"{contestant}_images_per_second"] = round(FILES / seconds, 1)
                cell |= {"machine": platform.machine(), "pillow": Image.__version__}
                cells.append(cell)
                with RESULTS.open("a") as file:
                    file.write(json.dumps(cell) + "\n")
                print(cell, flush=True)
    ratios = sorted(cell["ours_images_per_second"] / cell["plain_images_per_second"] for cell in cells)
    print(f"packing is {ratios[len(ratios) // 2]:.2f} times as fast as the plain loop ({ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()

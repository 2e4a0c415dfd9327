"""How much memory training holds while it reads a packed file of 4 GiB, from the first rounds to the end of a whole pass.

    python bench/memory.py

The file holds random pixels, 64 x 64 in colour, all but two images to train on. Training is the real game with the smallest
pair that can play, so that reading is nearly all that happens. The result goes to bench/results/memory.jsonl.
"""

from __future__ import annotations

import json
import struct
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

import duelo
import duelo.data
from duelo.data.packed import FORMAT, ROOM, open_pack
from duelo.machine import processor

RESULTS = Path(__file__).parent / "results" / "memory.jsonl"
SIDE, GIB = 64, 4
SIZE = 3 * SIDE * SIDE
N = GIB * 2**30 // SIZE
EVERY = 50  # rounds between two looks at the memory


def make(path: Path) -> None:
    """A packed file of N random images."""
    chance = np.random.default_rng(0)
    parts = np.zeros(N, np.uint8)
    parts[:2] = 1, 2
    columns = {
        "hashes": chance.integers(0, 256, (N, 32), np.uint8),
        "parts": parts,
        "names": np.frombuffer(b"\n" * (N - 1), np.uint8),
        "info": np.frombuffer(json.dumps(info()).encode(), np.uint8),
    }
    end = N * SIZE
    header: dict[str, object] = {"__metadata__": {"format": FORMAT}}
    header["images"] = {"dtype": "U8", "shape": [N, 3, SIDE, SIDE], "data_offsets": [0, end]}
    with path.open("wb") as file:
        file.seek(ROOM)
        for start in range(0, N, 4096):
            file.write(chance.integers(0, 256, (min(4096, N - start), SIZE), np.uint8).data)
        for name, column in columns.items():
            header[name] = {"dtype": "U8", "shape": list(column.shape), "data_offsets": [end, end + column.nbytes]}
            file.write(column.tobytes())
            end += column.nbytes
        file.seek(0)
        file.write(struct.pack("<Q", ROOM - 8) + json.dumps(header).encode().ljust(ROOM - 8))


def info() -> dict[str, object]:
    """What packing says of a small folder, to be said of the large file too."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as temporary:
        for i in range(6):
            pixels = np.random.default_rng(i).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
            Image.fromarray(pixels).save(Path(temporary) / f"{i}.png")
        work = duelo.data.prepare(Path(temporary), duelo.data.Framing(), out=Path(temporary) / "small.duelo")
        for _ in work:
            pass
        return open_pack(Path(temporary) / "small.duelo").info


def resident() -> float:
    """MiB of memory that this process holds, pages of mapped files included."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "large.duelo"
        make(file)
        packed = open_pack(file)
        train = packed.part("train")
        generator = nn.Sequential(nn.Linear(1, SIZE), nn.Unflatten(1, (3, SIDE, SIDE)))
        judge = nn.Sequential(nn.AvgPool2d(16), nn.Flatten(), nn.Linear(48, 1), nn.Flatten(0))
        game = duelo.Game(duelo.Pair(generator, judge, (1,)), batch=256)
        looks, start = [], time.perf_counter()
        for i, tick in enumerate(duelo.play(game, train)):
            if i % EVERY == 10:
                looks.append(resident())
            if tick.nimg >= len(train):
                break
        cell = {
            "file_gib": round(file.stat().st_size / 2**30, 2),
            "read_gib": round(tick.nimg * SIZE / 2**30, 2),
            "seconds": round(time.perf_counter() - start, 1),
            "first_mib": round(looks[0], 1),
            "most_mib": round(max(looks), 1),
            "last_mib": round(looks[-1], 1),
            "looks": len(looks),
            "torch": torch.__version__,
            "machine": processor(),
        }
    with RESULTS.open("a") as results:
        results.write(json.dumps(cell) + "\n")
    print(json.dumps(cell))
    print(f"memory grew by {max(looks) - looks[0]:.0f} MiB while {cell['read_gib']} GiB were read")


if __name__ == "__main__":
    main()

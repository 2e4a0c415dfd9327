"""How fast the Fréchet distance, precision, recall, density and coverage are, beside the packages that people use for them.

    python bench/quality_speed.py [N D]

N real and N generated vectors of D normal features (10,000 of 2,048; with other sizes nothing is kept). The others are
`prdc` with its own eight threads for distances, and numpy's covariances with scipy's sqrtm. Both sides have all cores. The
two run in turn, A B A B ..., each in a process of its own, and must agree; after them, quality and copying of 10,000
real digits against 10,000, features included. With the most memory that each process held. Each finished cell is written
to bench/results/quality_speed.jsonl; started again, the study goes on.
"""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import prdc
import scipy.linalg
import torch
from numpy.typing import NDArray

import duelo
from duelo.machine import processor
from duelo.measure import copying, load_features, quality
from duelo.measure.frechet import frechet, moments
from duelo.measure.manifold import K, manifold

RESULTS = Path(__file__).parent / "results" / "quality_speed.jsonl"
N, D, ROUNDS = 10_000, 2_048, 5
Figures = dict[str, float]


def draw(n: int, d: int) -> list[NDArray[np.float32]]:
    """Real and generated features [n, d]; the generated ones vary a little less."""
    chance = np.random.default_rng(0)
    return [chance.standard_normal((n, d), np.float32), chance.standard_normal((n, d), np.float32) * np.float32(0.99)]


def theirs(real: NDArray[np.float32], generated: NDArray[np.float32]) -> Figures:
    """prdc and scipy."""
    figures = {name: float(value) for name, value in prdc.compute_prdc(real, generated, K).items()}
    a, b = (np.cov(x.astype(np.float64), rowvar=False) for x in (real, generated))
    means = real.mean(0, dtype=np.float64) - generated.mean(0, dtype=np.float64)
    root = scipy.linalg.sqrtm(a @ b).real
    return figures | {"frechet": float(means @ means + np.trace(a) + np.trace(b) - 2 * np.trace(root))}


def ours(real: NDArray[np.float32], generated: NDArray[np.float32]) -> Figures:
    """duelo."""
    a, b = torch.from_numpy(real), torch.from_numpy(generated)
    found = manifold(a, b)
    figures = {name: float(getattr(found, name)) for name in ("precision", "recall", "density", "coverage")}
    return figures | {"frechet": frechet(moments(a), moments(b))}


def timed(contestant: str, n: int, d: int) -> Figures:
    """The figures, and the seconds that they took without imports; a small turn before warms everything up."""
    work = {"theirs": theirs, "ours": ours}[contestant]
    work(*draw(200, 300))
    sets = draw(n, d)
    start = time.perf_counter()
    figures = work(*sets)
    return {"seconds": time.perf_counter() - start, "mib": most_memory()} | figures


def most_memory() -> float:
    """The most that this process has held so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def whole() -> Figures:
    """Quality and copying of 10,000 test digits, as `duelo measure` takes them, without the cache of features."""
    data, features = duelo.load("digits"), load_features("digits")
    assert data.test is not None
    train, heldout, samples = (part.first(len(part)) for part in (data.train, data.heldout, data.test))
    start = time.perf_counter()
    quality(train, heldout, samples, features, test=samples)
    copying(train, heldout, samples, features)
    return {"seconds": time.perf_counter() - start, "mib": most_memory()}


def run(turn: int, n: int, d: int) -> dict[str, object]:
    """One cell: both contestants, one after the other."""
    cell: dict[str, object] = {"round": turn, "n": n, "d": d, "cores": os.cpu_count()}
    found = {}
    for contestant in ("theirs", "ours"):
        command = [sys.executable, __file__, contestant, str(n), str(d)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found[contestant] = json.loads(output.splitlines()[-1])
        cell[f"{contestant}_seconds"] = round(found[contestant]["seconds"], 3)
        cell[f"{contestant}_mib"] = round(found[contestant]["mib"])
    for name in ("precision", "recall", "density", "coverage", "frechet"):
        a, b = (found[contestant][name] for contestant in ("theirs", "ours"))
        # a handful of pairs lies nearer to a ball's edge than float32 can tell
        assert math.isclose(a, b, rel_tol=1e-6, abs_tol=3e-4 if name != "frechet" else 0), (name, a, b)
        cell[name] = b
    return cell | {"machine": processor(), "torch": torch.__version__, "scipy": scipy.__version__}


def main() -> None:
    if sys.argv[1:2] in (["theirs"], ["ours"]):
        print(json.dumps(timed(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
        return
    if sys.argv[1:] == ["whole"]:
        print(json.dumps(whole()))
        return
    if len(sys.argv) > 1:
        print(run(0, int(sys.argv[1]), int(sys.argv[2])))
        return
    cells = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    for turn in range(len(cells), ROUNDS):
        cells.append(run(turn, N, D))
        with RESULTS.open("a") as file:
            file.write(json.dumps(cells[-1]) + "\n")
        print(cells[-1], flush=True)
    if len(cells) == ROUNDS:
        output = subprocess.run([sys.executable, __file__, "whole"], check=True, capture_output=True, text=True).stdout
        cells.append({"round": "digits", **json.loads(output)})
        with RESULTS.open("a") as file:
            file.write(json.dumps(cells[-1]) + "\n")
    print(f"quality and copying of 10,000 digits: {cells[-1]['seconds']:.1f} s, {cells[-1]['mib']:.0f} MiB at most")
    ratios = sorted(cell["theirs_seconds"] / cell["ours_seconds"] for cell in cells[:ROUNDS])
    print(f"at most {max(cell['ours_mib'] for cell in cells[:ROUNDS])} MiB")
    print(f"{ratios[len(ratios) // 2]:.2f} times as fast as prdc and scipy ({ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()

"""Do the toys' samples follow the truth, which is known exactly? `ring` and `grid`, recipe `islands`, 20 seeds each.

    python bench/toys.py               # about 25 minutes
    python bench/toys.py 100 101       # other seeds

Each seed trains as `duelo train ring --recipe islands --seed S` does, then an opponent chooses as in
`duelo sample --reject`. 100,000 points of each are scored against the mixture, and so are 100,000 true draws (the floor).
Seconds are of the whole seed. Each finished cell is written to bench/results/toys.jsonl; started again, the study goes on.
"""

from __future__ import annotations

import sys
import time
from dataclasses import asdict

import torch
from cells import Cell, study

import duelo
from duelo import rejection
from duelo.build import build, opponent, schedule
from duelo.learner import sample
from duelo.machine import processor
from duelo.measure import score

N = 100_000


def play(data: str, seed: int) -> Cell:
    """One cell: trained, chosen from, and scored."""
    recipe = duelo.resolve(data, "islands", {"seed": seed})
    dataset = duelo.load(data)
    assert dataset.truth is not None
    start = time.perf_counter()
    game = build(recipe)
    for _ in game.rounds(dataset.train, seed, schedule(recipe), dataset.referee, recipe.balance.look_kimg):
        if game.nimg >= recipe.length:
            break
    trained = time.perf_counter() - start
    judge = rejection.train_judge(game, opponent(recipe), dataset.train, seed=seed)
    chosen, kept = rejection.choose(game, judge, N, seed)
    seconds = time.perf_counter() - start
    floor = dataset.truth.sample(N, torch.Generator().manual_seed(10_000 + seed))
    return {
        "generator": asdict(score(sample(game, N, seed, chunk=10_000), dataset.truth)),
        "chosen": asdict(score(chosen, dataset.truth)),
        "kept": kept,
        "floor": asdict(score(floor, dataset.truth)),
        "seconds_training": trained,
        "seconds": seconds,
        "threads": torch.get_num_threads(),
        "machine": processor(),
        "torch": torch.__version__,
    }


def table(cells: list[Cell]) -> None:
    """What is measured, for people: medians, and the worst seed in brackets."""
    for data in ("ring", "grid"):
        mine = [cell for cell in cells if cell["data"] == data]
        if not mine:
            continue
        print(f"{data}: {len(mine)} seeds, {N} points each; median (worst)")
        for kind in ("generator", "chosen", "floor"):
            scores = [cell[kind] for cell in mine]
            modes = sum(s["modes"] == s["k"] for s in scores)
            good = sorted(s["good"] for s in scores)
            kl = sorted(s["kl"] for s in scores)
            inside = sum(s["kl"] <= s["kl_limit"] for s in scores)
            low, high = min(s["narrowest"] for s in scores), max(s["widest"] for s in scores)
            shape = sum(s["narrowest"] >= 0.8 and s["widest"] <= 1.25 for s in scores)
            middle = len(scores) // 2
            print(
                f"  {kind:<10} all modes {modes}/{len(scores)} | good {good[middle]:.4f} ({good[0]:.4f}) | "
                f"KL {kl[middle]:.2e} ({kl[-1]:.2e}), {inside} within the limit {scores[0]['kl_limit']:.2e} | "
                f"eigenvalues {low:.2f} to {high:.2f}, {shape} within 0.8 to 1.25"
            )
        kept, seconds = sorted(c["kept"] for c in mine), sorted(c["seconds"] for c in mine)
        print(
            f"  kept {kept[len(mine) // 2]:.2f} ({kept[0]:.2f}), seconds {seconds[len(mine) // 2]:.0f} ({seconds[-1]:.0f})"
        )


def main() -> None:
    """The study."""
    seeds = [int(word) for word in sys.argv[1:]] or range(20)
    table(study("toys", ((data, seed) for data in ("ring", "grid") for seed in seeds), ("data", "seed"), play))


if __name__ == "__main__":
    main()

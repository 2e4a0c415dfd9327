"""Which of the actor-critic tricks (Pfau & Vinyals 2016) help, on ring and grid?

    python bench/tricks.py ring        # 17 runs for each of 10 seeds: half an hour
    python bench/tricks.py grid 0 1    # some seeds

Four tricks, each off or on, in all 16 combinations: averaged discriminator (target network), replay of past fakes, entropy
of the generator, optimistic Adam. Extragradient comes alone, for it takes half as many steps for the same images, and in
combinations that hides all else. Recipe `islands` at equal rates, 250 kimg, so that there is something left to gain; all
runs see equally many real images. Measured on 50,000 points of the averaged generator: modes found, share of good points,
ln of the KL over modes, seconds.
The effect of a trick alone is its run minus the run without tricks, of the same seed; its effect in company is the mean of
the eight combinations with it minus that of the eight without. Intervals are Student's over the seeds.
"""

from __future__ import annotations

import itertools
import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict

from cells import Cell, study

import duelo
from duelo.build import build, schedule
from duelo.learner import sample
from duelo.measure import score
from duelo.measure.estimate import student

TRICKS: dict[str, dict[str, object]] = {
    "target network": {"actor_critic.target_kimg": 0.5},
    "replay": {"actor_critic.replay": 0.25},
    "entropy": {"actor_critic.entropy": 3e-4},
    "optimistic Adam": {"actor_critic.optimistic": True},
    "extragradient": {"actor_critic.extragradient": True},
}
FOUR = [(*on, 0) for on in itertools.product((0, 1), repeat=4)]
COMBINATIONS = ["".join(map(str, on)) for on in [*FOUR, (0, 0, 0, 0, 1)]]
MEASURES = {
    "modes": lambda cell: cell["score"]["modes"],
    "good, %": lambda cell: 100 * cell["score"]["good"],
    "ln KL": lambda cell: math.log(cell["score"]["kl"]),
    "seconds": lambda cell: cell["seconds"],
}


def play(data: str, on: str, seed: int) -> Cell:
    """One run. on: a digit for each trick, 1 where it is used."""
    settings = {"kimg": 250, "seed": seed, "discriminator.rate": 3e-3}
    for digit, trick in zip(on, TRICKS.values(), strict=True):
        settings |= trick if digit == "1" else {}
    recipe = duelo.resolve(data, "islands", settings)
    dataset, game, start = duelo.load(data), build(recipe), time.perf_counter()
    assert dataset.truth is not None
    for tick in game.rounds(dataset.train, seed, schedule(recipe), dataset.referee, recipe.balance.look_kimg):
        if tick.nimg >= recipe.length:
            break
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "score": asdict(score(sample(game, 50_000, seed, chunk=10_000), dataset.truth))}


def effects(mine: list[Cell], i: int, measure: Callable[[Cell], float], alone: bool) -> list[float]:
    """By how much the measure is larger with trick `i`, in each seed of which all combinations are there."""
    found = []
    for seed in sorted({cell["seed"] for cell in mine}):
        here = {cell["on"]: measure(cell) for cell in mine if cell["seed"] == seed}
        if len(here) < len(COMBINATIONS):
            continue
        single = "".join(str(int(i == j)) for j in range(len(TRICKS)))
        with_ = [single] if alone else [on for on in here if on[i] == "1"]
        without = ["00000"] if alone else [on for on in here if on[i] == "0" and on[-1] == "0"]
        found.append(statistics.mean(here[on] for on in with_) - statistics.mean(here[on] for on in without))
    return found


def table(cells: list[Cell], data: str) -> None:
    """Each trick's effect on each measure."""
    mine = [cell for cell in cells if cell["data"] == data]
    plain = [cell for cell in mine if cell["on"] == "00000"]
    print(f"{data}: {len(plain)} seeds; without any trick: ", end="")
    print(", ".join(f"{name} {statistics.mean(map(measure, plain)):.2f}" for name, measure in MEASURES.items()))
    for alone, (i, trick) in itertools.product((True, False), enumerate(TRICKS)):
        if not alone and trick == "extragradient":
            continue
        row = f"  {trick:<16} {'alone' if alone else 'in company':<10}"
        for name, measure in MEASURES.items():
            found = effects(mine, i, measure, alone)
            n = len(found)
            spread = student(n - 1) * statistics.stdev(found) / math.sqrt(n) if n > 3 else math.nan
            row += f" | {name} {statistics.mean(found):+.2f} +- {spread:.2f}"
        print(row)


def main() -> None:
    """The study."""
    data = sys.argv[1] if len(sys.argv) > 1 else "grid"
    seeds = [int(word) for word in sys.argv[2:]] or range(10)
    table(study("tricks", ((data, on, seed) for seed in seeds for on in COMBINATIONS), ("data", "on", "seed"), play), data)


if __name__ == "__main__":
    main()

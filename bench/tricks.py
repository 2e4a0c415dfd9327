"""Which of the actor-critic tricks (Pfau & Vinyals 2016) help, on ring and grid?

    python bench/tricks.py ring        # 16 runs for each of 10 seeds
    python bench/tricks.py grid 0 1    # some seeds

Five tricks, each off or on: averaged discriminator (target network), replay of past fakes, entropy of the generator,
optimistic Adam, extragradient. Half of the 32 combinations are played, those with an even number of tricks: a 2^(5-1)
factorial of resolution V, in which no effect of one trick is mixed up with an effect of two. Recipe `islands` at equal
rates, 250 kimg, so that there is something left to gain; all runs see equally many real images (extragradient takes half
as many steps for them).
Measured on 50,000 points of the averaged generator: modes found, share of good points, ln of the KL over modes, seconds.
The effect of a trick is the mean with it minus the mean without it, within each seed; its interval is Student's over seeds.
"""

from __future__ import annotations

import itertools
import math
import statistics
import sys
import time
from dataclasses import asdict

from cells import Cell, study

import duelo
from duelo.build import build, schedule
from duelo.learner import sample
from duelo.measure import score
from duelo.measure.estimate import student

TRICKS: dict[str, dict[str, object]] = {
    "target network": {"actor_critic.target_kimg": 5.0},
    "replay": {"actor_critic.replay": 0.25},
    "entropy": {"actor_critic.entropy": 0.01},
    "optimistic Adam": {"actor_critic.optimistic": True},
    "extragradient": {"actor_critic.extragradient": True},
}
EVEN = [on for on in itertools.product((0, 1), repeat=len(TRICKS)) if sum(on) % 2 == 0]
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


def table(cells: list[Cell], data: str) -> None:
    """Each trick's effect on each measure."""
    mine = [cell for cell in cells if cell["data"] == data]
    seeds = sorted({cell["seed"] for cell in mine})
    seeds = [seed for seed in seeds if sum(cell["seed"] == seed for cell in mine) == len(EVEN)]
    plain = [cell for cell in mine if cell["on"] == "00000"]
    print(f"{data}: {len(seeds)} seeds; without any trick: ", end="")
    print(", ".join(f"{name} {statistics.mean(map(measure, plain)):.2f}" for name, measure in MEASURES.items()))
    for i, trick in enumerate(TRICKS):
        row = f"  {trick:<16}"
        for name, measure in MEASURES.items():
            effects = []
            for seed in seeds:
                with_, without = (
                    [measure(cell) for cell in mine if cell["seed"] == seed and cell["on"][i] == digit] for digit in "10"
                )
                effects.append(statistics.mean(with_) - statistics.mean(without))
            spread = student(n - 1) * statistics.stdev(effects) / math.sqrt(n) if (n := len(effects)) > 3 else math.nan
            row += f" | {name} {statistics.mean(effects):+.2f} +- {spread:.2f}"
        print(row)


def main() -> None:
    """The study."""
    data = sys.argv[1] if len(sys.argv) > 1 else "grid"
    seeds = [int(word) for word in sys.argv[2:]] or range(10)
    wanted = ((data, "".join(map(str, on)), seed) for seed in seeds for on in EVEN)
    table(study("tricks", wanted, ("data", "on", "seed"), play), data)


if __name__ == "__main__":
    main()

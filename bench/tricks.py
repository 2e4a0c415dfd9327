"""Which of the actor-critic tricks (Pfau & Vinyals 2016) help, on ring and grid?

    python bench/tricks.py ring        # 21 runs for each of 10 seeds
    python bench/tricks.py grid alone 0 1    # each trick alone, some seeds

Five tricks, each off or on: averaged discriminator (target network), replay of past fakes, entropy of the generator,
optimistic Adam, extragradient. Half of the 32 combinations are played, those with an even number of tricks: a 2^(5-1)
factorial of resolution V, in which no effect of one trick is mixed up with an effect of two. Recipe `islands` at equal
rates, 250 kimg, so that there is something left to gain; all runs see equally many real images (extragradient takes half
as many steps for them).
Measured on 50,000 points of the averaged generator: modes found, share of good points, ln of the KL over modes, seconds.
Each trick is played alone, too: main effects mean little where most combinations fail, as on the ring.
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
ALONE = [tuple(int(i == j) for j in range(len(TRICKS))) for i in range(len(TRICKS))]
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
    seeds = [s for s in seeds if sum(cell["seed"] == s and cell["on"].count("1") % 2 == 0 for cell in mine) == len(EVEN)]
    mine_even = [cell for cell in mine if cell["on"].count("1") % 2 == 0]
    plain = [cell for cell in mine if cell["on"] == "00000"]
    for on, name in zip([(0,) * len(TRICKS), *ALONE], ["none", *TRICKS], strict=True):
        here = [cell["score"] for cell in mine if cell["on"] == "".join(map(str, on))]
        if here:
            good, modes = (statistics.mean(score[key] for score in here) for key in ("good", "modes"))
            print(f"{data}, alone: {name:<16} {len(here)} seeds, good {good:.1%}, modes {modes:.1f}")
    print(f"{data}: {len(seeds)} seeds; without any trick: ", end="")
    print(", ".join(f"{name} {statistics.mean(map(measure, plain)):.2f}" for name, measure in MEASURES.items()))
    for i, trick in enumerate(TRICKS):
        row = f"  {trick:<16}"
        for name, measure in MEASURES.items():
            effects = []
            for seed in seeds:
                with_, without = (
                    [measure(cell) for cell in mine_even if cell["seed"] == seed and cell["on"][i] == digit]
                    for digit in "10"
                )
                effects.append(statistics.mean(with_) - statistics.mean(without))
            spread = student(n - 1) * statistics.stdev(effects) / math.sqrt(n) if (n := len(effects)) > 3 else math.nan
            row += f" | {name} {statistics.mean(effects):+.2f} +- {spread:.2f}"
        print(row)


def main() -> None:
    """The study."""
    data = sys.argv[1] if len(sys.argv) > 1 else "grid"
    count = 1 + len(ALONE) if "alone" in sys.argv else None
    sys.argv = [word for word in sys.argv if word != "alone"]
    seeds = [int(word) for word in sys.argv[2:]] or range(10)
    wanted = ((data, "".join(map(str, on)), seed) for seed in seeds for on in [(0, 0, 0, 0, 0), *ALONE, *EVEN[1:]][:count])
    table(study("tricks", wanted, ("data", "on", "seed"), play), data)


if __name__ == "__main__":
    main()

"""A generator that sees few digits: does it copy them, and what keeps it from copying?

    python bench/creativity.py            # every countermeasure and every number of digits, seeds 0, 1, 2: some four hours
    python bench/creativity.py 3          # another seed

Each run trains the default recipe on 1,000 training digits drawn at random, 150 kimg (each digit is seen 150 times), or on
20, 100 or 300 of them, or on 1,000 four times as long. The countermeasures, one at a time: augmentation (0.4), LeCam (0.3),
both, stopping at the best point by the referee part, and leaving out the sixth of the samples that is most like copies, as
`duelo sample --no-copies` does. Measured on 4,000 samples: the share that the twin test calls copies, with its interval;
authenticity, C_T and FLD's gap with their floors; the lead of train over referee logits (copying pressure) in the last look;
and the ratio of FD-digits to that of as many training digits of the whole set. Each finished cell is written to
bench/results/creativity.jsonl.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import asdict, replace
from typing import Any

import torch
from cells import Cell, study

import duelo
from duelo.build import build, schedule
from duelo.data import InMemory
from duelo.learner import sample
from duelo.measure import copying, load_features, quality, sliced_wasserstein
from duelo.samples import unlike_copies

N = 4_000
PLAIN: dict[str, Any] = {"kimg": 150, "networks.width": 24}
WAYS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "augmentation": {"augment.p": 0.4},
    "LeCam": {"objective.lecam": 0.3},
    "both": {"augment.p": 0.4, "objective.lecam": 0.3},
    "best point": {},
    "near-copies out": {},
    "four times as long": {"kimg": 600},
}
DIGITS = (1_000, 100, 20, 300)
FEWER = ("nothing", "augmentation", "near-copies out")  # what is tried with fewer than 1,000


def play(way: str, digits: int, seed: int) -> Cell:
    """One run, and what it made."""
    recipe = duelo.resolve("digits", None, PLAIN | WAYS[way] | {"seed": seed})
    whole = duelo.load("digits")
    order = torch.randperm(len(whole.train), generator=torch.Generator().manual_seed(seed))
    few, floor = whole.train.take(order[:digits]), whole.train.take(order[digits : digits + 10_000])
    heldout = whole.heldout.drawn(len(whole.heldout), seed)
    start, game = time.perf_counter(), build(recipe)
    best, fakes, pressure, real = float("inf"), None, 0.0, whole.referee.first(1000)
    for tick in game.rounds(InMemory(few), seed, schedule(recipe), whole.referee, recipe.balance.look_kimg):
        if tick.duel is not None:
            pressure = tick.duel.memory
            if way == "best point" and (distance := sliced_wasserstein(sample(game, 1000, seed + 1), real)) < best:
                best, fakes, at = distance, sample(game, N, seed), tick.nimg
        if tick.nimg >= recipe.length:
            break
    if way != "best point" or fakes is None:
        fakes, at = sample(game, N, seed), tick.nimg
    features = load_features("digits")
    if way == "near-copies out":
        more = sample(game, N + N // 5, seed)
        fakes = more[unlike_copies(replace(whole, train=InMemory(few)), more, N, seed)]
    seconds = time.perf_counter() - start
    copies, good = copying(few, heldout, fakes, features, seed), quality(floor, heldout, fakes, features, seed)
    return {
        "seconds": seconds,
        "kimg": at / 1000,
        "copies": asdict(copies.share),
        **{name: asdict(getattr(copies, name)) for name in ("authenticity", "c_t", "fld_gap")},
        "pressure": pressure,
        "ratio": asdict(good.ratio),
        "coverage": asdict(good.coverage),
    }


def places() -> list[tuple[str, int]]:
    """Ways and numbers of digits."""
    return [(way, digits) for digits in DIGITS for way in WAYS if digits == DIGITS[0] or way in FEWER]


def table(cells: list[Cell]) -> None:
    """Means over the seeds."""
    for way, digits in places():
        mine = [cell for cell in cells if (cell["way"], cell["digits"]) == (way, digits)]
        if not mine:
            continue

        def mean(*keys: str, mine: list[Cell] = mine) -> float:
            values = []
            for cell in mine:
                value: Any = cell
                for key in keys:
                    value = value[key]
                values.append(value)
            return statistics.mean(values)

        print(
            f"{digits:>5} digits, {way:<18} {len(mine)} seeds | "
            f"copies {mean('copies', 'value'):.2%} (real {mean('copies', 'floor'):.2%}) | "
            f"authentic {mean('authenticity', 'value'):.1%} ({mean('authenticity', 'floor'):.1%}) | "
            f"C_T {mean('c_t', 'value'):.1f} ({mean('c_t', 'floor'):.1f}) | FLD gap {mean('fld_gap', 'value'):.1f} "
            f"({mean('fld_gap', 'floor'):.1f}) | pressure {mean('pressure'):.2f} | FD ratio {mean('ratio', 'value'):.1f} | "
            f"coverage {mean('coverage', 'value'):.1%} | {mean('seconds'):.0f} s"
        )


def main() -> None:
    """The study."""
    seeds = [int(word) for word in sys.argv[1:]] or range(3)
    wanted = [(*place, seed) for seed in seeds for place in places()]
    table(study("creativity", wanted, ("way", "digits", "seed"), play))


if __name__ == "__main__":
    main()

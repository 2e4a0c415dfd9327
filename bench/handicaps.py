"""Does the adaptive balance save games in which one side was given too much?

    python bench/handicaps.py grid            # 9 regimes x 10 seeds x fixed, adaptive
    python bench/handicaps.py digits          # the same regimes, 2 seeds, narrow networks
    python bench/handicaps.py grid 100        # another seed

The handicaps: learning rate of D over that of G 0.1, 1, 10 (their product stays), width of D over that of G 1/4, 1, 4. Both
balances play equally many images, with one setting for all regimes, and leave what a run leaves: its best point, chosen by
the referee part. `grid`: recipe `islands`; a run succeeds if all 25 modes are there and at least 90 % of the points are
good (within 3 sigma), of the generator alone, and of what an opponent keeps. `digits`: 20 kimg; measured by the sliced
Wasserstein distance to the held-out part, and a run succeeds if that is at most 1.5 times the median of the fixed runs
without a handicap.
"""

from __future__ import annotations

import copy
import itertools
import statistics
import sys
import time
from dataclasses import asdict, replace
from typing import Any

import torch
from cells import Cell, study

import duelo
from duelo import rejection
from duelo.build import build, opponent, pair_of, schedule
from duelo.intervals import wilson
from duelo.learner import Learner, crossed, sample
from duelo.measure import judged, score, sliced_wasserstein
from duelo.recipes import Recipe

RATES, WIDTHS, RULES = (0.1, 1.0, 10.0), (0.25, 1.0, 4.0), ("fixed", "adaptive")
SETTINGS: dict[str, dict[str, Any]] = {
    "grid": {"generator.rate": 3e-3, "discriminator.rate": 3e-3},
    "digits": {
        "kimg": 20,
        "networks.width": 16,
        "play.batch": 32,
        "generator.rate": 2e-3,
        "discriminator.rate": 2e-3,
        "balance.look_kimg": 0.5,
        "save.judge_kimg": 2.5,
    },
}
RECIPES = {"grid": "islands", "digits": "digits"}
POINTS, IMAGES, JUDGED, JUDGE_KIMG = 50_000, 2_000, 1_000, 500


def begin(data: str, rate: float, width: float, rule: str, seed: int) -> tuple[Recipe, Learner]:
    """The recipe with its handicap, and the game; D gets its own width."""
    plain = duelo.resolve(data, RECIPES[data], {**SETTINGS[data], "seed": seed, "balance.rule": rule})
    rates = {
        "generator": plain.generator.model_copy(update={"rate": plain.generator.rate / rate**0.5}),
        "discriminator": plain.discriminator.model_copy(update={"rate": plain.discriminator.rate * rate**0.5}),
    }
    recipe = plain.model_copy(update=rates)
    if width == 1:
        return recipe, build(recipe)
    broad = recipe.networks.model_copy(update={"width": int(width * recipe.networks.width)})
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        mine = pair_of(recipe)
        torch.manual_seed(seed)
        theirs = pair_of(recipe.model_copy(update={"networks": broad}))
    return recipe, build(recipe, pair=replace(mine, discriminator=theirs.discriminator))


def play(data: str, rate: float, width: float, rule: str, seed: int) -> Cell:
    """One game, and how it ended."""
    recipe, game = begin(data, rate, width, rule, seed)
    dataset = duelo.load(data)
    start, balance = time.perf_counter(), schedule(recipe)
    leads: list[float] = []
    best, best_at, weights = float("inf"), 0, game.ema.state_dict()
    referee = dataset.referee.drawn(JUDGED)
    for tick in game.rounds(dataset.train, seed, balance, dataset.referee, recipe.balance.look_kimg):
        if tick.duel is not None:
            leads.append(round(tick.duel.lead, 3))
        ended = tick.nimg >= recipe.length
        if ended or crossed(tick.nimg - recipe.play.batch, tick.nimg, recipe.save.judge_kimg):
            distance = judged(sample(game, len(referee), seed), referee).value
            if distance < best:
                best, best_at, weights = distance, tick.nimg, copy.deepcopy(game.ema.state_dict())
        if ended:
            break
    game.ema.load_state_dict(weights)
    cell: Cell = {
        "seconds": time.perf_counter() - start,
        "leads": leads[:: max(1, len(leads) // 10)],
        "state": balance.state(),
        "best_kimg": best_at / 1000,
    }
    if dataset.truth is None:
        fakes, others = sample(game, IMAGES, seed), dataset.train.drawn(IMAGES)
        reals = dataset.heldout.drawn(IMAGES)
        return cell | {"distance": sliced_wasserstein(fakes, reals), "floor": sliced_wasserstein(others, reals)}
    cell["generator"] = asdict(score(sample(game, POINTS, seed, chunk=10_000), dataset.truth))
    try:
        judge = rejection.train_judge(game, opponent(recipe), dataset.train, JUDGE_KIMG)
        kept, share = rejection.choose(game, judge, POINTS, seed)
        cell["chosen"], cell["kept"] = asdict(score(kept, dataset.truth)), share
    except rejection.TooFew:
        cell["chosen"], cell["kept"] = None, 0.0
    return cell


def succeeded(cells: list[Cell], cell: Cell, who: str) -> bool:
    """All modes and 90 % good points; or for digits, a distance not much larger than without a handicap."""
    if cell["data"] == "digits":
        even = [c["distance"] for c in cells if c["rule"] == "fixed" and c["rate"] == c["width"] == 1]
        return bool(even) and cell["distance"] <= 1.5 * statistics.median(even)
    return cell[who] is not None and cell[who]["modes"] == cell[who]["k"] and cell[who]["good"] >= 0.9


def table(cells: list[Cell], data: str) -> None:
    """Successes by regime and rule."""
    mine = [cell for cell in cells if cell["data"] == data]
    for who in ("generator", "chosen") if data == "grid" else ("generator",):
        print(f"{data}, {who}: successes")
        for rate, width in itertools.product(RATES, WIDTHS):
            row = f"  rate x {rate:<4g} width x {width:<5g}"
            for rule in RULES:
                here = [c for c in mine if (c["rate"], c["width"], c["rule"]) == (rate, width, rule)]
                row += f"  {rule} {sum(succeeded(mine, c, who) for c in here)}/{len(here)}"
                if data == "digits" and here:
                    row += f" (distance {statistics.median(c['distance'] for c in here):.1f})"
            print(row)
        for rule in RULES:
            here = [c for c in mine if c["rule"] == rule]
            if here:
                hits = sum(succeeded(mine, c, who) for c in here)
                low, high = wilson(hits / len(here), len(here))
                print(f"  {rule}: {hits}/{len(here)} = {hits / len(here):.1%} ({low:.1%} to {high:.1%})")


def main() -> None:
    """The study."""
    data = sys.argv[1] if len(sys.argv) > 1 else "grid"
    seeds = [int(word) for word in sys.argv[2:]] or range(10 if data == "grid" else 2)
    wanted = ((data, rate, width, rule, seed) for seed in seeds for rate in RATES for width in WIDTHS for rule in RULES)
    table(study("handicaps", wanted, ("data", "rate", "width", "rule", "seed"), play), data)


if __name__ == "__main__":
    main()

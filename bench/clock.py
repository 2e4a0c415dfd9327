"""A training of so many seconds on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch

from duelo.data import Dataset
from duelo.learner import Learner, Round, crossed
from duelo.pace import Pace
from duelo.recipes import Recipe

WAITS = 100  # times in a run that a GPU is waited for, so that the clock tells what was done


def rounds(learner: Learner, recipe: Recipe, dataset: Dataset) -> Iterator[tuple[Round, float, bool]]:
    """Each round, the seconds that all so far took, and whether it is the last; what is done between them is not counted.

    A recipe with minutes ends with them, its length corrected on the way, as that of `duelo train --minutes` is.
    """
    learner.prepare()
    pace, clock, before, start = Pace(recipe), 0.0, 0, time.perf_counter()
    for tick in learner.rounds(dataset.train, recipe.seed, pace, dataset.referee, recipe.balance.look_kimg):
        if learner.device.type == "cuda" and crossed(before, tick.nimg, recipe.kimg / WAITS):
            torch.cuda.synchronize()
        clock, before = clock + time.perf_counter() - start, tick.nimg
        pace.correct(tick.nimg, clock)
        over = tick.nimg >= pace.recipe.length or (recipe.minutes is not None and clock >= 60 * recipe.minutes)
        yield tick, clock, over
        if over:
            return
        start = time.perf_counter()

"""How fast a training goes on this machine, on how many threads, and how long a run of so many minutes must be."""

from __future__ import annotations

import os
import time
from typing import Any

import psutil  # type: ignore[import-untyped]
import torch

from duelo.balance import Balance, Controls, Duel
from duelo.build import build, schedule
from duelo.data import Dataset
from duelo.recipes import Recipe

TRIED = 8.0  # seconds in which the speed is measured before a run, at most a tenth of its time
CORRECTIONS = 20  # of a run's length, on its way


def leave_room(seconds: float = 0.3) -> tuple[int, int]:
    """Let torch use no more threads than other programs leave cores idle, looked at for `seconds`: how many, of how many.

    At least one; all of them where OMP_NUM_THREADS is set. A round waits for its slowest thread, so that two threads of
    which one has to share its core are far slower than one alone (docs/speed.md).
    """
    most = torch.get_num_threads()
    if most == 1 or "OMP_NUM_THREADS" in os.environ:
        return most, most
    idle = (1 - psutil.cpu_percent(seconds) / 100) * (psutil.cpu_count() or 1)
    torch.set_num_threads(max(1, min(most, round(idle))))
    return torch.get_num_threads(), most


def images_per_second(recipe: Recipe, dataset: Dataset, device: str, seconds: float) -> float:
    """The speed of training on this machine, measured by playing `seconds` of a game that is thrown away."""
    game = build(recipe, device)
    rounds = game.rounds(dataset.train, recipe.seed, schedule(recipe), dataset.referee, recipe.balance.look_kimg)
    for _ in range(5):  # the first rounds are slower
        next(rounds)
    start, nimg = time.perf_counter(), game.nimg
    while time.perf_counter() - start < seconds:
        for values in next(rounds).figures().values():  # a GPU must have finished the round before the clock is read
            values.sum().item()
    return (game.nimg - nimg) / (time.perf_counter() - start)


def planned(recipe: Recipe, dataset: Dataset, device: str = "cpu") -> Recipe:
    """The recipe with the kimg that should fit in its minutes on this machine, by a short trial; `Pace` corrects it."""
    assert recipe.minutes is not None
    speed = images_per_second(recipe, dataset, device, min(TRIED, 6 * recipe.minutes))
    kimg = max(round(speed * 60 * recipe.minutes / 1000, 1), recipe.play.batch / 1000)
    return recipe.model_copy(update={"kimg": kimg})


class Pace(Balance):
    """The balance of a recipe, and its length: where it was asked for in minutes, it follows the speed of the run itself.

    A trial of some seconds cannot foresee a laptop that grows hot or gets other work, and the rates must have fallen when
    the time is over. So the length is chosen anew each time that a twentieth of the minutes has passed, by the mean speed
    since this process took over, with all that a run does beside training. recipe: the recipe with the length in force.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.inner = recipe, schedule(recipe)
        self.start(0, 0.0)

    def start(self, nimg: int, seconds: float) -> None:
        """This process takes over when `nimg` images have been seen in `seconds` of training."""
        self.nimg, self.seconds, self.corrected = nimg, seconds, seconds

    def correct(self, nimg: int, seconds: float) -> bool:
        """Choose the length anew if that is due, when `nimg` images have been seen in `seconds`. Was it?"""
        minutes = self.recipe.minutes
        if minutes is None or seconds - self.corrected < 60 * minutes / CORRECTIONS:
            return False
        self.corrected = seconds
        speed = (nimg - self.nimg) / (seconds - self.seconds)
        length = nimg + speed * max(60 * minutes - seconds, 0.0)
        self.recipe = self.recipe.model_copy(update={"kimg": round(length / 1000, 1) or nimg / 1000})
        memory, self.inner = self.inner.state(), schedule(self.recipe)
        self.inner.load(memory)
        return True

    def __call__(self, nimg: int) -> Controls:
        return self.inner(nimg)

    def watch(self, duel: Duel) -> None:
        """Pass it on."""
        self.inner.watch(duel)

    def state(self) -> dict[str, Any]:
        """What the recipe's balance remembers."""
        return self.inner.state()

    def load(self, state: dict[str, Any]) -> None:
        """Take back what ``state()`` gave."""
        self.inner.load(state)

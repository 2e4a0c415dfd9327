"""The point of each chapter of the lesson: something that must really happen in the live game, watched for at each tick."""

from __future__ import annotations

import statistics
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from duelo.balance import Duel

if TYPE_CHECKING:
    from duelo.lab.worker import Worker

EVEN = 0.05  # so near to one half an accuracy counts as even
LOOKS = 5  # whose mean is taken: one look is 256 samples of each kind


class Point(ABC):
    """A chapter's point. Once it is reached, it stays so until a new game.

    goal: what the value must come to; reached: did it?
    """

    goal: float
    reached = False

    def see(self, worker: Worker) -> dict[str, Any]:
        """How far the game is from the point: {"reached", "value", "goal"}; value None while there is none."""
        value = self.value(worker)
        self.reached = self.reached or (value is not None and self.there(value, worker))
        return {"reached": self.reached, "value": value, "goal": self.goal}

    @abstractmethod
    def value(self, worker: Worker) -> float | None:
        """The number that matters; None while there is none."""

    def there(self, value: float, worker: Worker) -> bool:
        """Is that it?"""
        return value <= self.goal


class Nearer(Point):
    """The fakes have come nearer to the data: the judgement, as a share of what it was at the beginning."""

    def __init__(self, goal: float) -> None:
        self.goal = goal

    def value(self, worker: Worker) -> float | None:
        """The share; with a rival, the larger of both."""
        assert worker.game is not None
        now, first = worker.game.judgement, worker.game.first_judgement
        return float(max(now[name] / first[name] for name in ("value", "rival") if name in first))


class Vanished(Point):
    """The generator's gradient is next to nothing: its length, as a share of the first; the median of the latest."""

    goal = 0.05

    def __init__(self) -> None:
        self.first: float | None = None
        self.latest: deque[float] = deque(maxlen=LOOKS)

    def value(self, worker: Worker) -> float | None:
        """The share."""
        game = worker.game
        assert game is not None
        if not game.recent:
            return None
        length = game.gradients()["generator"]
        self.first = self.first or length
        if not self.first:  # it had no turn yet
            return None
        self.latest.append(length / self.first)
        return statistics.median(self.latest) if len(self.latest) == LOOKS else None


class Even(Point):
    """D is right half of the time on referee images and fakes; all modes are found, and most fakes are good ones."""

    goal, GOOD = 0.5, 0.5

    def __init__(self) -> None:
        self.looks = Looks(lambda duel: (duel.referee_right + duel.fake_right) / 2)

    def value(self, worker: Worker) -> float | None:
        """How often D is right, over the latest looks."""
        return self.looks.mean(worker)

    def there(self, value: float, worker: Worker) -> bool:
        """Even, and every mode is there."""
        assert worker.game is not None
        found = worker.game.judgement
        complete = found.get("modes") == found.get("k") and found.get("good", 0) >= self.GOOD
        return complete and abs(value - self.goal) <= EVEN


class Collapsed(Point):
    """Many of the fakes are good ones, but of fewer than half of the modes, at several judgements in a row."""

    goal = 4.0
    JUDGEMENTS, GOOD = 4, 0.25

    def __init__(self) -> None:
        self.since = 0
        self.seen: dict[str, Any] = {}

    def value(self, worker: Worker) -> float | None:
        """How many modes are found."""
        assert worker.game is not None
        found = worker.game.judgement
        if found is not self.seen:
            self.seen = found
            few = 0 < found.get("modes", 0) < found.get("k", 0) / 2
            self.since = self.since + 1 if few and found["good"] >= self.GOOD else 0
        modes: int | None = found.get("modes")
        return modes

    def there(self, value: float, worker: Worker) -> bool:
        """For a while."""
        return self.since >= self.JUDGEMENTS


class Copied(Point):
    """The fakes lie much nearer to training images than other real images do: the mean distance over that of these."""

    goal = 0.6

    def value(self, worker: Worker) -> float | None:
        """The share."""
        found = worker.neighbours
        return None if found is None else found.distance / found.apart


class Released(Point):
    """First the critic learns alone, until it tells apart what a frozen actor makes; then the actor is released, and comes
    nearer to the data by nothing but the critic's gradient. value: phase 1, the critic's accuracy; phase 2, the judgement as
    a share of what it was when the actor was released."""

    SURE, HALF = 0.95, 0.5

    def __init__(self) -> None:
        self.looks = Looks(lambda duel: min(duel.referee_right, duel.fake_right), 2)
        self.phase, self.goal, self.before = 1, self.SURE, 0.0

    def see(self, worker: Worker) -> dict[str, Any]:
        """Besides, which phase it is."""
        return {**super().see(worker), "phase": self.phase}

    def value(self, worker: Worker) -> float | None:
        """That of the phase."""
        game = worker.game
        assert game is not None
        if self.phase == 1:
            accuracy = self.looks.mean(worker)
            if accuracy is None or accuracy < self.SURE:
                return accuracy
            self.phase, self.goal, self.before = 2, self.HALF, game.judgement["value"]
            game.change(replace(game.settings, generator_steps=1))
            worker.tell("settings", game.settings.values())
        return float(game.judgement["value"]) / self.before

    def there(self, value: float, worker: Worker) -> bool:
        """Has the actor come half of the way?"""
        return self.phase == 2 and value <= self.goal


class Looks:
    """The mean of something over the referee's latest looks."""

    def __init__(self, what: Callable[[Duel], float], n: int = LOOKS) -> None:
        self.what, self.n = what, n
        self.latest: deque[float] = deque(maxlen=n)
        self.seen = 0

    def mean(self, worker: Worker) -> float | None:
        """The mean, once there are enough looks."""
        game = worker.game
        assert game is not None
        if game.duel is not None and game.looks != self.seen:
            self.seen = game.looks
            self.latest.append(self.what(game.duel))
        return statistics.fmean(self.latest) if len(self.latest) == self.n else None


POINTS: dict[str, Callable[[], Point]] = {
    "networks": lambda: Nearer(0.25),
    "expert": Vanished,
    "equilibrium": Even,
    "collapse": Collapsed,
    "copying": Copied,
    "vae": lambda: Nearer(0.5),
    "actor_critic": Released,
}


def point_of(chapter: str) -> Point | None:
    """The point of a chapter, or None for one that has none."""
    return POINTS[chapter]() if chapter in POINTS else None

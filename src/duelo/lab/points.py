"""The point of each chapter of the lesson: something that must really happen in the live game, watched for at each tick."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duelo.lab.worker import Worker


class Point(ABC):
    """A chapter's point. Once it is reached, it stays so until a new game."""

    goal: float

    def __init__(self, chapter: str) -> None:
        self.chapter = chapter
        self.reached = False

    def see(self, worker: Worker) -> dict[str, Any]:
        """How far the game is from the point: {"id", "reached", "value", "goal"}."""
        value = self.value(worker)
        self.reached = self.reached or (value is not None and self.there(value, worker))
        return {"id": self.chapter, "reached": self.reached, "value": value, "goal": self.goal}

    @abstractmethod
    def value(self, worker: Worker) -> float | None:
        """The number that matters; None while there is none."""

    def there(self, value: float, worker: Worker) -> bool:
        """Is that it?"""
        return value <= self.goal


def point_of(chapter: str) -> Point | None:
    """The point of a chapter, or None for one that has none."""
    return None

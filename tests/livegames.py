"""Small live games for tests, and the library's own by which they are judged."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from duelo import data
from duelo.build import build
from duelo.lab.settings import Settings, changed, defaults, recipe_of
from duelo.play import Game

SMALL = {"width": 16, "batch": 64}


def ring(**changes: Any) -> Settings:
    return changed(defaults("ring"), {**SMALL, **changes})


def weights(network: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in network.parameters()]


def same(before: list[Tensor], after: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def by_hand(settings: Settings) -> tuple[Game, Any]:
    """The library's own game with these settings, and its data."""
    game = build(recipe_of(settings))
    assert isinstance(game, Game)
    return game, data.load("ring")

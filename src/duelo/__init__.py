"""duelo: train, measure, explain and use generative adversarial networks.

This page lists every public name; each is loaded when it is first used, so that the command line can answer without
waiting for torch.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duelo.balance import Adaptive, Balance, Controls, Duel, Schedule, annealed, fixed
    from duelo.data import Dataset, Mixture, Part, grid, load, ring
    from duelo.data.pixels import tile
    from duelo.folder import RunFolder, find_runs
    from duelo.learner import Learner, sample
    from duelo.networks import PAIRS, Pair, convolutional, islands, lecture, residual, silva, toy, upsampling, vae
    from duelo.objectives import OBJECTIVES, Objective, gradient_penalty, rules_of
    from duelo.play import Game, Tick, play
    from duelo.presets import PRESETS
    from duelo.recipes import Recipe, resolve
    from duelo.run import Moment, train
    from duelo.saves import load_game
    from duelo.vae import Vae
    from duelo.verdict import measure
    from duelo.words import TrainingFailed, UserError

__version__ = "0.1.0"

_PLACES = {
    "duelo.balance": ["Adaptive", "Balance", "Controls", "Duel", "Schedule", "annealed", "fixed"],
    "duelo.data": ["Dataset", "Mixture", "Part", "grid", "load", "ring"],
    "duelo.data.pixels": ["tile"],
    "duelo.folder": ["RunFolder", "find_runs"],
    "duelo.networks": [
        "PAIRS",
        "Pair",
        "convolutional",
        "islands",
        "lecture",
        "residual",
        "silva",
        "toy",
        "upsampling",
        "vae",
    ],
    "duelo.objectives": ["OBJECTIVES", "Objective", "gradient_penalty", "rules_of"],
    "duelo.learner": ["Learner", "sample"],
    "duelo.play": ["Game", "Tick", "play"],
    "duelo.presets": ["PRESETS"],
    "duelo.recipes": ["Recipe", "resolve"],
    "duelo.run": ["Moment", "train"],
    "duelo.saves": ["load_game"],
    "duelo.vae": ["Vae"],
    "duelo.verdict": ["measure"],
    "duelo.words": ["TrainingFailed", "UserError"],
}
_HOME = {name: place for place, names in _PLACES.items() for name in names}
__all__ = [
    "OBJECTIVES",
    "PAIRS",
    "PRESETS",
    "Adaptive",
    "Balance",
    "Controls",
    "Dataset",
    "Duel",
    "Game",
    "Learner",
    "Mixture",
    "Moment",
    "Objective",
    "Pair",
    "Part",
    "Recipe",
    "RunFolder",
    "Schedule",
    "Tick",
    "TrainingFailed",
    "UserError",
    "Vae",
    "annealed",
    "convolutional",
    "find_runs",
    "fixed",
    "gradient_penalty",
    "grid",
    "islands",
    "lecture",
    "load",
    "load_game",
    "measure",
    "play",
    "residual",
    "resolve",
    "ring",
    "rules_of",
    "sample",
    "silva",
    "tile",
    "toy",
    "train",
    "upsampling",
    "vae",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'duelo' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


class _Page(ModuleType):
    """A module whose public functions are not hidden by submodules of the same name (`duelo.play` is the function)."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Page

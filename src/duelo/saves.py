"""What a run saves and brings back: its folder, checkpoints, the best point, and what befell it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from duelo import checkpoint, machine, recipes, stats
from duelo.balance import Balance
from duelo.build import build
from duelo.checkpoint import CheckpointError, write_atomically, writing
from duelo.data import Dataset
from duelo.data.pixels import png, tile
from duelo.folder import RunFolder
from duelo.learner import Learner
from duelo.recipes import Recipe
from duelo.words import UserError

GRID = 100  # images in a sample grid


class Diverged(Exception):
    """A number of the training is no longer finite, or beyond all measure. name: which one. nimg: when."""

    def __init__(self, name: str, nimg: int) -> None:
        self.name, self.nimg = name, nimg
        super().__init__(name)


@dataclass
class Memory:
    """What a run remembers beside the game and the balance.

    best: the best judgement so far and its time, (value, nimg). duel: how the duel stood at the last look, if no line of the
    statistics has said so yet. rescues: each time that the run fell apart: when, by what, and where it went back to.
    """

    best: tuple[float, int] | None = None
    duel: dict[str, Any] | None = None
    rescues: list[dict[str, Any]] = field(default_factory=list)

    def calm(self, nimg: int) -> float:
        """The factor on the learning rates at `nimg`: half for each rescue that went back to before it."""
        return float(0.5 ** sum(rescue["back_to"] <= nimg for rescue in self.rescues))


def write_recipe(recipe: Recipe, folder: RunFolder) -> None:
    """Make the folder this recipe's, or leave it so."""
    text = recipes.to_toml(recipe).encode()
    if not folder.exists() or folder.recipe_file.read_bytes() != text:
        write_atomically(folder.recipe_file, text)


def settle(recipe: Recipe, folder: RunFolder, dataset: Dataset) -> None:
    """Write what a run's folder says of its recipe and its data, where it does not yet."""
    write_recipe(recipe, folder)
    make_folders(folder)
    parts = {"train": dataset.train, "referee": dataset.referee, "heldout": dataset.heldout, "test": dataset.test}
    sizes = {name: len(part) for name, part in parts.items() if part is not None}
    facts = {"parts": sizes, "classes": len(dataset.classes), "shape": dataset.shape}
    write_atomically(folder.data_file, json.dumps(facts, indent=2).encode())
    if not recipe.points and not folder.data_picture.exists():
        write_atomically(folder.data_picture, png(tile(dataset.train.first(GRID), columns=10)))


def make_folders(folder: RunFolder) -> None:
    """The folders inside a run's folder, and nothing in them that a kill left of an atomic write."""
    for place in (folder.path, folder.samples_folder, folder.checkpoints_folder):
        with writing(place):
            place.mkdir(exist_ok=True)
            for leftover in place.glob(".*.tmp"):
                leftover.unlink(missing_ok=True)


def keep(learner: Learner, balance: Balance, memory: Memory, recipe: Recipe, folder: RunFolder, path: Path) -> None:
    """Save a checkpoint in `path`; the oldest beyond the number to keep go. Raises Diverged if something is spoiled."""
    tree: dict[str, Any] = {
        "game": learner.state(),
        "balance": balance.state(),
        "best": memory.best,
        "duel": memory.duel,
        "stats": stats.state(),
        "threads": torch.get_num_threads(),
    }
    for part in ("generator", "discriminator", "ema"):
        for name, value in tree["game"][part].items():
            if not value.isfinite().all():
                raise Diverged(f"{part}.{name}", learner.nimg)
    with writing(folder.stats_file), folder.stats_file.open("ab") as file:
        os.fsync(file.fileno())  # the lines up to here must be as safe as the checkpoint that follows them
    checkpoint.save(path, tree)
    for old in folder.checkpoints()[recipe.save.checkpoints :]:
        with writing(old):
            old.unlink(missing_ok=True)


def restore(learner: Learner, balance: Balance, memory: Memory, folder: RunFolder) -> tuple[int | None, list[Path]]:
    """Load the newest checkpoint that is whole: the number of threads it was made with, and the spoiled ones passed over.

    The number is None where there is no checkpoint.

    Raises UserError if every checkpoint is spoiled, or they are of other networks.
    """
    memory.rescues = folder.rescues()
    tree, spoiled = _newest(learner, folder.checkpoints(), folder)
    if tree is None:
        return None, spoiled
    balance.load(tree["balance"])
    memory.best = None if tree["best"] is None else (tree["best"][0], tree["best"][1])
    memory.duel = tree["duel"]
    stats.load(tree["stats"])
    threads: int = tree["threads"]
    return threads, spoiled


def _newest(learner: Learner, files: list[Path], folder: RunFolder) -> tuple[dict[str, Any] | None, list[Path]]:
    """Load the first of `files` that is whole into `learner`: what it holds, and the spoiled ones before it."""
    spoiled = []
    for path in files:
        try:
            tree: dict[str, Any] = checkpoint.load(path)
            learner.load(tree["game"])
        except FileNotFoundError:  # a training that goes on has just replaced it
            return _newest(learner, folder.checkpoints(), folder)
        except CheckpointError:
            spoiled.append(path)
        except (RuntimeError, KeyError, ValueError, TypeError) as error:
            raise UserError("checkpoint.other_networks", path=path) from error
        else:
            return tree, spoiled
    if spoiled:
        raise UserError("checkpoint.none_whole", path=folder.checkpoints_folder)
    return None, []


def load_game(folder: RunFolder, device: str = "auto", newest: bool = False) -> tuple[Learner, Recipe]:
    """A run's game at its best point, or at its newest whole checkpoint if none was judged; its data is not needed.

    newest: not the best point. Raises UserError if there is none.
    """
    recipe = folder.recipe()
    learner = build(recipe, machine.find_device(device))
    best = [folder.best_file] if folder.best_file.is_file() and not newest else []
    tree, _ = _newest(learner, [*best, *folder.checkpoints()], folder)
    if tree is None:
        raise UserError("run.no_checkpoint", path=folder.path)
    return learner, recipe


def is_whole(path: Path) -> bool:
    """Can this checkpoint be read?"""
    try:
        checkpoint.load(path)
    except CheckpointError:
        return False
    return True


def trim_stats(folder: RunFolder, nimg: int) -> float:
    """Drop the lines after `nimg` (they will be written again): the training seconds up to there."""
    kept = [line for line in folder.stats() if line["nimg"] <= nimg]
    write_atomically(folder.stats_file, "".join(json.dumps(line) + "\n" for line in kept).encode())
    return float(kept[-1]["time"]["seconds"]) if kept else 0.0


def remember_rescue(folder: RunFolder, name: str, nimg: int) -> None:
    """Write down that the run fell apart, and that it goes back to its newest checkpoint."""
    rescues = [*folder.rescues(), {"nimg": nimg, "name": name, "back_to": folder.images_seen()}]
    write_atomically(folder.rescues_file, json.dumps({"rescues": rescues}, indent=2).encode())


def remember_end(folder: RunFolder, nimg: int, why: str) -> None:
    """Write down that the run ends at `nimg`, before its length."""
    write_atomically(folder.end_file, json.dumps({"nimg": nimg, "why": why}).encode())

"""Are variational autoencoders better? The lecture's claim L3, tested: the default GAN against VAEs of one stage and of two.

    python bench/rival.py              # 120 seconds of training each, seeds 0 to 4: an hour and a half
    python bench/rival.py 60 0 1       # other seconds, other seeds

Each recipe trains on digits for the same time, in turn (GAN, VAE, two stages, GAN, ...), with networks of the same make and
width; its speed is measured first and sets the length, so that its rates have fallen when the clock stops. Nothing else may
run meanwhile. The averaged generator as it then stands makes 10,000 digits, kept in runs/rival with a grid to be looked at.
When all have trained, their samples are judged: the ratio of FD-digits to that of real training digits, coverage, the
smallest and the largest fresh opponent (of real digits they say 50 %: bench/calibration.py), copies. Each finished cell is
written to bench/results/rival.jsonl; started again, the study goes on where it stopped.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from statistics import median

import numpy as np
import torch
from cells import Cell, side_by_side, study
from clock import rounds

import duelo
from duelo.build import build
from duelo.learner import sample
from duelo.measure import copying, fresh_opponents, load_features, quality
from duelo.pace import planned

WORK = Path(__file__).parents[1] / "runs/rival"
RECIPES = {"digits": "GAN", "vae": "VAE", "vae2": "two-stage VAE"}
SEEDS, SECONDS, N = range(5), 120, 10_000


def place(recipe: str, seed: int, seconds: int) -> Path:
    """Where the samples of a training are."""
    return WORK / f"{recipe}-{seconds}s-seed{seed}.npz"


def train(recipe_name: str, seed: int, seconds: int) -> None:
    """Train, unless that was done, and keep 10,000 samples and what the training took."""
    file = place(recipe_name, seed, seconds)
    if file.exists():
        return
    dataset = duelo.load("digits")
    recipe = planned(duelo.resolve("digits", recipe_name, {"minutes": seconds / 60, "seed": seed}), dataset)
    learner = build(recipe)
    clock = max(seconds for _, seconds, _ in rounds(learner, recipe, dataset))
    took = {
        "seconds_taken": round(clock, 1),
        "kimg": round(learner.nimg / 1000, 1),
        "kimg_planned": recipe.kimg,
        "weights": {side: sum(p.numel() for p in net.parameters()) for side, net in learner.pair.sides().items()},
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    images = sample(learner, N, seed)
    duelo.tile(images[:100], columns=10).save(file.with_suffix(".png"))
    np.savez_compressed(file, images=images.numpy(), took=json.dumps(took))
    print(recipe_name, seed, took, flush=True)


def judge(recipe: str, seed: int, seconds: int) -> Cell:
    """What the samples of a training are worth."""
    kept, dataset, features = np.load(place(recipe, seed, seconds)), duelo.load("digits"), load_features("digits")
    images = torch.from_numpy(kept["images"])
    train, heldout = (part.first(len(part)) for part in (dataset.train, dataset.heldout))
    good = quality(train, heldout, images, features, seed)
    met = fresh_opponents(heldout, images, None, seed, sizes=("small", "large"))
    return json.loads(str(kept["took"])) | {
        "ratio": asdict(good.ratio),
        "precision": asdict(good.precision),
        "coverage": asdict(good.coverage),
        "opponents": {one.size: asdict(one.accuracy) for one in met},
        "copies": asdict(copying(train, heldout, images, features, seed).share),
    }


def table(cells: list[Cell], seconds: int) -> None:
    """Medians over the seeds, and their range."""
    for recipe, name in RECIPES.items():
        mine = [cell for cell in cells if (cell["recipe"], cell["seconds"]) == (recipe, seconds)]
        if not mine:
            continue
        figures = {
            "FD ratio": [cell["ratio"]["value"] for cell in mine],
            "precision": [cell["precision"]["value"] for cell in mine],
            "coverage": [cell["coverage"]["value"] for cell in mine],
            "small opponent": [cell["opponents"]["small"]["value"] for cell in mine],
            "large opponent": [cell["opponents"]["large"]["value"] for cell in mine],
            "copies": [cell["copies"]["value"] for cell in mine],
            "kimg": [cell["kimg"] for cell in mine],
            "seconds": [cell["seconds_taken"] for cell in mine],
        }
        told = (f"{what} {median(found):.3g} ({min(found):.3g} to {max(found):.3g})" for what, found in figures.items())
        print(f"{name}, {len(mine)} seeds: {', '.join(told)}; weights {mine[0]['weights']}")


def main() -> None:
    """The study."""
    words = [int(word) for word in sys.argv[1:]]
    seconds, seeds = (words[0] if words else SECONDS), words[1:] or SEEDS
    WORK.mkdir(parents=True, exist_ok=True)
    wanted = [(recipe, seed, seconds) for seed in seeds for recipe in RECIPES]
    for one in wanted:
        train(*one)
    side_by_side([place(recipe, seeds[0], seconds).with_suffix(".png") for recipe in RECIPES], "rivals.png")
    table(study("rival", wanted, ("recipe", "seed", "seconds"), judge), seconds)


if __name__ == "__main__":
    main()

"""Are variational autoencoders better? The lecture's claim L3, tested: the default GAN against VAEs of one stage and of two.

    python bench/rival.py [seconds]

Each recipe trains on digits for the same time (60 s), with three seeds, in turn (GAN, VAE, two stages, GAN, ...), by the
command a user would give; `--minutes` measures the speed first and sets the length, so the seconds that a run took in the
end are in its cell. A run's best point, chosen with the referee part, makes 10,000 digits, and the sliced Wasserstein
distance between these and the held-out part (10,000) is the judgement, in grey levels; the floor beside it is the distance
between as many training digits and the same part. It compares patches of pixels and the whole at 7 x 7, and knows nothing
of digits: the grids in runs/rival are to be looked at. Each finished cell is written to bench/results/rival.jsonl; started
again, the study goes on where it stopped.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

import duelo
from duelo.data import Part
from duelo.folder import RunFolder
from duelo.measure import sliced_wasserstein
from duelo.networks import Pair

RESULTS, WORK = Path(__file__).parent / "results/rival.jsonl", Path(__file__).parents[1] / "runs/rival"
RECIPES = ("digits", "vae", "vae2")
SEEDS, SECONDS, JUDGED = (0, 1, 2), 60.0, 10_000


def weights(pair: Pair) -> dict[str, int]:
    """How many numbers each network learns."""
    networks = {"generator": pair.generator, "discriminator": pair.discriminator}
    return {side: sum(p.numel() for p in network.parameters()) for side, network in networks.items()}


def train(recipe: str, seed: int, seconds: float, folder: Path) -> None:
    """A run as a user starts it; one that was cut off goes on."""
    length = ["--minutes", str(seconds / 60), "--seed", str(seed)]
    command = [sys.executable, "-m", "duelo", "train", "digits", "--recipe", recipe, *length, "--out", str(folder)]
    subprocess.run(command, check=True)


def judged(folder: Path, train_part: Part, heldout: Part) -> dict[str, Any]:
    """What a finished run came to."""
    game, recipe = duelo.load_game(RunFolder(folder), device="cpu")
    real = heldout.first(JUDGED)
    fakes = duelo.sample(game, len(real), seed=recipe.seed)
    duelo.tile(fakes[:100], columns=10).save(folder.with_suffix(".png"))
    lines = RunFolder(folder).stats()
    return {
        "distance": round(sliced_wasserstein(fakes, real), 3),
        "floor": round(sliced_wasserstein(train_part.first(len(real)), real), 3),
        "n": len(real),
        "training_s": lines[-1]["time"]["seconds"],
        "kimg": round(lines[-1]["nimg"] / 1000, 1),
        "best_kimg": round(game.nimg / 1000, 1),
        "weights": weights(game.pair),
    }


def main(seconds: float = SECONDS) -> None:
    cells = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    done = {(cell["recipe"], cell["seed"], cell["wanted_s"]) for cell in cells}
    dataset = duelo.load("digits")
    WORK.mkdir(parents=True, exist_ok=True)
    for seed in SEEDS:
        for recipe in RECIPES:
            if (recipe, seed, seconds) in done:
                continue
            folder = WORK / f"{recipe}-{seconds:g}s-seed{seed}"
            train(recipe, seed, seconds, folder)
            cell = {"recipe": recipe, "seed": seed, "wanted_s": seconds, **judged(folder, dataset.train, dataset.heldout)}
            cell |= {"threads": torch.get_num_threads(), "torch": torch.__version__, "machine": platform.machine()}
            cells.append(cell)
            with RESULTS.open("a") as file:
                file.write(json.dumps(cell) + "\n")
            print(json.dumps(cell), flush=True)
    for recipe in RECIPES:
        found = sorted(cell["distance"] for cell in cells if cell["recipe"] == recipe and cell["wanted_s"] == seconds)
        floor = fmean(cell["floor"] for cell in cells if cell["recipe"] == recipe and cell["wanted_s"] == seconds)
        print(f"{recipe:>7}: {fmean(found):.2f} ({found[0]:.2f} to {found[-1]:.2f}, {len(found)} seeds), floor {floor:.2f}")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]))

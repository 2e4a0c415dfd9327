"""Are variational autoencoders better? The lecture's claim L3, tested: the default GAN against VAEs of one stage and of two.

    python bench/rival.py              # 180 seconds of training each, seeds 0 to 4: some three hours
    python bench/rival.py 60 0 1       # other seconds, other seeds

Each recipe trains on digits for the same time, in turn (GAN, VAE, two stages, GAN, ...), by the command a user would
give, with the same networks; `--minutes` measures the speed first and sets the length, so the seconds that a run took in
the end are in its cell. A run's best point, chosen with the referee part, makes 10,000 digits, and `duelo measure` judges
them: the ratio of FD-digits to that of real training digits, coverage, fresh opponents, copies. Nothing else may run
meanwhile. The grids in runs/rival are to be looked at. Each finished cell is written to bench/results/rival.jsonl;
started again, the study goes on where it stopped.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path
from statistics import median

import torch
from cells import Cell, study

import duelo
from duelo import evidence, verdict
from duelo.folder import RunFolder
from duelo.networks import Pair

WORK = Path(__file__).parents[1] / "runs/rival"
RECIPES = ("digits", "vae", "vae2")
SEEDS, SECONDS = range(5), 180


def weights(pair: Pair) -> dict[str, int]:
    """How many numbers each network learns."""
    return {side: sum(p.numel() for p in network.parameters()) for side, network in pair.sides().items()}


def play(recipe: str, seed: int, seconds: int) -> Cell:
    """A run as a user starts it (one that was cut off goes on), and what it came to."""
    folder = WORK / f"{recipe}-{seconds}s-seed{seed}"
    length = ["--minutes", str(seconds / 60), "--seed", str(seed)]
    command = [sys.executable, "-m", "duelo", "train", "digits", "--recipe", recipe, *length, "--out", str(folder)]
    subprocess.run(command, check=True)
    samples = evidence.of_run(RunFolder(folder), seed=seed)
    found, pictures = verdict.assess(samples, seed=seed)
    verdict.keep(RunFolder(folder), found, pictures)
    game, _ = duelo.load_game(RunFolder(folder), device="cpu")
    duelo.tile(samples.generated[:100], columns=10).save(folder.with_suffix(".png"))
    lines = RunFolder(folder).stats()
    return {
        "ratio": found["quality"]["ratio"],
        "coverage": found["quality"]["coverage"],
        "opponents": {each["size"]: each["accuracy"] for each in found["equilibrium"]["opponents"]},
        "copies": found["copying"]["share"],
        "training_s": lines[-1]["time"]["seconds"],
        "kimg": round(lines[-1]["nimg"] / 1000, 1),
        "best_kimg": round(game.nimg / 1000, 1),
        "weights": weights(game.pair),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "machine": platform.machine(),
    }


def table(cells: list[Cell], seconds: int) -> None:
    """Medians over the seeds, and their range."""
    for recipe in RECIPES:
        mine = [cell for cell in cells if (cell["recipe"], cell["seconds"]) == (recipe, seconds)]
        if not mine:
            continue
        figures = {
            "FD ratio": [cell["ratio"]["value"] for cell in mine],
            "coverage": [cell["coverage"]["value"] for cell in mine],
            "largest opponent": [cell["opponents"]["large"]["value"] for cell in mine],
            "copies": [cell["copies"]["value"] for cell in mine],
            "seconds": [cell["training_s"] for cell in mine],
        }
        told = (f"{name} {median(found):.3g} ({min(found):.3g} to {max(found):.3g})" for name, found in figures.items())
        print(f"{recipe:>7}, {len(mine)} seeds: {', '.join(told)}")


def main() -> None:
    """The study."""
    words = [int(word) for word in sys.argv[1:]]
    seconds, seeds = (words[0] if words else SECONDS), words[1:] or SEEDS
    WORK.mkdir(parents=True, exist_ok=True)
    wanted = ((recipe, seed, seconds) for seed in seeds for recipe in RECIPES)
    table(study("rival", wanted, ("recipe", "seed", "seconds"), play), seconds)


if __name__ == "__main__":
    main()

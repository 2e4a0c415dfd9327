"""Stacked digits: how many of the thousand modes, and how evenly, after so many minutes?

    python bench/stacked.py cpu 120 way seed           # minutes on two threads
    python bench/stacked.py cuda 5 plain 0             # on a GPU

By PacGAN's protocol (Lin et al. 2018, section 4.2): 26,000 samples of the averaged generator, classified digit by digit,
modes found and KL of their shares from uniform, beside those of as many real triples. The clock starts when training
starts; it stands while the generator is looked at, which happens a few times on the way; the run ends with its rates at 0.
To try settings ("ways") with equally many images for all, kimg are asked for in place of minutes, as in
`python bench/stacked.py cuda 3000kimg residual 0`. Each finished cell is written to bench/results/stacked.jsonl.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from cells import Cell, study
from clock import rounds

import duelo
from duelo.build import build
from duelo.learner import crossed, sample
from duelo.machine import processor
from duelo.measure import load_features, modes
from duelo.pace import planned
from duelo.play import Game

N, LOOKS = 26_000, 4
PICTURES = Path(__file__).parents[1] / "runs/stacked"
WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("digits", {"networks.width": 64, "play.batch": 128, "play.ema_kimg": 50}),
    "relativistic": (
        "digits",
        {
            "networks.width": 64,
            "play.batch": 128,
            "play.ema_kimg": 50,
            "objective.loss": "relativistic",
            "objective.r2": 0.5,
        },
    ),
    "residual": ("residual", {"networks.width": 32, "play.batch": 128, "play.ema_kimg": 50}),
    "long": ("digits", {"networks.width": 64, "play.batch": 128, "play.ema_kimg": 200}),
    "small": ("digits", {}),
}


def play(device: str, length: str, way: str, seed: int) -> Cell:
    """One run, looked at on the way."""
    torch.set_num_threads(2 if device == "cpu" else 4)
    dataset, features = duelo.load("stacked-digits"), load_features("stacked-digits")
    preset, settings = WAYS[way]
    kimg = length.endswith("kimg")
    asked = {"kimg": float(length[:-4])} if kimg else {"minutes": float(length)}
    recipe = duelo.resolve("stacked-digits", preset, {**settings, **asked, "seed": seed})
    if not kimg:
        recipe = planned(recipe, dataset, device)
    heldout = dataset.heldout.first(N)
    game = build(recipe, device)
    assert isinstance(game, Game)
    curve = []
    for tick, clock, over in rounds(game, recipe, dataset):
        if over or crossed(tick.nimg - recipe.play.batch, tick.nimg, recipe.kimg / LOOKS):
            made = sample(game, N, seed)
            found = modes(made, heldout, features)
            curve.append([round(clock, 1), tick.nimg, asdict(found)])
            print(f"{way} {clock:.0f} s, {tick.nimg / 1000:.0f} kimg: {found.modes} modes, KL {found.kl:.4f}", flush=True)
    PICTURES.mkdir(parents=True, exist_ok=True)
    duelo.tile(made[:100], columns=10).save(PICTURES / f"{device}-{length}-{way}-seed{seed}.png")
    machine = processor(device)
    return {"seconds": clock, "kimg": tick.nimg / 1000, "curve": curve, "machine": machine, "torch": torch.__version__}


def main() -> None:
    """The study."""
    device, length, way, *seeds = sys.argv[1:]
    wanted = [(device, length, way, int(seed)) for seed in seeds or ("0", "1", "2")]
    for cell in study("stacked", wanted, ("device", "length", "way", "seed"), play):
        last = cell["curve"][-1][2]
        print(
            f"{cell['machine']}, {cell['way']}, seed {cell['seed']}: {cell['seconds']:.0f} s, {cell['kimg']:.0f} kimg: "
            f"{last['modes']} of 1000 modes (real {last['modes_floor']}), KL {last['kl']:.4f} "
            f"(real {last['kl_floor']:.4f}); of the {last['sure_n']} sure ones {last['sure_modes']}, {last['sure_kl']:.4f}"
        )


if __name__ == "__main__":
    main()

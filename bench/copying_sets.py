"""How many copies among ten thousand samples it takes for the measures of whole sets to notice.

    python bench/copying_sets.py SAMPLES.npz [seeds]     # SAMPLES.npz of `duelo sample`, of a generator of the default split

The twin test's own power: bench/copying_power.py. Copies of training digits, exact or altered, are planted among (a) real
digits that were neither trained on nor held out, (b) a generator's samples. Authenticity (Alaa et al. 2022), the distance
of MiFID (Bai et al. 2021), FLD's gap (Jiralerspong et al. 2023) and C_T (Meehan et al. 2020), as `duelo measure` takes
them. The alarm: more copying than real held-out members show (the floor), by a one-sided test at 1 %, with the errors of
both; for C_T, which is 0 for them, with its own error alone. Each finished cell is written to
bench/results/copying_sets.jsonl.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from cells import Cell, study
from copying_power import FRACTIONS, parts
from torch import Tensor

from duelo.measure.cells import assign, k_means
from duelo.measure.copying import CELLS, c_t_estimate, fld_gap_estimate, mean_estimate, share_estimate
from duelo.measure.estimate import Estimate
from duelo.measure.features import load_features
from duelo.measure.memorisation import authentic, cosine_distances
from duelo.measure.neighbours import nearest
from duelo.measure.planted import ALTERATIONS, altered
from duelo.measure.twins import ToTrain

LEVEL_Z = 2.33
MEASURES = ("authenticity", "memorisation", "fld_gap", "c_t")
BASES = ("real digits", "a generator's samples")


def estimates(train: Tensor, heldout: Tensor, samples: Tensor, seed: int) -> dict[str, Estimate]:
    """The four measures of samples [n, 1, 28, 28] uint8, in features."""
    features = load_features("digits")
    vectors = (features(train), features(heldout), features(samples))
    means = k_means(vectors[0], CELLS, seed)
    cells = [assign(x, means) for x in vectors]
    ours, theirs = (ToTrain.find(nearest, vectors[i], vectors[0], cells[i]) for i in (2, 1))
    half, other = torch.randperm(len(heldout), generator=torch.Generator().manual_seed(seed)).chunk(2)
    return {
        "authenticity": share_estimate(*(authentic(x.distance, x.index, vectors[0]) for x in (ours, theirs))),
        "memorisation": mean_estimate(*(cosine_distances(x, vectors[0]) for x in (vectors[2], vectors[1]))),
        "fld_gap": fld_gap_estimate(vectors, half, other, seed),
        "c_t": c_t_estimate(ours, theirs, half, other, seed),
    }


def alarm(name: str, found: dict[str, float]) -> bool:
    """Does it say that there is more copying than among real members?"""
    error = (found["high"] - found["low"]) / (2 * 1.96)
    if name == "c_t":
        return bool(found["value"] < -LEVEL_Z * error)
    return bool(found["value"] < found["floor"] - LEVEL_Z * 2**0.5 * error)


def play(base: str, alteration: str, fraction: float, seed: int) -> Cell:
    """One planting."""
    loaded = torch.from_numpy(np.load(Path(sys.argv[1]))["images"]).permute(0, 3, 1, 2)
    train, heldout, others = parts(seed, None if base == BASES[0] else loaded)
    chance = torch.Generator().manual_seed(1000 + seed)
    k = round(fraction * len(others))
    if k:
        originals = train[torch.randperm(len(train), generator=chance)[:k]]
        others = torch.cat([altered(originals, alteration, chance), others[k:]])
    found = estimates(train, heldout, others, seed)
    return {name: asdict(one) for name, one in found.items()}


def main() -> None:
    """The study."""
    seeds = [int(word) for word in sys.argv[2:]] or range(3)
    places = [("none", 0.0), *((alteration, fraction) for alteration in ALTERATIONS for fraction in FRACTIONS)]
    wanted = [(base, *place, seed) for seed in seeds for base in BASES for place in places]
    cells = study("copying_sets", wanted, ("base", "alteration", "fraction", "seed"), play)
    for base in BASES:
        print(base)
        for alteration, fraction in places:
            mine = [c for c in cells if (c["base"], c["alteration"], c["fraction"]) == (base, alteration, fraction)]
            told = (f"{name} {sum(alarm(name, c[name]) for c in mine)}" for name in MEASURES)
            print(f"  {alteration:<8} {fraction:<7.2%} alarms in {len(mine)} seeds: {', '.join(told)}")


if __name__ == "__main__":
    main()

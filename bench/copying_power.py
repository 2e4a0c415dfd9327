"""How many copies among ten thousand samples it takes for the twin test to notice: its power, at 1 % false alarms.

    python bench/copying_power.py [SAMPLES.npz] [--seeds N]

Copies of training digits, exact or altered, are planted among samples that are none: (1) real digits that were neither
trained on nor held out: the 60,000 training digits are cut at random into 40,000 train, 10,000 held out and 10,000 samples,
anew for each seed; (2) with SAMPLES.npz (of `duelo sample`), a generator's own, against the parts that it was trained with.
A p-value depends on no other sample, so that each seed's are computed once and many random plantings are judged with them.
Each finished cell is written to bench/results/copying_power.jsonl; started again, the study goes on where it stopped. The
curves go to docs/images/copying_power.png.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor

import duelo
from duelo.machine import processor
from duelo.measure.cells import assign, k_means
from duelo.measure.copying import CELLS, LEVEL, either
from duelo.measure.features import load_features
from duelo.measure.memorisation import c_t
from duelo.measure.neighbours import nearest
from duelo.measure.planted import ALTERATIONS, altered
from duelo.measure.shifted import nearest_shifted
from duelo.measure.twins import ToTrain, discoveries, twin_test

HERE = Path(__file__).parent
RESULTS, PICTURE = HERE / "results/copying_power.jsonl", HERE.parent / "docs/images/copying_power.png"
NAMES = dict(zip(ALTERATIONS, ("exact", "shifted by 1 pixel", "noise of sd 0.05", "rotated by 5 degrees"), strict=True))
FRACTIONS = (0.0001, 0.001, 0.01, 0.1)
N, COPIES, DRAWS, C_T_DRAWS = 10_000, 1000, 500, 20


def parts(seed: int, samples: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Train, held-out members and samples."""
    data = duelo.load("digits")
    chance = torch.Generator().manual_seed(seed)
    if samples is not None:
        chosen = samples[torch.randperm(len(samples), generator=chance)[:N]]
        return data.train.first(len(data.train)), data.heldout.first(len(data.heldout)), chosen
    everything = torch.cat([part.first(len(part)) for part in (data.train, data.referee, data.heldout)])
    train, heldout, chosen = torch.randperm(len(everything), generator=chance).split([40_000, 10_000, N])
    return everything[train], everything[heldout], everything[chosen]


def cells(base: str, seed: int, samples: Tensor | None) -> list[dict[str, object]]:
    """All cells of one base and seed."""
    start = time.perf_counter()
    train, heldout, others = parts(seed, samples)
    chance = torch.Generator().manual_seed(1000 + seed)
    originals = train[torch.randperm(len(train), generator=chance)[:COPIES]]
    copies = [altered(originals, alteration, chance) for alteration in ALTERATIONS]
    features = load_features("digits")
    sets = (train, heldout, torch.cat([others, *copies]))
    vectors = [features(x) for x in sets]
    means = k_means(vectors[0], CELLS, seed)
    cell = [assign(x, means) for x in vectors]
    p_values = []
    for search, (seen, unseen, queries) in ((nearest_shifted, sets), (nearest, vectors)):
        ours, theirs = ToTrain.find(search, queries, seen, cell[2]), ToTrain.find(search, unseen, seen, cell[1])
        p_values.append(twin_test(search, queries, unseen, ours, theirs).p_value)
    p_value, *of_copies = either(*p_values).split([len(others), *[COPIES] * len(copies)])
    whole = {"base": base, "seed": seed, "n": len(others), "train": len(train), "heldout": len(heldout), "level": LEVEL}
    whole |= {"features": features.name, "fingerprint": features.fingerprint}
    whole |= {"torch": torch.__version__, "machine": processor(), "cores": torch.get_num_threads()}
    whole |= {"prepared_in_s": round(time.perf_counter() - start, 1)}

    def statistic(chosen: Tensor) -> float:
        mine = ours.take(chosen)
        return c_t(mine.distance, theirs.distance, mine.cell, theirs.cell)

    untouched = discoveries(p_value, LEVEL)
    found: list[dict[str, object]] = [
        {
            **whole,
            "alteration": "none",
            "fraction": 0,
            "alarms": float(untouched.any()),
            "called_copies": int(untouched.sum()),
            "smallest_p": float(p_value.min()),
            "c_t": round(statistic(torch.arange(len(others))), 3),
        }
    ]
    for number, (alteration, planted_p) in enumerate(zip(ALTERATIONS, of_copies, strict=True)):
        for fraction in FRACTIONS:
            k = min(max(1, round(fraction * len(others))), COPIES)
            alarms, recall, wrong, values = [], [], [], []
            for draw in range(DRAWS):
                kept = torch.randperm(len(others), generator=chance)[k:]
                planted = torch.randperm(COPIES, generator=chance)[:k]
                called = discoveries(torch.cat([planted_p[planted], p_value[kept]]), LEVEL)
                alarms.append(float(called.any()))
                recall.append(float(called[:k].double().mean()))
                wrong.append(float(called[k:].sum() / max(1, int(called.sum()))))
                if draw < C_T_DRAWS:
                    values.append(statistic(torch.cat([kept, len(others) + COPIES * number + planted])))
            figures = {"alarms": alarms, "found": recall, "false_among_called": wrong, "c_t": values}
            rounded = {name: round(sum(numbers) / len(numbers), 5) for name, numbers in figures.items()}
            single = {
                f"found_in_{where}_alone": round(
                    float((2 * p[len(others) :].split(COPIES)[number] <= LEVEL / len(others)).double().mean()), 4
                )
                for where, p in zip(("pixels", "features"), p_values, strict=True)
            }
            found.append(
                {**whole, "alteration": alteration, "fraction": fraction, "planted": k, "draws": DRAWS, **rounded, **single}
            )
    return found


def draw(results: list[dict[str, object]]) -> None:
    """One panel per base: the share of alarms (solid) and of the planted copies that are found (dashed)."""
    bases = list(dict.fromkeys(str(cell["base"]) for cell in results))
    figure, panels = plt.subplots(1, len(bases), figsize=(5.5 * len(bases), 4.2), sharey=True, squeeze=False)
    for panel, base in zip(panels[0], bases, strict=True):
        for colour, alteration in enumerate(ALTERATIONS):
            for what, style in (("alarms", "o-"), ("found", "s--")):
                curves = [
                    [
                        float(str(c[what]))
                        for c in results
                        if (c["base"], c["alteration"], c["fraction"]) == (base, alteration, f)
                    ]
                    for f in FRACTIONS
                ]
                middle = [sum(values) / len(values) for values in curves]
                spread = [
                    [m - min(v) for m, v in zip(middle, curves, strict=True)],
                    [max(v) - m for m, v in zip(middle, curves, strict=True)],
                ]
                label = NAMES[alteration] if what == "alarms" else None
                x = [100 * f * 1.06 ** (colour - 1.5) for f in FRACTIONS]  # side by side, not on top of each other
                panel.errorbar(x, middle, spread, fmt=style, color=f"C{colour}", label=label, capsize=2, markersize=4)
        untouched = [float(str(c["alarms"])) for c in results if c["base"] == base and c["alteration"] == "none"]
        panel.set(
            xscale="log",
            ylim=(-0.03, 1.03),
            xlabel="planted copies, % of 10,000 samples",
            title=f"among {base}\n(alarms with none planted: {sum(untouched):.0f} of {len(untouched)} seeds)",
        )
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel("share of alarms (solid), of copies found (dashed)")
    panels[0][0].legend(loc="center left", fontsize="small")
    figure.tight_layout()
    figure.savefig(PICTURE, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description="The power of the test for copies.")
    parser.add_argument("samples", nargs="?", type=Path, help="a generator's samples, as `duelo sample` writes them")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    bases: dict[str, Tensor | None] = {"real digits": None}
    if arguments.samples:
        bases["a generator's samples"] = torch.from_numpy(np.load(arguments.samples)["images"]).permute(0, 3, 1, 2)
    else:
        print("no SAMPLES.npz given: a generator's samples are left out")
    results = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    for seed in range(arguments.seeds):
        for base, samples in bases.items():
            if any((cell["base"], cell["seed"]) == (base, seed) for cell in results):
                continue
            new = cells(base, seed, samples)
            with RESULTS.open("a") as file:
                file.writelines(json.dumps(cell) + "\n" for cell in new)
            results += new
            for cell in new:
                print(
                    {name: cell.get(name) for name in ("base", "seed", "alteration", "fraction", "alarms", "found", "c_t")}
                )
            print(f"{base}, seed {seed}: {new[0]['prepared_in_s']} s to compute the p-values", flush=True)
    draw(results)


if __name__ == "__main__":
    main()

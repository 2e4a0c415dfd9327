"""Are sabotaged runs called by what was done to them, and are healthy ones left alone?

    python bench/diagnosis.py            # sabotaged and healthy runs with seed 0, about six minutes
    python bench/diagnosis.py 1 2        # other seeds
    python bench/diagnosis.py long       # the default recipes at their full length, about a quarter of an hour
    python bench/diagnosis.py again      # judge the kept lines of all runs anew, after a threshold was changed

Each run is trained as `duelo train` does it; what is diagnosed are the lines of its stats.jsonl, at each look. A sabotage is
a hit if its own finding is among those of its run; every finding of a healthy run is a false alarm. Beside the findings
stands what they do not know: the samples' variety, and for toys the modes that they found. The runs are small: toys of 500
kimg, digits of 10 kimg with narrow networks, looked at every 0.5 kimg, at constant rates, as in the first minutes of a long
run. Each finished run is written to bench/results/diagnosis.jsonl; started again, the study goes on.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

import duelo.build
import duelo.data
from duelo import objectives, recipes
from duelo.data import InMemory
from duelo.diagnosis import Setting, named
from duelo.folder import RunFolder
from duelo.learner import sample
from duelo.machine import processor
from duelo.measure import score
from duelo.networks import Pair
from duelo.networks.blocks import Logit, Unflatten, initialize
from duelo.referee import spread
from duelo.run import train
from duelo.saves import load_game
from duelo.words import TrainingFailed

HERE = Path(__file__).parent
RESULTS, KEPT = HERE / "results/diagnosis.jsonl", HERE.parent / "runs/diagnosis"
Sabotage = Callable[[], AbstractContextManager[None]]

TOY = {"kimg": "500", "save.judge_kimg": "25"}
DIGITS = {
    "kimg": "10",
    "play.batch": "32",
    "play.anneal": "0",
    "networks.width": "8",
    "balance.look_kimg": "0.5",
    "save.stats_kimg": "0.5",
    "save.judge_kimg": "1",
}
WIDER = {**DIGITS, "networks.width": "16"}


@dataclass(frozen=True)
class Run:
    """A recipe, what is done to it, and the finding that this should give (None: none at all)."""

    expected: str | None
    data: str
    changes: dict[str, str] = field(default_factory=dict)
    preset: str | None = None
    sabotage: Sabotage = nullcontext


@contextmanager
def exchanged_sides() -> Iterator[None]:
    """The discriminator is rewarded for calling real fake and fake real; the generator's loss stays as it is."""
    rules = objectives.OBJECTIVES["nonsaturating"]
    wrong = replace(rules, discriminator=lambda real, fake: rules.discriminator(fake, real))
    with patch.dict(objectives.OBJECTIVES, {"nonsaturating": wrong}):
        yield


def few(n: int) -> Sabotage:
    """Only `n` training images; the referee keeps its own."""

    @contextmanager
    def inside() -> Iterator[None]:
        load = duelo.data.load

        def fewer(name: str) -> duelo.data.Dataset:
            whole = load(name)
            return replace(whole, train=InMemory(whole.train.first(n)))

        with patch.object(duelo.data, "load", fewer):
            yield

    return inside


class Failing(nn.Module):
    """A generator that gives nothing but NaN after `calls` calls."""

    def __init__(self, network: nn.Module, calls: int) -> None:
        super().__init__()
        self.network, self.left = network, calls

    def forward(self, latents: Tensor) -> Tensor:
        """latents: [b, *latent_shape] -> [b, *shape]."""
        self.left -= 1
        members: Tensor = self.network(latents)
        return members if self.left >= 0 else members * math.nan


def failing(calls: int) -> Sabotage:
    """The generator gives NaN after `calls` calls, and again so long after each rescue."""

    @contextmanager
    def inside() -> Iterator[None]:
        pair_of = duelo.build.pair_of

        def broken(recipe: recipes.Recipe) -> Pair:
            pair = pair_of(recipe)
            return replace(pair, generator=Failing(pair.generator, calls))

        with patch.object(duelo.build, "pair_of", broken):
            yield

    return inside


def deep_pair(recipe: recipes.Recipe, layers: int = 12) -> Pair:
    """Many convolutions with no normalization, their weights from N(0, 0.02)."""
    c, latent = recipe.networks.width, recipe.networks.latent
    generator = nn.Sequential(nn.Linear(latent, c * 49), Unflatten((c, 7, 7)))
    discriminator = nn.Sequential(nn.Conv2d(1, c, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(c, c, 4, 2, 1), nn.LeakyReLU(0.2))
    for _ in range(layers):
        generator.extend([nn.Conv2d(c, c, 3, padding=1), nn.ReLU()])
        discriminator.extend([nn.Conv2d(c, c, 3, padding=1), nn.LeakyReLU(0.2)])
    generator.extend([nn.ConvTranspose2d(c, c, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(c, 1, 4, 2, 1), nn.Tanh()])
    discriminator.extend([nn.Flatten(), nn.Linear(c * 49, 1), Logit()])
    for network in (generator, discriminator):
        initialize(network)
    return Pair(generator, discriminator, (latent,))


def deep() -> AbstractContextManager[Any]:
    """Such a pair in place of the recipe's."""
    return patch.object(duelo.build, "pair_of", deep_pair)


NO_PENALTY = {"objective.r1": "0", "objective.r2": "0"}
FAST = {"discriminator.rate": "0.05", "generator.rate": "1e-4", "objective.r1": "0"}
SABOTAGED = {
    "fast discriminator": Run("discriminator_too_strong", "digits", DIGITS | FAST),
    "fast and saturating": Run("vanishing_gradients", "digits", DIGITS | FAST | {"objective.loss": "minimax"}),
    "frozen generator": Run("generator_stuck", "digits", DIGITS | {"generator.rate": "1e-9"}),
    "frozen discriminator": Run("discriminator_asleep", "digits", DIGITS | {"discriminator.rate": "1e-7"}),
    "slow discriminator": Run("discriminator_too_weak", "digits", DIGITS | {"discriminator.rate": "2e-6"}),
    "one latent number": Run("mode_collapse", "digits", DIGITS | {"networks.latent": "1"}),
    "exchanged sides": Run("wrong_way_round", "digits", DIGITS, sabotage=exchanged_sides),
    "deep, not normalized": Run("vanishing_gradients", "digits", DIGITS | {"objective.r1": "0"}, sabotage=deep),
    "50 training images": Run("copying_pressure", "digits", DIGITS | {"kimg": "20"}, sabotage=few(50)),
    "unbounded critic": Run("exploding", "digits", DIGITS | {"objective.loss": "wasserstein", "objective.r1": "0"}),
    "no penalty": Run(
        "oscillation",
        "ring",
        TOY | NO_PENALTY | {"generator.rate": "1e-3", "discriminator.rate": "1e-3", "adam.beta1": "0.5"},
    ),
    "not a number": Run("not_a_number", "ring", TOY | {"save.checkpoint_kimg": "20"}, sabotage=failing(300)),
}
HEALTHY = {
    "ring": Run(None, "ring", TOY),
    "ring, relativistic": Run(None, "ring", TOY | {"objective.loss": "relativistic"}),
    "ring, Wasserstein": Run(None, "ring", TOY | NO_PENALTY | {"objective.loss": "wasserstein", "objective.gp": "1"}),
    "ring, hinge": Run(None, "ring", TOY | {"objective.loss": "hinge"}),
    "grid": Run(None, "grid", TOY),
    "grid, conditional": Run(None, "grid", TOY | {"networks.conditional": "true"}),
    "digits": Run(None, "digits", WIDER),
    "digits, as by default": Run(None, "digits", DIGITS | {"networks.width": "32", "play.batch": "64"}),
    "digits, small": Run(None, "digits", DIGITS | {"play.batch": "16"}),
    "digits, augmented": Run(None, "digits", WIDER | {"augment.p": "0.2"}),
    "digits, conditional": Run(None, "digits", WIDER | {"networks.conditional": "true"}),
    "digits, adaptive": Run(None, "digits", WIDER | {"balance.rule": "adaptive"}),
    "digits, lecture": Run(None, "digits", DIGITS, preset="lecture"),
}
LONG = {
    "ring, full length": Run(None, "ring"),
    "grid, full length": Run(None, "grid"),
    "digits, full length": Run(None, "digits"),
    "lecture, full length": Run(None, "digits", preset="lecture"),
}
RUNS = SABOTAGED | HEALTHY | LONG


def play(name: str, seed: int) -> dict[str, Any]:
    """Train one run and keep what it wrote: all that is needed to judge it."""
    run = RUNS[name]
    recipe = recipes.resolve(run.data, run.preset, {**run.changes, "seed": str(seed)})
    rules = objectives.rules_of(recipe.objective.loss, recipe.objective.smoothing)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary, run.sabotage():
        folder = RunFolder(Path(temporary) / "run")
        with suppress(TrainingFailed):
            for _ in train(recipe, folder.path):
                pass
        kept = {
            "name": name,
            "seed": seed,
            "equilibrium": rules.discriminator_equilibrium,
            "parts": folder.data()["parts"],
            "rescues": folder.rescues(),
            "seconds": round(time.perf_counter() - start, 1),
            "samples": looked_at(folder, recipe),
            "lines": folder.stats(),
        }
        picture = folder.samples()[-1][1].read_bytes()
    KEPT.mkdir(parents=True, exist_ok=True)
    kept_file(name, seed).write_text(json.dumps(kept))
    kept_file(name, seed).with_suffix(".png").write_bytes(picture)
    return kept


def kept_file(name: str, seed: int) -> Path:
    """Where the lines of a run are kept."""
    return KEPT / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}.json"


def looked_at(folder: RunFolder, recipe: recipes.Recipe) -> dict[str, float]:
    """What samples of the run's best point are like: nothing that the diagnosis knows."""
    learner, _ = load_game(folder)
    data = duelo.data.load(recipe.data)
    fakes = sample(learner, 1000, seed=1)
    if not fakes.float().isfinite().all():
        return {}
    facts = {"variety": round(spread(fakes.float()) / spread(data.heldout.first(1000).float()), 3)}
    if data.truth is not None:
        found = score(fakes, data.truth)
        facts |= {"modes": found.modes, "of": found.k, "good": round(found.good, 3)}
    return facts


def judge(kept: dict[str, Any]) -> dict[str, Any]:
    """The cell of one run."""
    expected, lines, parts = RUNS[kept["name"]].expected, kept["lines"], kept["parts"]
    setting = Setting(kept["equilibrium"], 0.0, parts["train"], parts["referee"], kept["rescues"])
    spells = named(lines, setting)
    judgements = [line["judgement"] for line in lines if "judgement" in line]
    last = {key: round(judgements[-1][key], 4) for key in ("value", "floor")} if judgements else {}
    return {
        "run": kept["name"],
        "seed": kept["seed"],
        "expected": expected,
        "found": [
            {"name": spell.finding.name, **{key: getattr(spell, key) / 1000 for key in ("first", "named", "last")}}
            for spell in spells
        ],
        "right": expected in [spell.finding.name for spell in spells] if expected else not spells,
        "judgement": last,
        "samples": kept["samples"],
        "looks": sum("duel" in line for line in lines),
        "kimg": lines[-1]["nimg"] / 1000,
        "seconds": kept["seconds"],
        "torch": torch.__version__,
        "machine": processor(),
    }


def table(cells: list[dict[str, Any]]) -> None:
    """The runs side by side."""
    for cell in cells:
        found = "; ".join(
            f"{each['name']} {each['first']:g} ({each['named']:g}) to {each['last']:g}" for each in cell["found"]
        )
        mark = "right" if cell["right"] else "WRONG"
        judged = "{value:.3g} / {floor:.3g}".format(**cell["judgement"]) if cell["judgement"] else "-"
        print(f"{cell['run']:22s} {cell['seed']} {mark} | {judged:14s} | {cell['samples']} | {found or '-'}")
    sabotaged, healthy = ([cell for cell in cells if bool(cell["expected"]) is kind] for kind in (True, False))
    hits, alarms = sum(cell["right"] for cell in sabotaged), sum(not cell["right"] for cell in healthy)
    print(f"{hits} of {len(sabotaged)} sabotages named; alarms in {alarms} of {len(healthy)} healthy runs")


def main() -> None:
    torch.set_num_threads(1)
    words = sys.argv[1:]
    cells = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    if words == ["again"]:
        cells = [judge(json.loads(kept_file(cell["run"], cell["seed"]).read_text())) for cell in cells]
        RESULTS.write_text("".join(json.dumps(cell) + "\n" for cell in cells))
        table(cells)
        return
    wanted = [(name, 0) for name in LONG] if words == ["long"] else []
    for seed in [int(word) for word in words if word != "long"] or ([] if wanted else [0]):
        wanted += [(name, seed) for name in SABOTAGED | HEALTHY]
    done = {(cell["run"], cell["seed"]) for cell in cells}
    for name, seed in wanted:
        if (name, seed) in done:
            continue
        cells.append(judge(play(name, seed)))
        with RESULTS.open("a") as file:
            file.write(json.dumps(cells[-1]) + "\n")
        print(name, seed, [each["name"] for each in cells[-1]["found"]], flush=True)
    table(cells)


if __name__ == "__main__":
    main()

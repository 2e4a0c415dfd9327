"""The race: how good are digits after so many seconds of training on this machine? Ours against the usual tutorials.

    python bench/race.py                     # all cells, three seeds: hours; it goes on where it stopped
    python bench/race.py duelo 3 0 1         # one contestant, minutes, seeds
    python bench/race.py draw                # the table and the figure of what there is

The clock starts when training starts: imports, data, the networks' making and, for ours, the seconds (eight at most) in
which the speed is measured are not in it; what is looked at and measured stops it. One process, two threads, nothing else
may run.
`duelo` trains as `duelo train digits --minutes M` does, its rates falling until those minutes are over, so that each
length is a run of its own; samples are the averaged generator's. `pytorch` and `keras` (bench/tutorials.py) run for ten
minutes and are looked at on the way; they have no end of their own. 10,000 samples against the 10,000 held-out digits:
FD-digits over that of 10,000 random training digits; at the end of a run also the largest fresh opponent, and for the
tutorials the ratio of real training digits that were enlarged and made small again as theirs are. Each finished cell is
written to bench/results/race.jsonl, with the processor's name; the figure, docs/images/race.png, is of that processor of
which there are most. Grids of samples are in runs/race, and of seed 0 in docs/images/race-digits.png.
"""

from __future__ import annotations

import copy
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from cells import IMAGES, Cell, side_by_side, study
from clock import rounds
from torch import Tensor
from tutorials import TUTORIALS, enlarged, imitations, loop

import duelo
from duelo.build import build
from duelo.learner import sample
from duelo.machine import processor
from duelo.measure import fresh_opponents, load_features, quality
from duelo.pace import planned

N, THREADS = 10_000, 2
SEEDS, LENGTHS = range(3), {"duelo": (0.25, 0.5, 1, 3, 10, 60), "pytorch": (10,), "keras": (10,)}
MARKS = (15, 30, 60, 120, 180, 300, 420, 600)  # seconds at which a tutorial is looked at
PICTURES = Path(__file__).parents[1] / "runs/race"
Make = Callable[[int], Tensor]  # n -> images [n, 1, 28, 28] uint8


@dataclass
class Contestant:
    """training: yields after each round how many images were seen. look: the generator as it stands, for later."""

    training: Iterator[int]
    look: Callable[[], Make]


def ours(minutes: float, seed: int) -> Contestant:
    """The default recipe for digits, for so many minutes."""
    dataset = duelo.load("digits")
    recipe = planned(duelo.resolve("digits", None, {"minutes": minutes, "seed": seed}), dataset)
    game = build(recipe)
    training = (tick.nimg for tick, _, _ in rounds(game, recipe, dataset))

    def look() -> Make:
        still = copy.deepcopy(game)
        return lambda n: sample(still, n, seed)

    return Contestant(training, look)


def theirs(name: str, seed: int) -> Contestant:
    """A tutorial's settings."""
    torch.manual_seed(seed)
    tutorial = TUTORIALS[name]()
    dataset = duelo.load("digits")
    images = enlarged(dataset.train.first(len(dataset.train)), tutorial.side)

    def look() -> Make:
        still = copy.deepcopy(tutorial)
        return lambda n: imitations(still, n, seed)

    return Contestant(loop(tutorial, images), look)


def play(machine: str, name: str, minutes: float, seed: int) -> Cell:
    """One run on this `machine`, looked at on the way, and measured when it is over."""
    torch.set_num_threads(THREADS)
    contestant = ours(minutes, seed) if name == "duelo" else theirs(name, seed)
    marks = [mark for mark in MARKS if mark < 60 * minutes] if name != "duelo" else []
    looks: list[tuple[float, int, Make]] = []
    clock, seen = 0.0, 0
    start = time.perf_counter()
    for seen in contestant.training:
        clock += time.perf_counter() - start
        if marks and clock >= marks[0]:
            marks.pop(0)
            looks.append((clock, seen, contestant.look()))
        if clock >= 60 * minutes:
            break
        start = time.perf_counter()
    looks.append((clock, seen, contestant.look()))
    samples = [make(N) for _, _, make in looks]
    return {
        "seconds": round(clock, 1),
        "images": seen,
        "curve": [[round(at, 1), images, ratio(some, seed)] for (at, images, _), some in zip(looks, samples, strict=True)],
        **judged(samples[-1], seed, name, minutes),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def ratio(samples: Tensor, seed: int) -> dict[str, float]:
    """FD-digits of the samples over that of as many training digits, both to the held-out part."""
    dataset = duelo.load("digits")
    train, heldout = (part.first(len(part)) for part in (dataset.train, dataset.heldout))
    return asdict(quality(train, heldout, samples, load_features("digits"), seed).ratio)


def judged(samples: Tensor, seed: int, name: str, minutes: float) -> Cell:
    """What the largest fresh opponent says of a run's last samples, and a picture to be looked at."""
    dataset = duelo.load("digits")
    train, heldout = (part.first(len(part)) for part in (dataset.train, dataset.heldout))
    (opponent,) = fresh_opponents(heldout, samples, train, seed, sizes=("large",))
    PICTURES.mkdir(parents=True, exist_ok=True)
    duelo.tile(samples[:100], columns=10).save(PICTURES / f"{name}-{minutes:g}min-seed{seed}.png")
    cell: Cell = {"opponent": asdict(opponent.accuracy)}
    if name != "duelo" and (side := TUTORIALS[name]().side) != 28:
        cell["there_and_back"] = ratio(enlarged(enlarged(dataset.train.drawn(N, seed + 7), side), 28), seed)
    return cell


def table(cells: list[Cell]) -> None:
    """Medians over the seeds, and their range; and how much faster ours is."""
    groups: dict[tuple[str, str, float], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell["machine"], cell["name"], cell["minutes"]), []).append(cell)
    for (machine, name, minutes), mine in sorted(groups.items()):
        ratios, opponents = [c["curve"][-1][2]["value"] for c in mine], [c["opponent"]["value"] for c in mine]
        best = [min(look[2]["value"] for look in c["curve"]) for c in mine]
        print(
            f"{machine}, {name} {minutes:g} min, {len(mine)} seeds: FD ratio {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f}; best on the way {statistics.median(best):.2f}), opponent "
            f"{statistics.median(opponents):.3f} ({min(opponents):.3f} to {max(opponents):.3f}), "
            f"{statistics.median(c['images'] / c['seconds'] for c in mine):.0f} images/s"
        )


def draw(cells: list[Cell], path: Path) -> None:
    """Quality against seconds on one machine, both axes logarithmic: every seed a faint dot, the medians bold."""
    machine = statistics.mode(cell["machine"] for cell in cells)
    cells = [cell for cell in cells if cell["machine"] == machine]
    figure, axes = plt.subplots(figsize=(7, 4.5))
    ends = [60 * minutes for minutes in LENGTHS["duelo"]]
    for colour, name in enumerate(LENGTHS):
        looks: dict[float, list[float]] = {}
        for cell in cells:
            if cell["name"] == name:
                for at, _, found in cell["curve"]:
                    places = MARKS if name != "duelo" else ends
                    looks.setdefault(min(places, key=lambda mark: abs(mark - at)), []).append(found["value"])
        for at, values in looks.items():
            axes.plot([at] * len(values), values, ".", color=f"C{colour}", alpha=0.4)
        times = sorted(looks)
        axes.plot(times, [statistics.median(looks[at]) for at in times], "o-", color=f"C{colour}", label=name)
    axes.axhline(1, color="grey", linewidth=1, linestyle="--", label="real digits")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel=f"seconds of training, two cores of: {machine}",
        ylabel="FD-digits over that of real digits",
    )
    for axis, ticks in ((axes.xaxis, ends), (axes.yaxis, (1, 3, 10, 30, 100, 300, 1000, 3000))):
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_ticks([], minor=True)
    axes.set_xlim(12, 1.2 * max(at for cell in cells for at, *_ in cell["curve"]))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    """The study."""
    words = sys.argv[1:]
    here = processor()
    wanted = [(here, name, minutes, seed) for seed in SEEDS for name, lengths in LENGTHS.items() for minutes in lengths]
    if words == ["draw"]:
        wanted = []
    elif words:
        wanted = [(here, words[0], float(words[1]), int(seed)) for seed in words[2:] or SEEDS]
    cells = study("race", sorted(wanted, key=lambda place: place[2]), ("machine", "name", "minutes", "seed"), play)
    table(cells)
    if words in ([], ["draw"]):
        draw(cells, IMAGES / "race.png")
        shown = [PICTURES / f"{name}min-seed0.png" for name in ("duelo-0.25", "duelo-10", "pytorch-10", "keras-10")]
        if all(picture.exists() for picture in shown):
            side_by_side(shown, "race-digits.png")


if __name__ == "__main__":
    main()

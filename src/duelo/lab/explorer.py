"""Errands of exploring a run: its generator, its discriminator and its data live in this process; nothing is written."""

from __future__ import annotations

import os
import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from duelo import opinion, recipes, samples
from duelo.data import Dataset
from duelo.evidence import MOST_TRAIN
from duelo.folder import RunFolder
from duelo.lab import latents, wire
from duelo.lab.errands import Errand, Tell
from duelo.lab.spot import SLIDERS, Spot
from duelo.learner import Learner, imagine, sample_labels, sample_latents
from duelo.measure import nearest
from duelo.measure.shifted import CANDIDATES, nearest_shifted
from duelo.play import Game
from duelo.recipes import Recipe
from duelo.run import dataset_of
from duelo.saves import load_game
from duelo.words import UserError

RUNS = 2  # that are kept loaded
NEIGHBOURS = 3  # that are shown
FEWEST_COMPARED = 512  # images that are compared exactly: what looks like nothing else has its nearest ones anywhere
NUMBERS_COMPARED = 2**23  # if these are more, as of small images: 32 MB
USUAL = 32  # held-out members whose distances say what is usual
REAL_POINTS = 1500


@dataclass(frozen=True)
class Gallery:
    """The real members among which neighbours are looked for: train [a, *shape] and heldout [b, *shape].

    usual: the median distance of a held-out member to its nearest training member.
    """

    train: Tensor
    heldout: Tensor
    usual: float


class Opened:
    """A run that is being explored, as it was when it was opened. newest: not its best point."""

    def __init__(self, folder: RunFolder, newest: bool) -> None:
        self.folder, self.newest, self.stamp = folder, newest, stamp_of(folder, newest)
        loaded = load_game(folder, newest=newest)
        self.learner: Learner = loaded[0]
        self.recipe: Recipe = loaded[1]

    @cached_property
    def along(self) -> Tensor:
        """The directions of the sliders."""
        return latents.directions(self.learner)

    @cached_property
    def dataset(self) -> Dataset:
        """The data it was trained on. Raises UserError if they are gone."""
        return dataset_of(self.recipe)

    @cached_property
    def gallery(self) -> Gallery:
        """What neighbours are looked for among: the members that the measure of copying holds samples against."""
        train, heldout = (part.drawn(MOST_TRAIN, 0) for part in (self.dataset.train, self.dataset.heldout))
        usual = search(heldout[:USUAL], train)[0][:, 0].median()
        return Gallery(train, heldout, float(usual))

    @cached_property
    def opinions(self) -> opinion.Opinions | None:
        """What its discriminator says of others; None if it has none."""
        return opinion.opinions(self.learner, self.dataset.heldout) if isinstance(self.learner, Game) else None

    def knows(self, label: int | None) -> None:
        """Raises UserError for a class that its generator does not know."""
        classes = self.learner.pair.classes
        if label is not None and not classes:
            raise UserError("lab.explore.no_classes")
        if label is not None and label >= classes:
            raise UserError("lab.explore.no_class", label=label, most=classes - 1)

    def members(self, spots: list[Spot]) -> tuple[Tensor, list[int] | None]:
        """What the generator makes at these spots [n, *shape], and their classes. Raises UserError for unknown ones."""
        for spot in spots:
            at: Spot | None = spot
            while at is not None:
                self.knows(at.label)
                at = at.end
        found = torch.stack([latents.latent(self.learner, spot, self.along) for spot in spots])
        labels = [latents.label(self.learner, spot) for spot in spots]
        known = [label for label in labels if label is not None]
        told = torch.tensor(known) if known else None
        return imagine(self.learner, found.reshape(-1, *self.learner.pair.latent_shape), told), known or None


def stamp_of(folder: RunFolder, newest: bool) -> object:
    """What changes when the run's best point, or its newest one, does."""
    file = folder.best_file
    if newest or not file.is_file():
        file = next(iter(folder.checkpoints()), file)
    try:
        facts = os.stat(file)
    except OSError:
        return None
    return file.name, facts.st_ino, facts.st_mtime_ns


opened: OrderedDict[tuple[str, bool], Opened] = OrderedDict()


def open_run(path: str, newest: bool, afresh: bool = False) -> Opened:
    """The run at `path`, loaded once. afresh: again, if it has gone on since. Raises UserError."""
    key, folder = (path, newest), RunFolder(Path(path))
    there = opened.get(key)
    if there is None or (afresh and there.stamp != stamp_of(folder, newest)):
        opened[key] = Opened(folder, newest)
    opened.move_to_end(key)
    while len(opened) > RUNS:
        opened.popitem(last=False)
    return opened[key]


def search(queries: Tensor, keys: Tensor, k: int = 1, candidates: int = CANDIDATES) -> tuple[Tensor, Tensor]:
    """The search of the copying measure: distances and indices [n, k] of the nearest keys, of images or of points."""
    k = min(k, len(keys))
    return nearest_shifted(queries, keys, k, candidates=candidates) if queries.ndim == 4 else nearest(queries, keys, k)


def about(tell: Tell, path: str, newest: bool) -> dict[str, Any]:
    """What the page must know of a run before it explores it. Raises UserError."""
    run = open_run(path, newest, afresh=True)
    pair, recipe = run.learner.pair, run.recipe
    judged = [line for line in run.folder.stats() if line.get("judgement", {}).get("best")]
    newest_file = next(iter(run.folder.checkpoints()), None)
    names = [str(i) for i in range(pair.classes)]
    if pair.classes and recipe.data not in recipes.DATA:
        names = list(run.dataset.classes)
    return {
        "points": recipe.points,
        "shape": list(recipe.shape),
        "extent": run.dataset.truth.extent if recipe.points and run.dataset.truth is not None else None,
        "latent_shape": list(pair.latent_shape),
        "latents": run.along.shape[1],
        "sliders": min(SLIDERS, len(run.along)),
        "classes": names,
        "duel": isinstance(run.learner, Game),
        "kimg": run.learner.nimg / 1000,
        "newest": newest,
        "checkpoints": {
            "best": judged[-1]["nimg"] / 1000 if judged and run.folder.best_file.is_file() else None,
            "newest": None if newest_file is None else int(newest_file.stem) / 1000,
        },
    }


def draw_samples(tell: Tell, path: str, newest: bool, seed: int, n: int, label: int | None) -> bytes:
    """Samples 0 to n - 1 of `seed`, as `duelo sample` draws them; of points, also real ones."""
    run = open_run(path, newest)
    run.knows(label)
    labels = sample_labels(run.learner, n, seed) if label is None else torch.full((n,), label)
    members = imagine(run.learner, sample_latents(run.learner, n, seed), labels)
    arrays = [wire.members("members", members)]
    if run.recipe.points:
        arrays.append(wire.array("real", run.dataset.train.first(REAL_POINTS).numpy()))
    return wire.pack({"seed": seed, "n": n, "labels": None if labels is None else labels.tolist()}, arrays)


def draw_spots(tell: Tell, path: str, newest: bool, spots: list[Spot]) -> bytes:
    """What the generator makes at each of the spots."""
    members, labels = open_run(path, newest).members(spots)
    return wire.pack({"labels": labels}, [wire.members("members", members)])


def neighbours(tell: Tell, path: str, newest: bool, spot: Spot) -> bytes:
    """The training and the held-out members nearest to what is made at a spot, and the discriminator's opinion of it."""
    run = open_run(path, newest)
    members, labels = run.members([spot])
    gallery = run.gallery
    compared = max(FEWEST_COMPARED, NUMBERS_COMPARED // members[0].numel())
    parts = (gallery.train, gallery.heldout)
    (near, which), (far, other) = (search(members, keys, NEIGHBOURS, compared) for keys in parts)
    said = None
    if isinstance(run.learner, Game) and run.opinions is not None:
        said = opinion.of_one(run.learner, members[0], labels[0] if labels else None, run.opinions)
    meta = {
        "train": near[0].tolist(),
        "heldout": far[0].tolist(),
        "usual": gallery.usual,
        "n_train": len(gallery.train),
        "n_heldout": len(gallery.heldout),
        "opinion": said,
        "label": labels[0] if labels else None,
    }
    return wire.pack(
        meta,
        [
            wire.members("member", members),
            wire.members("train", gallery.train[which[0]]),
            wire.members("heldout", gallery.heldout[other[0]]),
        ],
    )


def download(tell: Tell, path: str, newest: bool, n: int, seed: int, label: int | None, suffix: str) -> bytes:
    """The file that `duelo sample` would write. suffix: "png" or "npz"."""
    open_run(path, newest).knows(label)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"samples.{suffix}"
        samples.write(RunFolder(Path(path)), n, seed, str(file), label, newest=newest)
        return file.read_bytes()


ERRANDS: dict[str, Errand] = {
    "about": about,
    "samples": draw_samples,
    "spots": draw_spots,
    "neighbours": neighbours,
    "download": download,
}

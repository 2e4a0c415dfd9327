"""A run: plays the game, logs, draws, saves, resumes. The only writer of a run's folder.

``for moment in train(recipe, out): ...`` is the whole of it: what happened is yielded, the folder holds the rest. Killed
at any instant and started again with the same recipe, a run ends with the same bits as one that was never touched (same
machine, same library versions, same number of threads).
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

from duelo import data, machine, recipes, stats
from duelo.balance import Calmed
from duelo.build import build, setting
from duelo.checkpoint import write_atomically, writing
from duelo.data import Dataset, Framing, Pack, Progress
from duelo.data.pixels import png, scatter, tile
from duelo.diagnosis import diagnose
from duelo.folder import RunFolder
from duelo.guard import claimed, enough_memory, interruptible
from duelo.learner import Learner, Round, crossed, sample
from duelo.measure import judged
from duelo.networks import own
from duelo.pace import Pace, planned
from duelo.recipes import Recipe
from duelo.saves import (
    GRID,
    Diverged,
    Memory,
    is_whole,
    keep,
    remember_end,
    remember_rescue,
    restore,
    settle,
    trim_stats,
    write_recipe,
)
from duelo.words import TrainingFailed, UserError

POINTS = 5000  # points in a toy's sample picture
JUDGED = 1000  # fakes that are compared with the referee part
CONTROLS = ("rate", "discriminator_rate", "generator_rate", "penalty_factor", "augment")  # that are in the statistics
BETTER = 0.999  # times the best judgement is better; less is the noise of sums
BEYOND_MEASURE = 1e8  # a loss or logit as large as this will never come back

Kind = Literal[
    "packing",
    "data",
    "start",
    "resume",
    "spoiled",
    "stats",
    "samples",
    "checkpoint",
    "rescued",
    "interrupted",
    "stopped",
    "end",
    "finished",
]


@dataclass(frozen=True)
class Moment:
    """Something that happened in a run at time `nimg`.

    kind: "packing" (`progress`: a user's images are being decoded), "data" (`pack`: they are), "start", "resume", "spoiled"
    (a checkpoint that could not be read, `path`), "stats" (`stats`: the line), "samples" and "checkpoint" (`path`),
    "rescued" (`what` was no longer finite; it goes on from the newest checkpoint with lower rates), "interrupted" (saved),
    "stopped" (past its best), "end", "finished" (it had ended before).
    best: the best point so far, as (judgement, images), where a run ends.
    """

    kind: Kind
    nimg: int
    recipe: Recipe
    stats: dict[str, Any] | None = None
    path: Path | None = None
    progress: Progress | None = None
    pack: Pack | None = None
    what: str | None = None
    best: tuple[float, int] | None = None


@dataclass
class Session:
    """A run while it runs. lines: those of stats.jsonl so far. floor: the judgement that real images get."""

    learner: Learner
    pace: Pace
    memory: Memory
    dataset: Dataset
    folder: RunFolder
    lines: list[dict[str, Any]] = field(default_factory=list)
    floor: float | None = None

    @property
    def recipe(self) -> Recipe:
        """Its recipe, with the length in force."""
        return self.pace.recipe

    def keep(self, path: Path) -> None:
        """Save a checkpoint in `path`."""
        keep(self.learner, self.pace, self.memory, self.recipe, self.folder, path)


def train(recipe: Recipe, out: Path, device: str = "auto") -> Iterator[Moment]:
    """Start the run in folder `out`, or go on with it, and yield what happens until it ends or is interrupted.

    Raises UserError: the folder belongs to something else or to another recipe, cannot be written, or is in use; every
    checkpoint is spoiled. Raises TrainingFailed when a statistic is no longer finite in spite of all retries.
    """
    device = machine.find_device(device)
    folder = RunFolder(out)
    with claimed(folder):
        there = folder.recipe() if folder.exists() else None
        recipe = with_sources(recipe)
        done = folder.finished() and is_whole(folder.checkpoints()[0])
        if there is not None:
            recipe = continued(recipe, there, folder)
        if there is not None and done and recipe.data == there.data:  # its data need not even be there any more
            yield Moment("finished", folder.images_seen(), recipe)
            return
        stats.collect()  # forget what an earlier run of this process left
        with enough_memory():
            recipe, dataset = yield from fetch(recipe)
            if there is not None and there.images != recipe.images:
                raise UserError("run.other_images", path=folder.path, data=recipe.data)
            if there is None and recipe.minutes is not None:
                recipe = planned(recipe, dataset, device)
            learner = build(recipe, device)  # whatever is wrong with it is said before the folder is this recipe's
            settle(recipe, folder, dataset)
            if done:
                yield Moment("finished", folder.images_seen(), recipe)
                return
            write_atomically(folder.machine_file, json.dumps(machine.describe(device), indent=2).encode())
            with interruptible() as interrupted:
                while True:
                    try:
                        yield from _go_on(learner, dataset, recipe, folder, interrupted)
                    except Diverged as error:
                        yield rescue(error, recipe, folder)
                        learner = build(recipe, device)
                    else:
                        return


def _go_on(
    learner: Learner, dataset: Dataset, recipe: Recipe, folder: RunFolder, interrupted: threading.Event
) -> Iterator[Moment]:
    """From the newest checkpoint, or from the start, to the end. Raises Diverged."""
    recipe = recipe.model_copy(update={"kimg": folder.recipe().kimg})  # corrected, where the run fell apart and goes on
    session = Session(learner, Pace(recipe), Memory(), dataset, folder)
    stats.collect()  # forget what was reported after the checkpoint
    threads, spoiled = restore(learner, session.pace, session.memory, folder)
    nimg = learner.nimg
    if threads is not None:
        torch.set_num_threads(threads)  # sums depend on how they are shared out
    for path in spoiled:  # out of the way, not lost: the run will pass there again
        with writing(path):
            path.rename(path.with_suffix(".damaged"))
        yield Moment("spoiled", nimg, recipe, path=path)
    seconds = trim_stats(folder, nimg)
    session.lines = folder.stats()
    yield Moment("resume" if nimg else "start", nimg, recipe)
    yield from _play_on(session, seconds, interrupted)


def _play_on(session: Session, seconds: float, interrupted: threading.Event) -> Iterator[Moment]:
    """From here to the end: rounds, and what is due after each of them."""
    learner, memory, save = session.learner, session.memory, session.recipe.save
    session.pace.start(learner.nimg, seconds)
    if learner.nimg == 0:
        yield draw(session)
    learner.prepare()
    clock = line_clock = time.perf_counter()
    before = line_nimg = learner.nimg
    for tick in rounds(session):
        observe(tick, memory)
        nimg = tick.nimg
        if session.pace.correct(nimg, seconds + time.perf_counter() - clock):
            write_recipe(session.recipe, session.folder)
        recipe = session.recipe
        ended = nimg >= recipe.length
        judgement, past = None, False
        if ended or crossed(before, nimg, save.judge_kimg):
            judgement = judge(session)
            past = not ended and past_its_best(session)
        if judgement is not None or crossed(before, nimg, save.stats_kimg):
            now = time.perf_counter()
            times = {
                "seconds": round(seconds + now - clock, 3),
                "images_per_second": round((nimg - line_nimg) / (now - line_clock), 1),
            }
            line_clock, line_nimg = now, nimg
            yield log(session, times, judgement)
        if ended or past or grid_due(before, nimg, save.samples_kimg):
            yield draw(session)
        stop = interrupted.is_set()
        if past:
            remember_end(session.folder, nimg, "past_its_best")
        if ended or past or stop or crossed(before, nimg, save.checkpoint_kimg):
            path = session.folder.checkpoint_file(nimg)
            session.keep(path)
            yield Moment("checkpoint", nimg, recipe, path=path)
        if ended or past or stop:
            kind: Literal["end", "stopped", "interrupted"] = "end" if ended else "stopped" if past else "interrupted"
            yield Moment(kind, nimg, recipe, best=memory.best)
            return
        before = nimg


def rounds(session: Session) -> Iterator[Round]:
    """The rounds of the game, calmer after each rescue."""
    recipe, dataset = session.recipe, session.dataset
    calmed = Calmed(session.pace, session.memory.calm)
    return session.learner.rounds(dataset.train, recipe.seed, calmed, dataset.referee, recipe.balance.look_kimg)


def observe(tick: Round, memory: Memory) -> None:
    """Report what a round showed."""
    stats.report_all(tick.figures())
    for name in CONTROLS:
        stats.report(name, getattr(tick.controls, name))
    if tick.duel is not None:
        memory.duel = asdict(tick.duel) | {"intervals": tick.duel.intervals}


def judge(session: Session) -> dict[str, Any]:
    """Compare fakes with the referee part; the best point so far is saved. Never looks at the held-out part."""
    learner, data, memory = session.learner, session.dataset, session.memory
    n = min(JUDGED, len(data.referee))
    real = data.referee.drawn(n)
    fakes = sample(learner, n, session.recipe.seed)
    found = judged(fakes, real)
    value = found.value
    if not math.isfinite(value):
        raise Diverged("samples", learner.nimg)
    if session.floor is None:
        session.floor = judged(data.train.drawn(n), real).value
    best = memory.best is None or value < BETTER * memory.best[0]
    if best:
        memory.best = (value, learner.nimg)
        session.keep(session.folder.best_file)
    return {"measure": found.measure, "value": value, "floor": session.floor, "n": n, "best": best}


def past_its_best(session: Session) -> bool:
    """Has the run not improved for as long as its patience is?"""
    patience, best = session.recipe.stop.patience, session.memory.best
    return patience > 0 and best is not None and session.learner.nimg - best[1] > patience * session.recipe.length


def log(session: Session, times: dict[str, float], judgement: dict[str, Any] | None) -> Moment:
    """Collect the statistics into a line of stats.jsonl. All but its `time` is the same in every repetition."""
    nimg, folder = session.learner.nimg, session.folder
    summaries = stats.collect()
    for name, summary in summaries.items():
        if not abs(summary.mean) < BEYOND_MEASURE:
            raise Diverged(name, nimg)
    line: dict[str, Any] = {"nimg": nimg, **{name: asdict(summary) for name, summary in summaries.items()}}
    line |= {"duel": session.memory.duel} if session.memory.duel else {}
    line |= {"judgement": judgement} if judgement else {}
    session.memory.duel = None
    session.lines.append(line)
    if "duel" in line or judgement:
        parts = {"train": len(session.dataset.train), "referee": len(session.dataset.referee)}
        found = diagnose(session.lines, setting(session.recipe, parts, session.memory.rescues))
        line["findings"] = [asdict(finding) for finding in found]
    line["time"] = times
    with writing(folder.stats_file), folder.stats_file.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return Moment("stats", nimg, session.recipe, stats=line)


def draw(session: Session) -> Moment:
    """Save a picture of what the same latents give now."""
    learner, recipe, data = session.learner, session.recipe, session.dataset
    if data.truth is None:
        labels = torch.arange(GRID) % learner.pair.classes if learner.pair.classes else None  # a class a column, if ten
        picture = tile(sample(learner, GRID, recipe.seed, labels), columns=10)
    else:
        picture = scatter(sample(learner, POINTS, recipe.seed), data.train.first(POINTS), data.truth.extent)
    path = session.folder.sample_file(learner.nimg / 1000)
    write_atomically(path, png(picture))
    return Moment("samples", learner.nimg, recipe, path=path)


def rescue(error: Diverged, recipe: Recipe, folder: RunFolder) -> Moment:
    """The run fell apart: back to its newest checkpoint, with half the rates. Raises TrainingFailed after too many times."""
    kimg = f"{error.nimg / 1000:g}"
    if len(folder.rescues()) >= recipe.stop.retries:
        raise TrainingFailed("run.not_finite", name=error.name, kimg=kimg, path=folder.path, tries=recipe.stop.retries + 1)
    remember_rescue(folder, error.name, error.nimg)
    return Moment("rescued", error.nimg, recipe, what=error.name)


def continued(recipe: Recipe, there: Recipe, folder: RunFolder) -> Recipe:
    """The recipe to go on with: the one that is there, if what is wanted is the same. Raises UserError if it is not.

    A user's images may have moved: whether they are still the same is seen from the images themselves.
    """
    if recipe.minutes is not None and recipe.minutes == there.minutes:
        recipe = recipe.model_copy(update={"kimg": there.kimg})
    moved = {}
    if recipe.images is not None and there.images is not None:
        filled = {key: getattr(there.images, key) for key in ("channels", "classes", "fingerprint")}
        size = recipe.images.size or there.images.size
        recipe = recipe.model_copy(update={"images": recipe.images.model_copy(update={**filled, "size": size})})
        moved = {"data": recipe.data}
    changes = recipes.differences(there.model_copy(update=moved), recipe)
    if changes:
        raise UserError("run.other_recipe", path=folder.path, changes="; ".join(changes))
    return there.model_copy(update=moved)


def with_sources(recipe: Recipe) -> Recipe:
    """The recipe with the fingerprints of the files that the user's own networks come from."""
    places = [place for place in (recipe.networks.generator, recipe.networks.discriminator) if place is not None]
    if not places:
        return recipe
    sources = " ".join(own.fingerprint(place)[:16] for place in places)
    return recipe.model_copy(update={"networks": recipe.networks.model_copy(update={"sources": sources})})


def fetch(recipe: Recipe) -> Generator[Moment, None, tuple[Recipe, Dataset]]:
    """The data that a recipe names; a user's images are packed first, and the recipe then says what they are like."""
    if recipe.images is None:
        return recipe, data.load(recipe.data)
    wanted = recipe.images
    pack = yield from packed(recipe)
    classes = len(pack.info["classes"])
    if recipe.networks.conditional and not classes:
        raise UserError("recipe.no_classes", data=recipe.data)
    found = {"size": pack.shape[1:], "channels": pack.shape[0], "classes": classes, "fingerprint": pack.fingerprint}
    recipe = recipe.model_copy(update={"images": wanted.model_copy(update=found)})
    yield Moment("data", 0, recipe, pack=pack)
    return recipe, pack.dataset(recipe.data)


def dataset_of(recipe: Recipe) -> Dataset:
    """The data that a recipe names. Raises UserError if they are gone, or are not those that its run was trained on."""
    found, dataset = data.end_of(fetch(recipe))
    trained_on = recipe.images.fingerprint if recipe.images else None  # None also where nothing was trained yet
    if trained_on is not None and found.images is not None and found.images.fingerprint != trained_on:
        raise UserError("run.moved_images", data=recipe.data)
    return dataset


def packed(recipe: Recipe, out: Path | None = None) -> Generator[Moment, None, Pack]:
    """The images that a recipe names, packed into `out` or the cache."""
    wanted = recipe.images
    assert wanted is not None
    heldout = None if wanted.heldout is None else Path(wanted.heldout)
    work = data.prepare(Path(recipe.data), Framing(wanted.size, wanted.fit, wanted.alpha), heldout, out)
    while True:
        try:
            progress = next(work)
        except StopIteration as end:
            pack: Pack = end.value
            return pack
        yield Moment("packing", 0, recipe, progress=progress)


def grid_due(before: int, now: int, every_kimg: float) -> bool:
    """Grids come at 1, 2, 4, 8 ... kimg at first, when much changes, then at each multiple of `every_kimg`."""
    powers = (1000 * 2**i for i in range(int(math.log2(max(every_kimg, 1))) + 1))
    return crossed(before, now, every_kimg) or any(before < power <= now for power in powers)

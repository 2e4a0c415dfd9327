"""A run: plays the game, logs, draws, saves, resumes. The only writer of a run's folder.

``for moment in train(recipe, out): ...`` is the whole of it: what happened is yielded, the folder holds the rest. Killed
at any instant and started again with the same recipe, a run ends with the same bits as one that was never touched (same
machine, same library versions, same number of threads).
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from duelo import balance, checkpoint, data, machine, objectives, recipes, stats
from duelo.balance import Controls
from duelo.checkpoint import CheckpointError, write_atomically, writing
from duelo.data import Dataset, Framing, Pack, Progress
from duelo.data.pixels import png, scatter, tile
from duelo.folder import RunFolder
from duelo.guard import claimed, enough_memory, interruptible
from duelo.networks import PAIRS
from duelo.play import Game, Tick, play, sample
from duelo.recipes import Recipe
from duelo.words import TrainingFailed, UserError

GRID = 100  # images in a sample grid
POINTS = 5000  # points in a toy's sample picture


@dataclass(frozen=True)
class Moment:
    """Something that happened in a run at time `nimg`.

    kind: "packing" (`progress`: a user's images are being decoded), "data" (`pack`: they are), "start", "resume", "spoiled"
    (a checkpoint that could not be read, `path`), "stats" (`stats`: the line), "samples" and "checkpoint" (`path`),
    "interrupted" (saved), "end", "finished" (it had ended before).
    """

    kind: Literal[
        "packing", "data", "start", "resume", "spoiled", "stats", "samples", "checkpoint", "interrupted", "end", "finished"
    ]
    nimg: int
    recipe: Recipe
    stats: dict[str, Any] | None = None
    path: Path | None = None
    progress: Progress | None = None
    pack: Pack | None = None


def build(recipe: Recipe, device: str = "cpu") -> Game:
    """The game that a recipe describes, before its first round. A function of the recipe alone. Raises UserError."""
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        try:
            pair = PAIRS[recipe.networks.pair](recipe.shape, recipe.networks.width, recipe.networks.latent)
        except ValueError as error:
            raise UserError("networks.shape", pair=recipe.networks.pair, shape=recipe.shape) from error
    for network in (pair.generator, pair.discriminator):
        network.to(device)
    return Game(
        pair,
        recipe.objective.loss,
        batch=recipe.play.batch,
        r1=recipe.objective.r1,
        r2=recipe.objective.r2,
        generator_rate=recipe.generator.rate,
        discriminator_rate=recipe.discriminator.rate,
        betas=(recipe.adam.beta1, recipe.adam.beta2),
        ema_kimg=recipe.play.ema_kimg,
        augment=recipe.augment.kinds if recipe.augment.p > 0 else (),
    )


def schedule(recipe: Recipe) -> balance.Balance:
    """What each side may do at each time of the run."""
    controls = Controls(recipe.discriminator.steps, recipe.generator.steps, augment=recipe.augment.p)
    if recipe.play.anneal == 0:
        return balance.fixed(controls)
    return balance.annealed(controls, recipe.kimg, recipe.play.anneal)


def train(recipe: Recipe, out: Path, device: str = "auto") -> Iterator[Moment]:
    """Start the run in folder `out`, or go on with it, and yield what happens until it ends or is interrupted.

    Raises UserError: the folder belongs to something else or to another recipe, cannot be written, or is in use; every
    checkpoint is spoiled. Raises TrainingFailed when a statistic is no longer finite; the checkpoints stand.
    """
    device = machine.find_device(device)
    folder = RunFolder(out)
    with claimed(folder):
        there = folder.recipe() if folder.exists() else None
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
                recipe = recipe.model_copy(update={"kimg": kimg_in(recipe, dataset, device)})
            game = build(recipe, device)
            settle(recipe, folder, dataset)
            if done:
                yield Moment("finished", folder.images_seen(), recipe)
                return
            tree, spoiled = resume(game, folder)
            if tree is not None:
                stats.load(tree["stats"])
                torch.set_num_threads(tree["threads"])  # sums depend on how they are shared out
            for path in spoiled:  # out of the way, not lost: the run will pass there again
                with writing(path):
                    path.rename(path.with_suffix(".damaged"))
                yield Moment("spoiled", game.nimg, recipe, path=path)
            seconds = trim_stats(folder, game.nimg)
            write_atomically(folder.machine_file, json.dumps(machine.describe(device), indent=2).encode())
            yield Moment("resume" if game.nimg else "start", game.nimg, recipe)
            with interruptible() as interrupted:
                yield from _play_on(game, dataset, recipe, folder, seconds, interrupted)


def _play_on(
    game: Game,
    dataset: Dataset,
    recipe: Recipe,
    folder: RunFolder,
    seconds: float,
    interrupted: threading.Event,
) -> Iterator[Moment]:
    """From game.nimg to the end: rounds, and what is due after each of them."""
    save, end = recipe.save, recipe.length
    if game.nimg == 0:
        yield draw(game, dataset, recipe, folder)
    clock = line_clock = time.perf_counter()
    before = line_nimg = game.nimg
    for tick in play(game, dataset.train, recipe.seed, schedule(recipe)):
        observe(tick, game)
        nimg, ended = tick.nimg, tick.nimg >= end
        if ended or crossed(before, nimg, save.stats_kimg):
            now = time.perf_counter()
            times = {
                "seconds": round(seconds + now - clock, 3),
                "images_per_second": round((nimg - line_nimg) / (now - line_clock), 1),
            }
            line_clock, line_nimg = now, nimg
            yield log(folder, nimg, recipe, times)
        if ended or grid_due(before, nimg, save.samples_kimg):
            yield draw(game, dataset, recipe, folder)
        stop = interrupted.is_set()
        if ended or stop or crossed(before, nimg, save.checkpoint_kimg):
            yield keep(game, recipe, folder)
        if ended or stop:
            yield Moment("end" if ended else "interrupted", nimg, recipe)
            return
        before = nimg


def observe(tick: Tick, game: Game) -> None:
    """Report what a round showed."""
    border = objectives.threshold(game.rules, tick.real_logits, tick.fake_logits)
    stats.report("discriminator_loss", tick.discriminator_loss)
    stats.report("generator_loss", tick.generator_loss)
    stats.report("penalty", tick.penalty)
    stats.report("real_logit", tick.real_logits)
    stats.report("fake_logit", tick.fake_logits)
    stats.report("real_right", tick.real_logits > border)
    stats.report("fake_right", tick.fake_logits <= border)
    stats.report("rate", tick.controls.rate)


def log(folder: RunFolder, nimg: int, recipe: Recipe, times: dict[str, float]) -> Moment:
    """Collect the statistics into a line of stats.jsonl. All but its `time` is the same in every repetition."""
    summaries = stats.collect()
    for name, summary in summaries.items():
        if not math.isfinite(summary.mean):
            raise failed(name, nimg, folder)
    line = {"nimg": nimg, **{name: asdict(summary) for name, summary in summaries.items()}, "time": times}
    with writing(folder.stats_file), folder.stats_file.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return Moment("stats", nimg, recipe, stats=line)


def draw(game: Game, dataset: Dataset, recipe: Recipe, folder: RunFolder) -> Moment:
    """Save a picture of what the same latents give now."""
    if dataset.truth is None:
        picture = tile(sample(game, GRID, recipe.seed), columns=10)
    else:
        picture = scatter(sample(game, POINTS, recipe.seed), dataset.train.first(POINTS), dataset.truth.extent)
    path = folder.sample_file(game.nimg / 1000)
    write_atomically(path, png(picture))
    return Moment("samples", game.nimg, recipe, path=path)


def keep(game: Game, recipe: Recipe, folder: RunFolder) -> Moment:
    """Save a checkpoint; the oldest beyond the number to keep go. Raises TrainingFailed rather than save what is spoiled."""
    tree: dict[str, Any] = {"game": game.state(), "stats": stats.state(), "threads": torch.get_num_threads()}
    for part in ("generator", "discriminator", "ema"):
        for name, value in tree["game"][part].items():
            if not value.isfinite().all():
                raise failed(f"{part}.{name}", game.nimg, folder)
    with writing(folder.stats_file), folder.stats_file.open("ab") as file:
        os.fsync(file.fileno())  # the lines up to here must be as safe as the checkpoint that follows them
    path = folder.checkpoint_file(game.nimg)
    checkpoint.save(path, tree)
    for old in folder.checkpoints()[recipe.save.checkpoints :]:
        with writing(old):
            old.unlink(missing_ok=True)
    return Moment("checkpoint", game.nimg, recipe, path=path)


def failed(name: str, nimg: int, folder: RunFolder) -> TrainingFailed:
    """What to say when `name` is no longer finite."""
    return TrainingFailed("run.not_finite", name=name, kimg=f"{nimg / 1000:g}", path=folder.path)


def resume(game: Game, folder: RunFolder) -> tuple[dict[str, Any] | None, list[Path]]:
    """Load the newest checkpoint that is whole: what it holds (None: there is none), and the spoiled ones passed over.

    Raises UserError if every checkpoint is spoiled, or they are of other networks.
    """
    spoiled = []
    for path in folder.checkpoints():
        try:
            tree: dict[str, Any] = checkpoint.load(path)
            game.load(tree["game"])
        except FileNotFoundError:  # a training that goes on has just replaced it
            return resume(game, folder)
        except CheckpointError:
            spoiled.append(path)
        except (RuntimeError, KeyError, ValueError, TypeError) as error:
            raise UserError("checkpoint.other_networks", path=path) from error
        else:
            return tree, spoiled
    if spoiled:
        raise UserError("checkpoint.none_whole", path=folder.checkpoints_folder)
    return None, []


def is_whole(path: Path) -> bool:
    """Can this checkpoint be read?"""
    try:
        checkpoint.load(path)
    except CheckpointError:
        return False
    return True


def load_game(folder: RunFolder, device: str = "auto") -> tuple[Game, Recipe]:
    """A run's game at its newest whole checkpoint; its data is not needed. Raises UserError if there is none."""
    recipe = folder.recipe()
    game = build(recipe, machine.find_device(device))
    tree, _ = resume(game, folder)
    if tree is None:
        raise UserError("run.no_checkpoint", path=folder.path)
    return game, recipe


def continued(recipe: Recipe, there: Recipe, folder: RunFolder) -> Recipe:
    """The recipe to go on with: the one that is there, if what is wanted is the same. Raises UserError if it is not.

    A user's images may have moved: whether they are still the same is seen from the images themselves.
    """
    if recipe.minutes is not None and recipe.minutes == there.minutes:
        recipe = recipe.model_copy(update={"kimg": there.kimg})
    moved = {}
    if recipe.images is not None and there.images is not None:
        filled = {key: getattr(there.images, key) for key in ("channels", "fingerprint")}
        size = recipe.images.size or there.images.size
        recipe = recipe.model_copy(update={"images": recipe.images.model_copy(update={**filled, "size": size})})
        moved = {"data": recipe.data}
    changes = recipes.differences(there.model_copy(update=moved), recipe)
    if changes:
        raise UserError("run.other_recipe", path=folder.path, changes="; ".join(changes))
    return there.model_copy(update=moved)


def fetch(recipe: Recipe) -> Generator[Moment, None, tuple[Recipe, Dataset]]:
    """The data that a recipe names; a user's images are packed first, and the recipe then says what they are like."""
    if recipe.images is None:
        return recipe, data.load(recipe.data)
    wanted = recipe.images
    pack = yield from packed(recipe)
    found = {"size": pack.shape[1:], "channels": pack.shape[0], "fingerprint": pack.fingerprint}
    recipe = recipe.model_copy(update={"images": wanted.model_copy(update=found)})
    yield Moment("data", 0, recipe, pack=pack)
    return recipe, pack.dataset(recipe.data)


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


def settle(recipe: Recipe, folder: RunFolder, dataset: Dataset) -> None:
    """Make the folder this recipe's, or leave it so."""
    text = recipes.to_toml(recipe).encode()
    if not folder.exists() or folder.recipe_file.read_bytes() != text:
        write_atomically(folder.recipe_file, text)
    make_folders(folder)
    parts = {"train": dataset.train, "referee": dataset.referee, "heldout": dataset.heldout, "test": dataset.test}
    sizes = {name: len(part) for name, part in parts.items() if part is not None}
    facts = {"parts": sizes, "classes": len(dataset.classes), "shape": dataset.shape}
    write_atomically(folder.data_file, json.dumps(facts, indent=2).encode())
    if not recipe.points and not folder.data_picture.exists():
        write_atomically(folder.data_picture, png(tile(dataset.train.first(GRID), columns=10)))


def make_folders(folder: RunFolder) -> None:
    """The folders inside a run's folder, and nothing in them that a kill left of an atomic write."""
    for place in (folder.path, folder.samples_folder, folder.checkpoints_folder):
        with writing(place):
            place.mkdir(exist_ok=True)
            for leftover in place.glob(".*.tmp"):
                leftover.unlink(missing_ok=True)


def kimg_in(recipe: Recipe, dataset: Dataset, device: str) -> float:
    """How many kimg fit in recipe.minutes on this machine."""
    assert recipe.minutes is not None
    speed = images_per_second(recipe, dataset, device, min(8.0, 6 * recipe.minutes))
    return max(round(speed * 60 * recipe.minutes / 1000, 1), recipe.play.batch / 1000)


def images_per_second(recipe: Recipe, dataset: Dataset, device: str, seconds: float) -> float:
    """The speed of training on this machine, measured by playing `seconds` of a game that is thrown away."""
    game = build(recipe, device)
    rounds = play(game, dataset.train, recipe.seed, schedule(recipe))
    for _ in range(5):  # the first rounds are slower
        next(rounds)
    start, nimg = time.perf_counter(), game.nimg
    while time.perf_counter() - start < seconds:
        next(rounds).generator_loss.sum().item()  # a GPU must have finished the round before the clock is read
    return (game.nimg - nimg) / (time.perf_counter() - start)


def trim_stats(folder: RunFolder, nimg: int) -> float:
    """Drop the lines after `nimg` (they will be written again): the training seconds up to there."""
    kept = [line for line in folder.stats() if line["nimg"] <= nimg]
    write_atomically(folder.stats_file, "".join(json.dumps(line) + "\n" for line in kept).encode())
    return float(kept[-1]["time"]["seconds"]) if kept else 0.0


def crossed(before: int, now: int, every_kimg: float) -> bool:
    """Has the time passed a multiple of `every_kimg` since `before`?"""
    return now // (1000 * every_kimg) > before // (1000 * every_kimg)


def grid_due(before: int, now: int, every_kimg: float) -> bool:
    """Grids come at 1, 2, 4, 8 ... kimg at first, when much changes, then at each multiple of `every_kimg`."""
    powers = (1000 * 2**i for i in range(int(math.log2(max(every_kimg, 1))) + 1))
    return crossed(before, now, every_kimg) or any(before < power <= now for power in powers)

"""A run: plays the game, logs, draws, saves, resumes. The only writer of a run's folder.

``for moment in train(recipe, out): ...`` is the whole of it: what happened is yielded, the folder holds the rest. Killed
at any instant and started again with the same recipe, a run ends with the same bits as one that was never touched (same
machine, same library versions, same number of threads).
"""

from __future__ import annotations

import json
import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from filelock import FileLock, Timeout

from duelo import balance, checkpoint, data, machine, objectives, recipes, stats
from duelo.balance import Controls
from duelo.checkpoint import CheckpointError, write_atomically, writing
from duelo.data import Dataset
from duelo.data.pixels import png, scatter, tile
from duelo.folder import RunFolder
from duelo.networks import PAIRS
from duelo.play import Game, Tick, play, sample
from duelo.recipes import Recipe
from duelo.words import TrainingFailed, UserError

GRID = 100  # images in a sample grid
POINTS = 5000  # points in a toy's sample picture


@dataclass(frozen=True)
class Moment:
    """Something that happened in a run at time `nimg`.

    kind: "start", "resume", "spoiled" (a checkpoint that could not be read, `path`), "stats" (`stats`: the line),
    "samples" and "checkpoint" (`path`), "interrupted" (saved), "end", "finished" (it had ended before).
    """

    kind: Literal["start", "resume", "spoiled", "stats", "samples", "checkpoint", "interrupted", "end", "finished"]
    nimg: int
    recipe: Recipe
    stats: dict[str, Any] | None = None
    path: Path | None = None


def build(recipe: Recipe, device: str = "cpu") -> tuple[Game, Dataset]:
    """The game that a recipe describes, before its first round, and its data. A function of the recipe alone."""
    dataset = data.load(recipe.data)
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        pair = PAIRS[recipe.networks.pair](dataset.shape, recipe.networks.width, recipe.networks.latent)
    for network in (pair.generator, pair.discriminator):
        network.to(device)
    game = Game(
        pair,
        recipe.objective.loss,
        batch=recipe.play.batch,
        r1=recipe.objective.r1,
        r2=recipe.objective.r2,
        generator_rate=recipe.generator.rate,
        discriminator_rate=recipe.discriminator.rate,
        betas=(recipe.adam.beta1, recipe.adam.beta2),
        ema_kimg=recipe.play.ema_kimg,
    )
    return game, dataset


def schedule(recipe: Recipe) -> balance.Balance:
    """What each side may do at each time of the run."""
    controls = Controls(recipe.discriminator.steps, recipe.generator.steps)
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
        recipe = settle(recipe, folder, device)
        if folder.finished() and is_whole(folder.checkpoints()[0]):
            yield Moment("finished", folder.images_seen(), recipe)
            return
        stats.collect()  # forget what an earlier run of this process left
        with enough_memory():
            game, dataset = build(recipe, device)
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
    save, end = recipe.save, recipe.images
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
        picture = scatter(sample(game, POINTS, recipe.seed), dataset.train.values[:POINTS], dataset.truth.extent)
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


def load_game(folder: RunFolder, device: str = "auto") -> tuple[Game, Dataset, Recipe]:
    """A run's game at its newest whole checkpoint. Raises UserError if there is none."""
    recipe = folder.recipe()
    game, dataset = build(recipe, machine.find_device(device))
    tree, _ = resume(game, folder)
    if tree is None:
        raise UserError("run.no_checkpoint", path=folder.path)
    return game, dataset, recipe


def settle(recipe: Recipe, folder: RunFolder, device: str) -> Recipe:
    """The recipe that the folder will hold: the one that is there if it is the same, else refuse; new ones are saved."""
    if folder.exists():
        there = folder.recipe()
        if recipe.minutes is not None and recipe.minutes == there.minutes:
            recipe = recipe.model_copy(update={"kimg": there.kimg})
        changes = recipes.differences(there, recipe)
        if changes:
            raise UserError("run.other_recipe", path=folder.path, changes="; ".join(changes))
        make_folders(folder)
        return there
    if recipe.minutes is not None:
        recipe = recipe.model_copy(update={"kimg": kimg_in(recipe, device)})
    write_atomically(folder.recipe_file, recipes.to_toml(recipe).encode())
    make_folders(folder)
    return recipe


def make_folders(folder: RunFolder) -> None:
    """The folders inside a run's folder, and nothing in them that a kill left of an atomic write."""
    for place in (folder.path, folder.samples_folder, folder.checkpoints_folder):
        with writing(place):
            place.mkdir(exist_ok=True)
            for leftover in place.glob(".*.tmp"):
                leftover.unlink(missing_ok=True)


def kimg_in(recipe: Recipe, device: str) -> float:
    """How many kimg fit in recipe.minutes on this machine, measured by playing a few seconds of a game thrown away."""
    assert recipe.minutes is not None
    game, dataset = build(recipe, device)
    rounds = play(game, dataset.train, recipe.seed, schedule(recipe))
    for _ in range(5):  # the first rounds are slower
        next(rounds)
    start, nimg = time.perf_counter(), game.nimg
    while time.perf_counter() - start < min(8.0, 6 * recipe.minutes):
        next(rounds).generator_loss.sum().item()  # a GPU must have finished the round before the clock is read
    speed = (game.nimg - nimg) / (time.perf_counter() - start)
    return max(round(speed * 60 * recipe.minutes / 1000, 1), recipe.play.batch / 1000)


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


@contextmanager
def claimed(folder: RunFolder) -> Iterator[None]:
    """The folder, made if need be, and ours alone while we are inside."""
    try:
        foreign = None if folder.exists() else _foreign(folder.path)
        if foreign is not None:
            raise UserError("run.foreign_folder", path=folder.path, file=foreign.name)
        folder.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.path / ".lock")
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UserError("run.locked", path=folder.path) from error
    except OSError as error:
        raise UserError("write.folder", path=folder.path, why=error.strerror) from error
    try:
        yield
    finally:
        lock.release()


def _foreign(path: Path) -> Path | None:
    """Something in this place that no run of ours can have left before it saved its recipe."""
    if not path.is_dir():
        return path if path.exists() else None
    ours = {".lock", ".recipe.toml.tmp"}
    return next((file for file in sorted(path.iterdir()) if file.name not in ours), None)


@contextmanager
def enough_memory() -> Iterator[None]:
    """Inside, running out of memory, the computer's or the GPU's, becomes a UserError."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise UserError("run.memory") from error


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Inside, Ctrl-C and SIGTERM set the event instead of stopping in the middle of a round; a second one stops at once."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def handle(number: int, frame: object) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)

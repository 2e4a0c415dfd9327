"""What a verdict rests on: samples of a run or from a file, their data, and pictures of the generator."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from duelo import recipes
from duelo.data import Dataset, Mixture
from duelo.data.pixels import png, tile, to_bytes
from duelo.folder import RunFolder
from duelo.learner import Learner, sample
from duelo.objectives import threshold
from duelo.play import Game
from duelo.run import dataset_of
from duelo.saves import load_game
from duelo.words import UserError

MOST, FEWEST = 10_000, 100  # members that are measured of each kind; below the fewest, no number would mean anything
OTHERS = 1_000_003  # added to the seed: the best point was chosen by the latents of the run's own
STACKED = 26_000  # samples for the thousand modes: Lin et al. 2018 (PacGAN), section 4.2
FARTHEST = 1e6  # coordinate of a point; squares of much larger ones are lost in float32
MOST_TRAIN = 100_000  # training members among which copies are looked for
ROWS, STEPS = 6, 9  # of the interpolations
SIDE = 160  # of the discriminators' pictures, in pixels
POINTS = 2_000_000  # from which the generator's density is counted


@dataclass(frozen=True)
class Evidence:
    """What is measured: `generated` members [n, *shape], and the data set that they are held against.

    origin: where they come from, for people. kimg: the age of the generator, None if unknown. pictures: what else the
    generator was asked for, as PNG by name. learner: what made them, None if unknown.
    """

    generated: Tensor
    dataset: Dataset
    origin: str
    kimg: float | None = None
    pictures: dict[str, bytes] = field(default_factory=dict)
    learner: Learner | None = None


def of_run(folder: RunFolder, n: int | None = None, seed: int = 0) -> Evidence:
    """`n` samples of a run at its best point, no more than there are held-out members; by default as the protocols want.

    Raises UserError.
    """
    learner, recipe = load_game(folder)
    dataset = dataset_of(recipe)
    n = n or (STACKED if recipe.data == "stacked-digits" else MOST)
    n = min(n, max(FEWEST, len(dataset.heldout)))
    pictures = {}
    if recipe.points and dataset.truth is not None:
        if isinstance(learner, Game) and learner.pack == 1:  # one that judges several at once says nothing of one place
            pictures["discriminators"] = png(discriminators(learner, dataset.truth))
    elif not recipe.networks.conditional:
        pictures["interpolation"] = png(tile(interpolations(learner, seed), columns=STEPS))
    return Evidence(sample(learner, n, seed + OTHERS), dataset, str(folder.path), learner.nimg / 1000, pictures, learner)


def of_file(path: Path, data: str) -> Evidence:
    """Samples in an .npz file: `images`, uint8 [n, h, w, c] or [n, h, w], or points float32 [n, 2]. Raises UserError."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("images.npy") as member:
            values = np.lib.format.read_array(member, allow_pickle=False)
    except (OSError, ValueError, KeyError, EOFError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError("measure.file", path=path, why=reason(error)) from error
    if values.ndim == 3:
        values = values[..., None]
    points = values.ndim == 2 and values.dtype == np.float32
    if not points and not (values.ndim == 4 and values.dtype == np.uint8):
        raise UserError("measure.file", path=path, why=f"{values.dtype} {list(values.shape)}")
    if points and not (np.abs(values) <= FARTHEST).all():
        raise UserError("measure.numbers", path=path, most=FARTHEST)
    size = None if points or data in recipes.DATA else f"{values.shape[1]}x{values.shape[2]}"
    dataset = dataset_of(recipes.resolve(data, None, {} if size is None else {"images.size": size}))
    generated = torch.from_numpy(values) if points else torch.from_numpy(values).permute(0, 3, 1, 2).contiguous()
    if tuple(generated.shape[1:]) != dataset.shape:
        raise UserError("measure.shape", path=path, found=list(generated.shape[1:]), data=data, wanted=list(dataset.shape))
    return Evidence(generated, dataset, str(path))


def reason(error: Exception) -> str:
    """What an exception says, in one line."""
    said = error.strerror if isinstance(error, OSError) else next(iter(error.args), None)
    return " ".join(str(said or type(error).__name__).split())


@torch.no_grad()
def interpolations(learner: Learner, seed: int = 0) -> Tensor:
    """The way between pairs of latents, on the sphere that normal latents lie near (White 2016, section 2.1).

    Images [ROWS * STEPS, c, h, w] uint8, row by row.
    """
    ends = torch.randn(2, ROWS, *learner.pair.latent_shape, generator=torch.Generator().manual_seed(seed))
    first, last = ends.flatten(2)
    latents = between(first, last, STEPS).reshape(ROWS * STEPS, *learner.pair.latent_shape).to(learner.device)
    return to_bytes(learner.ema.eval()(latents).cpu(), learner.pair.pixel_range)


def between(first: Tensor, last: Tensor, steps: int) -> Tensor:
    """The way from `first` [n, d] to `last` [n, d] on the sphere, both ends included: [n, steps, d]."""
    angle = torch.acos((torch.nn.functional.cosine_similarity(first, last)).clamp(-0.999, 0.999))[:, None, None]
    t = torch.linspace(0, 1, steps)[None, :, None]
    return (((1 - t) * angle).sin() * first[:, None] + (t * angle).sin() * last[:, None]) / angle.sin()


@torch.no_grad()
def discriminators(game: Game, truth: Mixture) -> Image.Image:
    """The optimal discriminator p / (p + q) (Goodfellow et al. 2014, proposition 1) beside the game's own, in the plane.

    p: the known density, in each cell's middle; q: the generator's, counted from two million points. Blue says real, orange
    generated; where there is neither, paper.
    """
    extent = truth.extent
    ticks = (torch.arange(SIDE) + 0.5) / SIDE * 2 * extent - extent
    places = torch.cartesian_prod(ticks, ticks)  # [SIDE * SIDE, 2], x first
    fakes = sample(game, POINTS, 1, chunk=50_000)
    bounds = [-extent, extent, -extent, extent]
    counted = torch.histogramdd(fakes, bins=[SIDE, SIDE], range=bounds).hist
    q = counted / POINTS / (2 * extent / SIDE) ** 2
    p = truth.log_density(places).exp().reshape(SIDE, SIDE)
    seen = ((p + q) * (2 * extent / SIDE) ** 2 * POINTS).clamp(0, 1)  # a cell where not one point would be says nothing
    network = game.pair.discriminator.eval()
    reals = truth.sample(len(places), torch.Generator().manual_seed(1))
    said, real, fake = (network(points.to(game.device)).cpu() for points in (places, reals, fakes[: len(places)]))
    network.train()
    learnt = (said - threshold(game.rules, real, fake)).reshape(SIDE, SIDE).sigmoid()
    blue, orange, paper = torch.tensor([[0.18, 0.50, 0.79], [0.87, 0.42, 0.13], [1.0, 1.0, 1.0]])
    sheets = []
    for share, weight in ((p / (p + q).clamp(min=1e-30), seen), (learnt, torch.ones_like(learnt))):
        certain = (2 * share - 1).abs()[..., None] * weight[..., None]
        colour = torch.where(share[..., None] > 0.5, blue, orange)
        sheets.append(torch.lerp(paper.expand_as(colour), colour, certain).transpose(0, 1).flip(0))
    gap = torch.full((SIDE, SIDE // 20, 3), 0.6)
    sheet = torch.cat([sheets[0], gap, sheets[1]], 1)
    return Image.fromarray((255 * sheet).byte().numpy()).resize((3 * sheet.shape[1], 3 * SIDE), Image.Resampling.NEAREST)

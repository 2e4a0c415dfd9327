"""New images from a run, written as a grid, an array, or single files."""

from __future__ import annotations

import math
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from duelo import rejection
from duelo.build import opponent
from duelo.checkpoint import write_atomically
from duelo.data import Dataset, cache_folder, load
from duelo.data.pixels import png, scatter, tile
from duelo.evidence import MOST_TRAIN
from duelo.folder import RunFolder
from duelo.learner import Learner, sample, sample_labels
from duelo.measure import copying
from duelo.measure.features import choose, load_features
from duelo.measure.twins import FEWEST
from duelo.recipes import Recipe
from duelo.run import dataset_of
from duelo.saves import load_game
from duelo.words import UserError, say

LEFT_OUT = 1 / 6  # of what is drawn, when copies are to be left out


def write(
    folder: RunFolder,
    n: int,
    seed: int,
    target: str,
    class_: int | None = None,
    reject: bool = False,
    no_copies: bool = False,
    newest: bool = False,
) -> None:
    """Draw `n` samples of a run with the latents of `seed` and write them to `target`; of one class if it is given.

    A .png is one picture (a grid; for points, a scatter plot). A .npz holds `images`: uint8 [n, h, w, c], or float32 [n, 2]
    if they are points; and `labels`, int64 [n], if the run is conditional. A folder (ending in "/") gets a .png for each
    image. reject: only samples that an opponent keeps (``duelo.rejection``). no_copies: leave out those most like copies
    (``unlike_copies``). newest: of the newest checkpoint, not of the best point. Raises UserError.
    """
    game, recipe = load_game(folder, newest=newest)
    if class_ is not None and not game.pair.classes:
        raise UserError("sample.class")
    if class_ is not None and not 0 <= class_ < game.pair.classes:
        raise UserError("sample.class_range", value=class_, most=game.pair.classes - 1)
    if recipe.points and target.endswith("/"):
        raise UserError("sample.points_folder")
    path = Path(target)
    try:
        (path if target.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError("write.folder", path=path, why=error.strerror) from error
    drawn = math.ceil(n / (1 - LEFT_OUT)) if no_copies else n
    labels = sample_labels(game, drawn, seed) if class_ is None else torch.full((drawn,), class_)
    values = chosen(game, recipe, drawn, seed) if reject else sample(game, drawn, seed, labels)
    if no_copies:
        kept = unlike_copies(dataset_of(recipe), values, n, seed)
        values, labels = values[kept], None if labels is None else labels[kept]
    if target.endswith(".npz"):
        array = values.numpy() if recipe.points else values.permute(0, 2, 3, 1).numpy()
        buffer = BytesIO()
        if labels is None:
            np.savez_compressed(buffer, images=array)
        else:
            np.savez_compressed(buffer, images=array, labels=labels.numpy())
        write_atomically(path, buffer.getvalue())
    elif recipe.points:
        dataset = load(recipe.data)
        assert dataset.truth is not None
        write_atomically(path, png(scatter(values, dataset.train.first(5000), dataset.truth.extent)))
    elif target.endswith(".png"):
        write_atomically(path, png(tile(values, columns=math.ceil(math.sqrt(n)))))
    else:
        digits = len(str(n - 1))
        for i in range(n):
            write_atomically(path / f"{i:0{digits}d}.png", png(single(values[i])))


def chosen(game: Learner, recipe: Recipe, n: int, seed: int) -> Tensor:
    """`n` samples that an opponent keeps. It is trained now; stderr hears how many it kept."""
    dataset = dataset_of(recipe)
    kimg = min(rejection.LENGTH_KIMG, 8 * recipe.kimg) if recipe.points else recipe.kimg / 2
    print(say("sample.opponent", kimg=kimg), file=sys.stderr)
    batch = rejection.BATCH if recipe.points else recipe.play.batch
    judge = rejection.train_judge(game, opponent(recipe), dataset.train, kimg, batch, referee=dataset.referee)
    try:
        values, share = rejection.choose(game, judge, n, seed)
    except rejection.TooFew as error:
        raise UserError("sample.too_few", kept=error.kept, drawn=error.drawn) from error
    print(say("sample.kept", share=share), file=sys.stderr)
    return values


def unlike_copies(dataset: Dataset, values: Tensor, n: int, seed: int) -> Tensor:
    """Which `n` of the samples `values` [m, *shape] are least like copies of training members, in their order: [n] int64.

    By the p-value of ``measure.copying``, held against the referee part, so that the held-out part can still judge what is
    kept. stderr hears how many of the kept are copies all the same. Raises UserError for too few referee members.
    """
    if len(dataset.referee) < 2 * FEWEST:
        raise UserError("sample.few_referee", n=len(dataset.referee), least=2 * FEWEST)
    print(say("measure.copying"), file=sys.stderr)
    train, twins = dataset.train.drawn(MOST_TRAIN, seed), dataset.referee.first(len(dataset.referee))
    features = load_features(choose(dataset.shape, dataset.name or None))
    found = copying(train, twins, values, features, seed, cache=cache_folder() / "features")
    kept = found.p_value.argsort(descending=True, stable=True)[:n].sort().values
    copies = int(torch.isin(found.indices, kept).sum())
    print(say("sample.no_copies", n=n, drawn=len(values), copies=copies), file=sys.stderr)
    return kept


def single(image: Tensor) -> Image.Image:
    """One image [c, h, w] uint8 as a picture."""
    return tile(image[None], columns=1, border=0)

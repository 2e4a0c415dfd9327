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
from duelo.data import load
from duelo.data.pixels import png, scatter, tile
from duelo.folder import RunFolder
from duelo.learner import Learner, sample, sample_labels
from duelo.recipes import Recipe
from duelo.run import dataset_of
from duelo.saves import load_game
from duelo.words import UserError, say


def write(
    folder: RunFolder,
    n: int,
    seed: int,
    target: str,
    class_: int | None = None,
    reject: bool = False,
    newest: bool = False,
) -> None:
    """Draw `n` samples of a run with the latents of `seed` and write them to `target`; of one class if it is given.

    A .png is one picture (a grid; for points, a scatter plot). A .npz holds `images`: uint8 [n, h, w, c], or float32 [n, 2]
    if they are points; and `labels`, int64 [n], if the run is conditional. A folder (ending in "/") gets a .png for each
    image. reject: only samples that an opponent keeps (``duelo.rejection``). newest: of the newest checkpoint, not of the
    best point. Raises UserError.
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
    labels = sample_labels(game, n, seed) if class_ is None else torch.full((n,), class_)
    values = chosen(game, recipe, n, seed) if reject else sample(game, n, seed, labels)
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
    train = dataset_of(recipe).train
    kimg = min(rejection.LENGTH_KIMG, 8 * recipe.kimg) if recipe.points else recipe.kimg / 2
    print(say("sample.opponent", kimg=kimg), file=sys.stderr)
    batch = rejection.BATCH if recipe.points else recipe.play.batch
    judge = rejection.train_judge(game, opponent(recipe), train, kimg, batch)
    try:
        values, share = rejection.choose(game, judge, n, seed)
    except rejection.TooFew as error:
        raise UserError("sample.too_few", kept=error.kept, drawn=error.drawn) from error
    print(say("sample.kept", share=share), file=sys.stderr)
    return values


def single(image: Tensor) -> Image.Image:
    """One image [c, h, w] uint8 as a picture."""
    return tile(image[None], columns=1, border=0)

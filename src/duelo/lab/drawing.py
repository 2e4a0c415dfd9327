"""What a page draws of a live game: points, surfaces, arrows and a lattice; or images, and what lies next to them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from duelo.data import Mixture, Part
from duelo.data.pixels import to_floats
from duelo.lab import wire
from duelo.lab.game import LiveGame
from duelo.lab.wire import Array
from duelo.learner import sample
from duelo.measure import nearest
from duelo.networks.blocks import apply, untouched
from duelo.objectives import threshold

POINTS = 1000  # of each kind
ARROWS = 64
COUNTED = 20_000  # points from which the generator's density is estimated
LINES, PER_LINE, REACH = 13, 61, 2.5  # of the lattice, in standard deviations of the latents
TILES = 36
SEARCHED, AT_ONCE = 100_000, 10_000  # images among which neighbours are looked for, and those in memory at a time


def points(game: LiveGame, surface: Surface) -> list[Array]:
    """What is drawn of a game of points.

    fake [n, 2]; heat [side, side] uint8, the sigmoid of D's logit above its border, row 0 at the bottom; arrows [m, 4]: a
    point and minus the gradient of G's loss there; grid [lines, per line, 2]: a lattice of latents, through the generator.
    """
    fakes = game.fakes(POINTS)
    return [
        wire.array("fake", fakes.numpy()),
        wire.array("heat", surface.look(game, fakes).numpy()),
        wire.array("arrows", arrows(game, fakes[:ARROWS]).numpy()),
        wire.array("grid", lattice(game).numpy()),
    ]


class Surface:
    """What D says of each place, row by row. While a game is played, every other row is asked anew at each look: nobody
    sees that one is a fifteenth of a second old, and a surface costs as much as a round."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.cells = torch.full((side, side), 128, dtype=torch.uint8)
        self.turn: int | None = None  # which rows are next; None: all

    @torch.no_grad()
    def look(self, game: LiveGame, fakes: Tensor) -> Tensor:
        """The sigmoid of D's logit above its border, [side, side] uint8, row 0 at the bottom."""
        judge = game.game.pair.discriminator
        rows = slice(None) if self.turn is None else slice(self.turn, None, 2)
        where = places(self.side, extent(game)).reshape(self.side, self.side, 2)[rows]
        with untouched(judge):
            rules = game.game.rules
            real, fake = game.dataset.referee.first(256), fakes[:256]
            relative = rules.border is None  # then, and only then, what it says of others matters
            border = threshold(rules, *(judge(x) for x in (real, fake))) if relative else rules.border
            said = (judge(where.flatten(0, 1)) - border).sigmoid()
        self.cells[rows] = (255 * said.nan_to_num(0.5)).round().to(torch.uint8).reshape(-1, self.side)
        self.turn = 1 - (self.turn or 0)
        return self.cells


def real_points(game: LiveGame) -> list[Array]:
    """real [n, 2]: points of the training part."""
    return [wire.array("real", game.dataset.train.first(POINTS).numpy())]


def extent(game: LiveGame) -> float:
    """Half the side of the square that shows a game of points."""
    assert game.dataset.truth is not None
    return game.dataset.truth.extent


def places(side: int, reach: float) -> Tensor:
    """The middles of the cells of a square [-reach, reach]^2, row by row from the bottom: [side * side, 2]."""
    ticks = (torch.arange(side) + 0.5) / side * 2 * reach - reach
    y, x = torch.meshgrid(ticks, ticks, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], 1)


def arrows(game: LiveGame, fakes: Tensor) -> Tensor:
    """Where D would have these points go: [m, 4], each point and minus the gradient of G's loss for it alone."""
    members = fakes.clone().requires_grad_()
    rules, judge = game.game.rules, game.game.pair.discriminator
    with untouched(judge):
        with torch.no_grad():
            real_logits = judge(game.dataset.referee.first(len(members)))
        losses = rules.generator(real_logits, judge(members))
        (gradient,) = torch.autograd.grad(losses.sum(), members)
    return torch.cat([fakes, -gradient], 1).nan_to_num(0.0, 0.0, 0.0)


@torch.no_grad()
def lattice(game: LiveGame) -> Tensor:
    """What G makes of a lattice in the plane of its first two latents, the others 0: [2 LINES, PER_LINE, 2]."""
    across, along = torch.linspace(-REACH, REACH, LINES), torch.linspace(-REACH, REACH, PER_LINE)
    (size,) = game.game.pair.latent_shape
    latents = torch.zeros(2, LINES, PER_LINE, max(2, size))
    for turned in (0, 1):
        latents[turned, ..., turned], latents[turned, ..., 1 - turned] = along, across[:, None]
    latents = latents[..., :size]  # of one number, each line is the same
    made = apply(game.game.pair.generator, latents.flatten(0, 2), None)
    return made.reshape(2 * LINES, PER_LINE, 2).nan_to_num(0.0, 0.0, 0.0)


@torch.no_grad()
def optimal(game: LiveGame, side: int) -> list[Array]:
    """optimal [side, side] uint8: the optimal discriminator p / (p + q) (Goodfellow et al. 2014, proposition 1).

    p: the known density's share of each cell, exactly; q: the generator's, counted from COUNTED points. Where there is
    neither, 128.
    """
    truth = game.dataset.truth
    assert truth is not None
    fakes, reach = game.fakes(COUNTED), truth.extent
    bounds = [-reach, reach, -reach, reach]
    counted = torch.histogramdd(fakes.nan_to_num(math.inf), bins=[side, side], range=bounds).hist.T / COUNTED
    p, one = cell_shares(truth, side), 1 / COUNTED
    share = (p + one) / (p + counted + 2 * one)
    return [wire.array("optimal", (255 * share).round().to(torch.uint8).numpy())]


def cell_shares(truth: Mixture, side: int) -> Tensor:
    """The share of a mixture of round Gaussians in each cell, [side, side], row 0 at the bottom: products of two normal
    distribution functions, the mean over the Gaussians."""
    edges = torch.linspace(-truth.extent, truth.extent, side + 1, dtype=torch.float64)
    below = torch.special.ndtr((edges - truth.means.double()[..., None]) / truth.sigma)  # [k, 2, side + 1]
    inside = below.diff(dim=2)
    shares: Tensor = inside[:, 1].T @ inside[:, 0] / len(truth.means)
    return shares.float()


def images(game: LiveGame) -> list[Array]:
    """What is drawn of a game of images: fakes [n, h, w, c] uint8 of latents that stay the same, and what D says of them,
    logits [n]; of a VAE beside it, rival [n, h, w, c]."""
    fakes = game.fakes(TILES)
    pair = game.game.pair
    labels = game.labels(TILES)
    with torch.no_grad(), untouched(pair.discriminator):  # in the midst of a batch, as the referee asks
        logits = apply(pair.discriminator, to_floats(fakes, pair.pixel_range), labels)
    drawn = [wire.members("fakes", fakes), wire.array("logits", logits.nan_to_num(0.0).numpy())]
    if game.rival:
        drawn.append(wire.members("rival", sample(game.rival, TILES, game.settings.seed)))
    return drawn


def real_images(game: LiveGame) -> list[Array]:
    """reals [n, h, w, c] uint8: images of the training part."""
    return [wire.members("reals", game.dataset.train.first(TILES))]


class Neighbours:
    """Looks for the images nearest to the fakes, in pixels, among those that were trained on and among the held-out ones.

    apart: the mean distance of held-out images to their nearest training image, in grey levels times the root of the pixels.
    distance: the same of the fakes that were last looked at. searched: how many training images, the first SEARCHED at most.
    """

    def __init__(self, game: LiveGame) -> None:
        self.train, self.heldout = game.dataset.train, game.dataset.heldout
        self.searched = min(len(self.train), SEARCHED)
        self.apart = float(self._near(self.train, self.heldout.first(500))[0].mean())
        self.distance = math.nan

    def find(self, fakes: Tensor) -> list[Array]:
        """sought (the fakes themselves: a page has newer ones by then), nearest and nearest_heldout [n, h, w, c] uint8, and
        distances [n, 2] to both. fakes: [n, c, h, w] uint8."""
        (near, which), (far, other) = self._near(self.train, fakes), self._near(self.heldout, fakes)
        self.distance = float(near.mean())
        return [
            wire.members("sought", fakes),
            wire.members("nearest", self.train.take(which)),
            wire.members("nearest_heldout", self.heldout.take(other)),
            wire.array("distances", torch.stack([near, far], 1).numpy()),
        ]

    def _near(self, part: Part, images: Tensor) -> tuple[Tensor, Tensor]:
        """The distances [n] of images [n, c, h, w] to the nearest of a part, and which ones these are [n]."""
        queries = images.flatten(1).float()
        found: list[tuple[Tensor, Tensor]] = []
        for start in range(0, min(len(part), SEARCHED), AT_ONCE):
            indices = torch.arange(start, min(start + AT_ONCE, len(part), SEARCHED))
            distances, which = nearest(queries, part.take(indices).flatten(1).float())
            found.append((distances[:, 0], indices[which[:, 0]]))
        distances, places = (torch.stack(each, 1) for each in zip(*found, strict=True))
        best = distances.argmin(1, keepdim=True)
        return distances.gather(1, best)[:, 0], places.gather(1, best)[:, 0]

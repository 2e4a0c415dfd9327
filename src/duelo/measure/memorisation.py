"""Published measures of how much a whole set of samples leans on what was trained on; one number each.

They see a generator that copies or overfits everywhere. Few copies among many samples move none of them: that is what the
twin test is for. All take features, float32, of whatever network; distances are Euclidean.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from duelo.measure.neighbours import nearest

CELL_FEWEST = 20  # members of either kind; below, the statistic of a cell is not nearly normal
CENTRES = 32  # Gaussians that a member may belong to; those farther away have no part in its likelihood worth counting
FITTING_ROUNDS = 30
ORIGIN = 0.9  # how far, as a share of the distance to the middle of all, the fallback Gaussian is (FLD's own choice)
NARROWEST = 1e-3  # of the squared distance to the last of these, per dimension: on a copy, a Gaussian would become a spike
ROWS, COLUMNS = 1024, 16_384


def c_t(generated: Tensor, heldout: Tensor, generated_cells: Tensor, heldout_cells: Tensor) -> float:
    """C_T: whether samples are nearer to the training members than held-out ones are (Meehan, Chaudhuri & Dasgupta 2020).

    generated: [n], heldout: [m] distances to the nearest training member; their cells [n] and [m] int64. In each cell with
    at least 20 of both kinds, the z-score of the Mann-Whitney U statistic; the mean over cells, by their shares of held-out
    members. Around 0 where both are alike (standard deviation 0.24 for 20 cells of equal shares); far below 0 for copying,
    above for samples far from all. The authors' code measures distances to the training members of the same cell alone;
    here it is to all of them. NaN if
    no cell has enough of both.
    """
    total, weight = 0.0, 0
    for cell in heldout_cells.unique().tolist():
        ours, theirs = generated[generated_cells == cell], heldout[heldout_cells == cell].sort().values
        n, m = len(ours), len(theirs)
        if min(n, m) < CELL_FEWEST:
            continue
        # U counts the pairs in which the generated one is farther, a tie as half a pair
        below, up_to = (torch.searchsorted(theirs, ours, right=right).double() for right in (False, True))
        u = float((below + up_to).sum()) / 2
        total += m * (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
        weight += m
    return total / weight if weight else math.nan


def authentic(to_train: Tensor, nearest_train: Tensor, train: Tensor) -> Tensor:
    """Which samples are authentic (Alaa et al. 2022): [n] bool.

    A sample is not if it is no farther from its nearest training member than that member is from its own nearest other one.
    to_train: [n] distances to the nearest training member, nearest_train: [n] which one, train: [m, d] float32, m > 1.
    The authors' code takes the nearest sample of each training member instead; the paper's definition is followed here.
    """
    members, where = nearest_train.unique(return_inverse=True)
    distances, indices = nearest(train[members], train, 2)
    # among several duplicates a member itself may be missing from its two nearest; then both are others
    own = torch.where(indices[:, 0] == members, distances[:, 1], distances[:, 0])
    return to_train > own[where]


def cosine_distances(samples: Tensor, train: Tensor) -> Tensor:
    """1 - |cosine| between each of samples [n, d] and the nearest of train [m, d] in this respect: [n], in 0..1.

    The mean over samples is the memorisation distance of MiFID (Bai et al. 2021): the smaller, the more copied.
    """
    samples, train = (torch.nn.functional.normalize(values, dim=1) for values in (samples, train))
    nearest_of_all = []
    for rows in samples.split(ROWS):
        best = torch.stack([(rows @ block.T).abs().amax(1) for block in train.split(COLUMNS)]).amax(0)
        nearest_of_all.append(best)
    return (1 - torch.cat(nearest_of_all)).clamp(min=0)


def mifid_penalty(distance: float, threshold: float) -> float:
    """What MiFID multiplies a Frechet distance with (Bai et al. 2021): 1 / distance below the threshold, else 1.

    distance: the memorisation distance, in 0..1. threshold: 0.1 is usual with Inception features of photographs; in other
    features, one below what held-out members have.
    """
    return 1 / (distance + 1e-15) if distance < threshold else 1.0


def fld_nll(train: Tensor, others: Tensor, generated: Tensor) -> tuple[Tensor, Tensor]:
    """How unlikely train [a, d] and others [b, d] are under generated [n, d]: [a] and [b], nats per dimension times 100.

    The mean over others is FLD up to a constant of the data, and the mean over train less that over others is its
    generalization gap (Jiralerspong et al. 2023): the more negative the more a generator overfits, below -1000 for a
    copy of all of train. Of real members that owe nothing to train it is a little below 0, the more of them the lower,
    since their variances are fitted to train: it is to be compared with that of as many held-out ones. The density is a
    mixture of equally weighted round Gaussians around the generated samples; each one's variance is the one that makes
    train most likely, by expectation-maximisation, but no Gaussian may become a spike. Features are scaled to mean 0 and
    deviation 1 of `others`. While variances are fitted, a Gaussian around the middle of train takes what is far from all
    samples, as in the authors' code. NaN where all of others are the same. Raises ValueError for fewer than two members
    of others.
    """
    if len(others) < 2:
        raise ValueError("features cannot be scaled by fewer than two members")
    mean, deviation = others.mean(0), others.std(0)
    used = deviation > 0
    if not used.any():
        return tuple(torch.full((len(x),), math.nan, dtype=torch.float64) for x in (train, others))  # type: ignore[return-value]
    train, others, generated = (((x - mean) / deviation)[:, used] for x in (train, others, generated))
    d, n, k = train.shape[1], len(generated), min(CENTRES, len(generated))
    origin = ORIGIN**2 * (train - train.mean(0)).double().square().sum(1, keepdim=True)
    (to_train, of_train), (to_others, of_others) = (nearest(x, generated, k) for x in (train, others))
    squares = to_train.double().square()
    variance = _variances(squares, of_train, origin, n, d)
    likelihoods = (
        _log_density(values, variance[chosen], d).logsumexp(1) - math.log(n)
        for values, chosen in ((squares, of_train), (to_others.double().square(), of_others))
    )
    train_nll, others_nll = (-100 / d * values for values in likelihoods)
    return train_nll, others_nll


def _variances(squares: Tensor, indices: Tensor, origin: Tensor, n: int, d: int) -> Tensor:
    """The variances [n] of Gaussians in `d` dimensions that make members most likely, by expectation-maximisation.

    squares, indices: [a, k] float64 the members' squared distances to their nearest middles, and which these are.
    origin: [a, 1] squared distances to the fallback Gaussian's.
    """
    # every Gaussian starts with the members that are nearest to it. The authors' start, with its nearest member alone, ends
    # in spikes on copies, which leave the other members, seen or not, with no Gaussian at all, and the gap says nothing
    counts = indices[:, 0].bincount(minlength=n)
    variance = squares.new_zeros(n).index_add_(0, indices[:, 0], squares[:, 0]) / (d * counts.clamp(min=1))
    floor = (NARROWEST * squares[:, -1].median() / d).clamp(min=1e-12)
    variance = torch.where(counts > 0, variance, variance[counts > 0].median()).clamp(min=floor)
    origin_variance, flat = origin.mean() / d, indices.flatten()
    for _ in range(FITTING_ROUNDS):
        densities = _log_density(squares, variance[indices], d) - math.log(n)
        belongs = torch.cat([densities, _log_density(origin, origin_variance, d)], 1).softmax(1)
        ours, rest = belongs[:, :-1], belongs[:, -1:]
        weights = squares.new_zeros(n).index_add_(0, flat, ours.flatten())
        sums = squares.new_zeros(n).index_add_(0, flat, (ours * squares).flatten())
        variance = torch.where(weights > 1e-9, sums / (d * weights.clamp(min=1e-9)), variance).clamp(min=floor)
        origin_variance = ((rest * origin).sum() / (d * rest.sum().clamp(min=1e-9))).clamp(min=floor)
    return variance


def _log_density(squares: Tensor, variance: Tensor, d: int) -> Tensor:
    """The log density of a round Gaussian in `d` dimensions at squared distances from its middle."""
    return -squares / (2 * variance) - d / 2 * (2 * math.pi * variance).log()

"""Does the generator copy what it was trained on? Sample by sample, and as a whole."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from duelo.measure.cells import assign, k_means
from duelo.measure.estimate import Estimate
from duelo.measure.features import Features, cached
from duelo.measure.memorisation import authentic, c_t, cosine_distances, fld_nll
from duelo.measure.neighbours import nearest
from duelo.measure.planted import ALTERATIONS, altered
from duelo.measure.shifted import nearest_shifted
from duelo.measure.twins import FEWEST, ToTrain, TwinTest, discoveries, twin_test

LEVEL = 0.01
CELLS, CELL_MEMBERS = 20, 100  # cells of alike members: at most so many, of so many held-out members each on average
RESAMPLES = 200
PLANTED, PLANTED_SHARE = 100, 0.001  # copies of each kind that are tried, and the share of the samples that they replace


@dataclass(frozen=True)
class Copying:
    """What was found of copies among n samples.

    indices: [copies] int64, the samples that are called copies, the surest first. Of these, at most a share `level` is
    expected to be none; where nothing was copied, `level` is the probability that any is called a copy.
    share: copies over n, with its Clopper-Pearson interval. p_value: [n] float64, of both tests together. pixels, features:
    the twin test in pixels, shifted by up to one (or in the points' own coordinates), and in features.
    power: by kind of alteration (duelo.measure.planted), the share found of copies of training members that were planted
    among the samples, in the place of one in a thousand (one at least); its floor is that of held-out members.

    The whole set, in features; see duelo.measure.memorisation. c_t: Meehan et al. 2020, far below 0 for copying.
    authenticity: Alaa et al. 2022, the share of authentic samples, below its floor for copying. fld_gap: Jiralerspong et
    al. 2023, far below 0 for overfitting. memorisation: MiFID's distance (Bai et al. 2021), below its floor for copying.

    features_name, features_fingerprint: of the network. n_train, n_heldout: how many members the samples were held against.
    seed: the result is a function of it and of the arguments.
    """

    n: int
    indices: Tensor
    level: float
    share: Estimate
    p_value: Tensor
    pixels: TwinTest
    features: TwinTest
    power: dict[str, Estimate]
    c_t: Estimate
    authenticity: Estimate
    fld_gap: Estimate
    memorisation: Estimate
    features_name: str
    features_fingerprint: str
    n_train: int
    n_heldout: int
    seed: int

    @property
    def copies(self) -> int:
        """How many samples are called copies."""
        return len(self.indices)


def copying(
    train: Tensor,
    heldout: Tensor,
    generated: Tensor,
    features: Features,
    seed: int = 0,
    *,
    level: float = LEVEL,
    cache: Path | None = None,
) -> Copying:
    """Look for copies of training members among generated ones.

    train: [a, ...] all of what the generator was trained on, heldout: [m, ...] others of the same data, cut off at random
    (no alike members on one side alone, such as one writer's), generated: [n, ...]: images [., c, h, w] uint8 in 0..255, or
    points [., d] float32. level: see Copying. cache: a folder for the features of real members (see ``features.cached``).
    A sample is a copy by either of the twin tests (duelo.measure.twins), each at half the level.
    Raises ValueError for fewer than 40 held-out, 2 training or 1 generated members, and for shapes or types that differ.
    """
    sets = (train, heldout, generated)
    images = (train.ndim, train.dtype) == (4, torch.uint8)
    if len({(x.shape[1:], x.dtype) for x in sets}) > 1 or not (images or (train.ndim, train.dtype) == (2, torch.float32)):
        described = ", ".join(f"{x.dtype} {list(x.shape)}" for x in sets)
        raise ValueError(f"neither uint8 images nor float32 points, all of one shape: {described}")
    if len(heldout) < 2 * FEWEST or len(train) < 2 or not len(generated):
        raise ValueError(
            f"{len(train)} training, {len(heldout)} held-out and {len(generated)} generated members are too few"
        )
    n, kinds = len(generated), ALTERATIONS if images else ALTERATIONS[:1]
    chance = torch.Generator().manual_seed(seed)
    originals = train[torch.randperm(len(train), generator=chance)[:PLANTED]]
    tried = torch.cat([generated, *(altered(originals, kind, chance) for kind in kinds)])
    sets = (train, heldout, tried)
    seen, unseen = (features(x) if cache is None else cached(features, x, cache) for x in (train, heldout))
    vectors = (seen, unseen, features(tried))
    means = k_means(vectors[0], max(1, min(CELLS, len(heldout) // CELL_MEMBERS, len(train))), seed)
    cells = [assign(x, means) for x in vectors]
    half, other = torch.randperm(len(heldout), generator=torch.Generator().manual_seed(seed)).chunk(2)
    tests, floors = [], []
    for search, (seen, unseen, samples) in ((nearest_shifted if images else nearest, sets), (nearest, vectors)):
        ours, theirs = ToTrain.find(search, samples, seen, cells[2]), ToTrain.find(search, unseen, seen, cells[1])
        tests.append(twin_test(search, samples, unseen, ours, theirs))
        floors.append(twin_test(search, unseen[half], unseen[other], theirs.take(half), theirs.take(other)))
    every_p_value, floor_p_value = (either(first.p_value, second.p_value) for first, second in (tests, floors))
    p_value, *of_planted = every_p_value.split([n, *[len(originals)] * len(kinds)])
    found, floor_found = discoveries(p_value, level), discoveries(floor_p_value, level)
    order = p_value.argsort(stable=True)
    ours, vectors = ours.take(torch.arange(n)), (seen, unseen, vectors[2][:n])
    return Copying(
        n=n,
        indices=order[found[order]],
        level=level,
        share=share_estimate(found, floor_found),
        p_value=p_value,
        pixels=tests[0].first(n),
        features=tests[1].first(n),
        power={
            kind: share_estimate(found_if_planted(mine, p_value, level, chance), floor_found)
            for kind, mine in zip(kinds, of_planted, strict=True)
        },
        c_t=c_t_estimate(ours, theirs, half, other, seed),
        authenticity=share_estimate(*(authentic(x.distance, x.index, vectors[0]) for x in (ours, theirs))),
        fld_gap=fld_gap_estimate(vectors, half, other, seed),
        memorisation=mean_estimate(*(cosine_distances(x, vectors[0]) for x in (vectors[2], vectors[1]))),
        features_name=features.name,
        features_fingerprint=features.fingerprint,
        n_train=len(train),
        n_heldout=len(heldout),
        seed=seed,
    )


def either(first: Tensor, second: Tensor) -> Tensor:
    """The p-values [n] of two tests of which either may speak, whatever the one has to do with the other (Bonferroni)."""
    return (2 * torch.minimum(first, second)).clamp(max=1)


def found_if_planted(planted: Tensor, p_value: Tensor, level: float, chance: torch.Generator) -> Tensor:
    """Which copies [b] bool are called so, each with others in the place of one in a thousand of the samples.

    planted: their p-values [b] float64; p_value: those of the samples, [n].
    """
    k = min(max(1, round(PLANTED_SHARE * len(p_value))), len(planted))
    found = []
    for one in range(len(planted)):
        others = torch.randperm(len(planted), generator=chance)
        chosen = torch.cat([torch.tensor([one]), others[others != one][: k - 1]])
        kept = torch.randperm(len(p_value), generator=chance)[k:]
        found.append(discoveries(torch.cat([planted[chosen], p_value[kept]]), level)[0])
    return torch.stack(found)


def share_estimate(found: Tensor, floor: Tensor) -> Estimate:
    """The share of true in `found` [n] bool with its 95 % interval (Clopper & Pearson 1934), and that in `floor` [m]."""
    n, k = len(found), int(found.sum())
    share = float(floor.double().mean())
    return Estimate(k / n, _limit(n, k - 1, 0.975) if k else 0.0, _limit(n, k, 0.025) if k < n else 1.0, share, n)


def _limit(n: int, k: int, probability: float) -> float:
    """The share with which at most `k` of `n` have this probability."""
    i = torch.arange(k + 1, dtype=torch.float64)
    ways = math.lgamma(n + 1) - torch.lgamma(i + 1) - torch.lgamma(n - i + 1)
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        at_most = float((ways + i * math.log(middle) + (n - i) * math.log1p(-middle)).exp().sum())
        low, high = (middle, high) if at_most > probability else (low, middle)
    return (low + high) / 2


def mean_estimate(values: Tensor, floor: Tensor) -> Estimate:
    """The mean of `values` [n] with its normal 95 % interval, and the mean of `floor` [m]."""
    mean, error = float(values.double().mean()), float(values.double().std(correction=0)) / math.sqrt(len(values))
    return Estimate(mean, mean - 1.96 * error, mean + 1.96 * error, float(floor.double().mean()), len(values))


def c_t_estimate(ours: ToTrain, theirs: ToTrain, half: Tensor, other: Tensor, seed: int) -> Estimate:
    """C_T with the 95 % interval over resampled samples and held-out members; floor: one half of these against the other."""
    generator = torch.Generator().manual_seed(seed)

    def resampled(members: ToTrain) -> ToTrain:
        return members.take(torch.randint(len(members.cell), (len(members.cell),), generator=generator))

    def statistic(samples: ToTrain, members: ToTrain) -> float:
        return c_t(samples.distance, members.distance, samples.cell, members.cell)

    draws = torch.tensor([statistic(resampled(ours), resampled(theirs)) for _ in range(RESAMPLES)])
    low, high = draws.nanquantile(torch.tensor([0.025, 0.975])).tolist()
    floor = statistic(theirs.take(half), theirs.take(other))
    return Estimate(statistic(ours, theirs), low, high, floor, len(ours.cell))


def fld_gap_estimate(vectors: tuple[Tensor, Tensor, Tensor], half: Tensor, other: Tensor, seed: int = 0) -> Estimate:
    """FLD's generalization gap; its normal 95 % interval is of the members' choice, the fitted density being as it is.

    The gap of any samples falls with their number, since each has a variance of its own that is fitted to train. So the
    floor is that of as many held-out members of one half, and the other half judges both.
    """
    train, heldout, generated = vectors
    n = min(len(generated), len(half))
    chosen = torch.randperm(len(generated), generator=torch.Generator().manual_seed(seed))[:n]
    gaps, errors = [], []
    for samples in (generated[chosen], heldout[half[:n]]):
        of_train, of_heldout = fld_nll(train, heldout[other], samples)
        gaps.append(float(of_train.mean() - of_heldout.mean()))
        errors.append(math.sqrt(float(of_train.var()) / len(of_train) + float(of_heldout.var()) / len(of_heldout)))
    return Estimate(gaps[0], gaps[0] - 1.96 * errors[0], gaps[0] + 1.96 * errors[0], gaps[1], n)

"""How good generated members are, as a whole: each published measure with its interval and its floor."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from duelo.measure.estimate import Estimate, jackknife, jackknife_error, share, student
from duelo.measure.features import Features, cached
from duelo.measure.frechet import Moments, frechet, moments, without_each
from duelo.measure.kernel import distances_without_each, kernel_distance, within
from duelo.measure.manifold import K, Manifold, manifold, radii
from duelo.measure.neighbours import nearest

GROUPS = 25  # of samples, one of which is left out at a time
FEWEST = 50  # members of each set: two in a group


@dataclass(frozen=True)
class Classes:
    """How often each class comes, to the features' own classifier.

    generated, heldout: [c] float64, shares. distance: the total variation distance between both, in 0..1.
    """

    generated: Tensor
    heldout: Tensor
    distance: Estimate


@dataclass(frozen=True)
class Quality:
    """What was measured of n generated members against all held-out ones; the floors, of n training members drawn by `seed`.

    frechet: the Fréchet distance (Heusel et al. 2017), called `distance_name`; biased upwards, as much as its floor shows.
    ratio: it over its floor; 1 would be a generator as good as new real members. kid: the kernel distance (Bińkowski et al.
    2018), around 0 for such a generator. precision, recall (Kynkäänniemi et al. 2019), density, coverage (Naeem et al.
    2020): in balls that reach to the `k`-th neighbour. classes: None where the features know none. test: the Fréchet
    distance to the data set's canonical test part, None without one.
    The intervals of recall and coverage are over held-out members, all others over generated ones. Near their floors, those
    of frechet, ratio and kid are about half again as wide as they need to be (24 samples of 500 and of 2,000 digits).
    """

    features_name: str
    features_fingerprint: str
    seed: int
    n: int
    n_heldout: int
    k: int
    frechet: Estimate
    ratio: Estimate
    kid: Estimate
    precision: Estimate
    recall: Estimate
    density: Estimate
    coverage: Estimate
    classes: Classes | None
    test: Estimate | None

    @property
    def distance_name(self) -> str:
        """FID is the name in its own network's features alone; in others, it is FD with theirs."""
        return "FID" if self.features_name == "inception" else f"FD-{self.features_name}"

    def as_json(self) -> dict[str, object]:
        """All of it in plain numbers, lists and dictionaries, the name of the distance among them."""
        tree = {"distance_name": self.distance_name, **asdict(self)}
        if self.classes is not None:
            shares = {"generated": self.classes.generated.tolist(), "heldout": self.classes.heldout.tolist()}
            tree["classes"] = {**shares, "distance": asdict(self.classes.distance)}
        return tree


def quality(
    train: Tensor,
    heldout: Tensor,
    generated: Tensor,
    features: Features,
    seed: int = 0,
    test: Tensor | None = None,
    cache: Path | None = None,
    labels: Tensor | None = None,
) -> Quality:
    """Measure generated members against held-out ones.

    All are images [., c, h, w] uint8 in 0..255 or points [., d] float32, drawn at random: the first of a data set's members
    may be of a few hands. train: what the generator was trained on, or a sample of it; as many are drawn as there are
    generated members, and of these no more are measured than there are training members. cache: a folder for the features
    of real members (see duelo.measure.features.cached). labels: the classes of train [a] int64, from which those of others
    are taken (that of the nearest in features) where the features know none.
    The result is a function of all arguments but `cache`. 10,000 digits against 10,000 take 10 s on one core.
    Raises ValueError for fewer than 50 members in a set.
    """
    sets = {"train": train, "heldout": heldout, "generated": generated} | ({} if test is None else {"test": test})
    if few := [f"{len(members)} of {name}" for name, members in sets.items() if len(members) < FEWEST]:
        raise ValueError(f"quality needs at least {FEWEST} members, not {', '.join(few)}")
    generator = torch.Generator().manual_seed(seed)
    n = min(len(train), len(generated))
    chosen = torch.randperm(len(train), generator=generator)[:n]
    drawn = train[chosen]
    order = torch.randperm(len(generated), generator=generator)[:n]

    def embed(members: Tensor) -> Tensor:
        return features(members) if cache is None else cached(features, members, cache)

    fake, floor, real = features(generated[order]), embed(drawn), embed(heldout)
    groups = list(torch.randperm(n, generator=generator).chunk(GROUPS))
    distance, ratio = _frechet(fake, floor, moments(real), groups)
    reach = radii(real)
    shown, shown_floor = (manifold(real, members, real_radii=reach) for members in (fake, floor))
    precision, recall, density, coverage = _manifold(shown, shown_floor)
    within_real = within(real)
    kernel, *without = distances_without_each(fake, real, groups, within_real)
    kid = jackknife(kernel, without, kernel_distance(floor, real, within_real), n)
    guesses = [features.classes(members) for members in (fake, floor, real)]
    if guesses[0] is None and labels is not None:
        near = nearest(fake, floor)[1], nearest(floor, floor, others=True)[1], nearest(real, floor)[1]
        guesses = [labels[chosen][index[:, 0]] for index in near]
    return Quality(
        features.name,
        features.fingerprint,
        seed,
        n,
        len(heldout),
        K,
        distance,
        ratio,
        kid,
        precision,
        recall,
        density,
        coverage,
        _classes([classes for classes in guesses if classes is not None], groups),
        None if test is None else _frechet(fake, floor, moments(embed(test)), groups)[0],
    )


def _frechet(fake: Tensor, floor: Tensor, real: Moments, groups: list[Tensor]) -> tuple[Estimate, Estimate]:
    """The distance of features `fake` [n, d] from the moments `real`, and its ratio to that of `floor` [n, d]."""
    values = [frechet(moments(features), real) for features in (fake, floor)]
    left_out = [[frechet(some, real) for some in without_each(features, groups)] for features in (fake, floor)]
    distance = jackknife(values[0], left_out[0], values[1], len(fake))
    errors = [jackknife_error(some) / max(value, 1e-300) for some, value in zip(left_out, values, strict=True)]
    quotient = values[0] / max(values[1], 1e-300)
    # relative errors add up in squares: the training sample is one of many, too
    reach = math.exp(min(student(len(groups) - 1) * math.hypot(*errors), 700.0))
    return distance, Estimate(quotient, quotient / reach, quotient * reach, 1.0, len(fake))


def _manifold(found: Manifold, floor: Manifold) -> tuple[Estimate, Estimate, Estimate, Estimate]:
    """Precision, recall, density and coverage."""
    n, m, density = len(found.inside), len(found.covered), found.density
    reach = 1.96 * float(found.inside.double().std()) / found.k / math.sqrt(n)
    return (
        share(int((found.inside > 0).sum()), n, floor.precision),
        share(int(found.reached.sum()), m, floor.recall),
        Estimate(density, max(0.0, density - reach), density + reach, floor.density, n),
        share(int(found.covered.sum()), m, floor.coverage),
    )


def _classes(guesses: list[Tensor], groups: list[Tensor]) -> Classes | None:
    """The shares of the classes among generated [n], training [n] and held-out members [m], int64, if there are any."""
    if not guesses:
        return None
    c = int(torch.cat(guesses).max()) + 1
    counts, floor_counts, real_counts = (classes.bincount(minlength=c).double() for classes in guesses)

    def distance(some: Tensor) -> float:
        return float((some / some.sum() - real_counts / real_counts.sum()).abs().sum()) / 2

    left_out = (distance(counts - guesses[0][group].bincount(minlength=c)) for group in groups)
    estimate = jackknife(distance(counts), left_out, distance(floor_counts), len(guesses[0]))
    return Classes(counts / counts.sum(), real_counts / real_counts.sum(), estimate)

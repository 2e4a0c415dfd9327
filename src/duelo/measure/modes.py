"""How many of the thousand modes of stacked digits a generator makes, and how evenly."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from duelo.measure.features import Digits, Features

MODES = 1000
SURE = 0.99  # the classifier's confidence in all three digits, for the stricter count


@dataclass(frozen=True)
class Modes:
    """Of n stacked digits, classified digit by digit by `features_name` (Lin et al. 2018, PacGAN, section 4.2).

    modes: how many of `k` come at least once; kl: of their shares from 1 / k each, in nats. Both have a bias that depends
    on n: the floors are those of as many real held-out triples. excess: kl - kl_floor.
    sure_modes, sure_kl: the same, of the `sure_n` samples whose three digits the classifier is 99 % sure of; their floors:
    of the real triples that it is as sure of.
    """

    n: int
    k: int
    modes: int
    modes_floor: int
    kl: float
    kl_floor: float
    excess: float
    sure_n: int
    sure_modes: int
    sure_kl: float
    sure_n_floor: int
    sure_modes_floor: int
    sure_kl_floor: float
    features_name: str
    features_fingerprint: str


def modes(generated: Tensor, heldout: Tensor, features: Features) -> Modes:
    """Count the modes of stacked digits [n, 3, 28, 28] uint8; the floor is of `heldout`, real triples [m, 3, 28, 28]."""
    assert isinstance(features, Digits)
    vectors = features(generated), features(heldout)
    found, floor = (features.classes(one) for one in vectors)
    sure, sure_floor = (features.classes(one[features.confidence(one) >= SURE]) for one in vectors)
    kl, kl_floor = divergence(found), divergence(floor)
    return Modes(
        len(found),
        MODES,
        len(found.unique()),
        len(floor.unique()),
        kl,
        kl_floor,
        kl - kl_floor,
        len(sure),
        len(sure.unique()),
        divergence(sure),
        len(sure_floor),
        len(sure_floor.unique()),
        divergence(sure_floor),
        features.name,
        features.fingerprint,
    )


def divergence(classes: Tensor) -> float:
    """KL divergence of the shares of `classes` [n] int64 in 0..999 from the uniform distribution, in nats."""
    shares = classes.bincount(minlength=MODES).double() / max(1, len(classes))
    return float(torch.special.xlogy(shares, shares * MODES).sum())

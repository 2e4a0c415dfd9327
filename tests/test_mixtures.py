"""The score of points against a mixture: true draws, and everything that can be wrong with a generator of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

import duelo
from duelo.data import Mixture
from duelo.measure import score
from duelo.measure.mixtures import chi_squared

TOYS = {"ring": duelo.ring(), "grid": duelo.grid()}


def draws(truth: Mixture, counts: list[int], sigma: float | None = None, seed: int = 0) -> Tensor:
    """So many points of each mode, [n, 2]; of another width, if `sigma` is given."""
    modes = torch.arange(len(truth.means)).repeat_interleave(torch.tensor(counts))
    noise = torch.randn(len(modes), 2, generator=torch.Generator().manual_seed(seed))
    return truth.means[modes] + (truth.sigma if sigma is None else sigma) * noise


@pytest.mark.parametrize("name", TOYS)
@pytest.mark.parametrize("seed", range(3))
def test_true_draws_score_as_they_should(name: str, seed: int) -> None:
    truth, n = TOYS[name], 20_000
    found = score(truth.sample(n, torch.Generator().manual_seed(seed)), truth)
    assert (found.n, found.k, found.modes) == (n, len(truth.means), len(truth.means))
    assert found.complete
    assert found.good_ideal == pytest.approx(0.98889, abs=1e-5)  # P(radius <= 3 sigma) in the plane
    assert abs(found.good - found.good_ideal) < 4 * math.sqrt(found.good_ideal * (1 - found.good_ideal) / n)
    assert 0 <= found.kl < found.kl_limit
    # the two eigenvalues of a sample's covariance stand apart by chance alone: about 1 +- 1 / sqrt(n / k)
    apart = 2 / math.sqrt(n / found.k)
    assert 1 - apart < found.narrowest <= found.widest < 1 + apart
    assert (found.narrowest + found.widest) / 2 == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("name", TOYS)
def test_modes_of_half_the_width_have_a_quarter_of_the_variance(name: str) -> None:
    truth = TOYS[name]
    found = score(draws(truth, [2000] * len(truth.means), truth.sigma / 2), truth)
    assert found.good == 1  # 6 of their own sigma
    # nothing of them is cut off at 3 sigma, where the measure expects 5.06 % of a variance to be
    assert [found.narrowest, found.widest] == pytest.approx([0.25 / 0.9494] * 2, rel=0.05)
    assert found.kl == pytest.approx(0, abs=1e-12)
    assert found.complete  # the field's usual meaning of success does not see it


def test_twice_the_width_and_lines_are_seen() -> None:
    truth = TOYS["ring"]
    wide = score(draws(truth, [2000] * 8, 2 * truth.sigma), truth)
    assert wide.good == pytest.approx(1 - math.exp(-9 / 8), abs=0.02)
    assert not wide.complete
    assert wide.widest > 1.5
    line = draws(truth, [2000] * 8)
    line[:, 1] = truth.means[:, 1].repeat_interleave(2000)
    flat = score(line, truth)
    assert flat.narrowest == pytest.approx(0, abs=1e-6)
    assert flat.widest == pytest.approx(1, abs=0.1)
    heaps = score(truth.means.repeat_interleave(10, 0), truth)
    assert (heaps.good, heaps.modes) == (1, 8)
    assert heaps.widest == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", TOYS)
def test_a_missing_mode_is_seen(name: str) -> None:
    truth = TOYS[name]
    k = len(truth.means)
    for missing in (0, k - 1):
        counts = [400] * k
        counts[missing] = 0
        found = score(draws(truth, counts), truth)
        assert found.modes == k - 1
        assert not found.complete
        assert found.good == pytest.approx(found.good_ideal, abs=0.01)
        assert found.kl == pytest.approx(math.log(k / (k - 1)), rel=1e-9)
        assert found.kl > found.kl_limit
    scarce = [400] * k
    scarce[3] = 30  # below a tenth of its due
    assert score(draws(truth, scarce), truth).modes == k - 1
    scarce[3] = 60
    assert score(draws(truth, scarce), truth).modes == k


def test_nothing_found_is_no_failure() -> None:
    truth = TOYS["ring"]
    found = score(torch.zeros(100, 2), truth)
    assert (found.modes, found.good) == (0, 0)
    assert math.isnan(found.narrowest)
    assert not found.complete
    one = score(draws(truth, [500, *[0] * 7]), truth)
    assert one.modes == 1
    assert one.kl == pytest.approx(math.log(8), rel=1e-9)


@pytest.mark.parametrize("name", TOYS)
def test_unequal_weights_have_the_divergence_of_a_plain_loop(name: str) -> None:
    truth = TOYS[name]
    k = len(truth.means)
    counts = np.random.default_rng(0).integers(50, 800, k)
    shares = counts / counts.sum()
    expected = sum(p * math.log(p / (1 / k)) for p in shares)
    swapped = sum((1 / k) * math.log((1 / k) / p) for p in shares)
    found = score(draws(truth, counts.tolist()), truth).kl
    assert found == pytest.approx(expected, rel=1e-9)
    assert found != pytest.approx(swapped, rel=0.05)


@pytest.mark.parametrize(("name", "n"), [("ring", 1000), ("grid", 2500)])
def test_the_limit_raises_a_false_alarm_once_in_a_hundred(name: str, n: int) -> None:
    truth = TOYS[name]
    k = len(truth.means)
    chance = np.random.default_rng(0)
    scores = [
        score(truth.means.repeat_interleave(torch.from_numpy(chance.multinomial(n, [1 / k] * k)), 0), truth)
        for _ in range(300)
    ]
    assert scores[0].kl_limit == pytest.approx({8: 18.475, 25: 42.980}[k] / (2 * n), rel=0.005)
    alarms = sum(found.kl > found.kl_limit for found in scores)
    assert 1 <= alarms <= 9  # 3 expected; beyond this, once in thousands (none: once in twenty)
    kls = np.array([found.kl for found in scores])
    assert kls.mean() == pytest.approx((k - 1) / (2 * n), rel=0.15)
    assert (kls > 0.75 * scores[0].kl_limit).mean() > 0.015  # the limit is not far beyond all of them


def test_chi_squared_is_that_of_the_tables() -> None:
    for freedom, point in ((7, 18.475), (24, 42.980), (99, 134.642)):
        assert chi_squared(freedom) == pytest.approx(point, rel=0.005)

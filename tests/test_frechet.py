from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from duelo.measure import frechet as module
from duelo.measure.frechet import Moments, frechet, moments, without_each


def draws(n: int, d: int, seed: int = 0) -> Tensor:
    """[n, d] float32 with a mean, scales and correlations."""
    chance = torch.Generator().manual_seed(seed)
    mixing = torch.randn(d, d, generator=chance) / math.sqrt(d)
    return torch.randn(n, d, generator=chance) @ mixing + torch.randn(d, generator=chance)


def gaussian(mean: Tensor, covariance: Tensor) -> Moments:
    return Moments(1000, mean.double(), covariance=covariance.double())


def reference(a: Tensor, b: Tensor) -> float:
    """Plainly, by the eigenvalues of the product of both covariances."""
    x, y = a.double().numpy(), b.double().numpy()
    p, q = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    roots = np.sqrt(np.linalg.eigvals(p @ q).astype(complex)).real.sum()
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(p) + np.trace(q) - 2 * roots)


def test_one_dimension() -> None:
    a, b = (gaussian(torch.tensor([m]), torch.tensor([[s**2]])) for m, s in ((1.0, 2.0), (4.0, 0.5)))
    assert frechet(a, b) == pytest.approx(3**2 + 1.5**2, rel=1e-12)


def test_axes_that_agree() -> None:
    """Of diagonal covariances: the sum of squared differences of means and of deviations."""
    chance = torch.Generator().manual_seed(0)
    means, deviations = torch.randn(2, 40, generator=chance).double(), torch.rand(2, 40, generator=chance).double() * 9 + 0.1
    a, b = (gaussian(m, torch.diag(s**2)) for m, s in zip(means, deviations, strict=True))
    expected = float((means[0] - means[1]).square().sum() + (deviations[0] - deviations[1]).square().sum())
    assert frechet(a, b) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("d", [2, 7, 60])
def test_axes_that_do_not_agree(d: int) -> None:
    """A symmetric and positive map T carries N(0, A) to N(0, T A T) at the least cost: tr A + tr T A T - 2 tr A T."""
    chance = torch.Generator().manual_seed(d)
    a, t = (x @ x.mT / d + 0.1 * torch.eye(d) for x in torch.randn(2, d, d, generator=chance).double())
    b = t @ a @ t
    zero = torch.zeros(d)
    expected = float(a.trace() + b.trace() - 2 * (a @ t).trace())
    assert float((a @ b - b @ a).abs().max()) > 0.05
    assert frechet(gaussian(zero, a), gaussian(zero, b)) == pytest.approx(expected, rel=1e-9)


def test_moving_and_turning_both_changes_nothing_and_a_scale_counts_twice() -> None:
    a, b = draws(500, 10), draws(400, 10, seed=1)
    turn = torch.linalg.qr(torch.randn(10, 10, generator=torch.Generator().manual_seed(3)).double())[0]
    distance = frechet(moments(a), moments(b))
    assert frechet(*(moments(x.double() @ turn + 5) for x in (a, b))) == pytest.approx(distance, rel=1e-9)
    assert frechet(moments(3 * a), moments(3 * b)) == pytest.approx(9 * distance, rel=1e-5)
    assert frechet(moments(b), moments(a)) == pytest.approx(distance, rel=1e-9)


class Flat(nn.Module):
    num_features = 48

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1).double()


def test_torchmetrics_agrees() -> None:
    real, fake = (draws(n, 48, seed) for n, seed in ((300, 0), (200, 1)))
    theirs = FrechetInceptionDistance(feature=Flat()).set_dtype(torch.float64)
    theirs.update(real.reshape(-1, 3, 4, 4), real=True)
    theirs.update(fake.reshape(-1, 3, 4, 4), real=False)
    assert frechet(moments(fake), moments(real)) == pytest.approx(float(theirs.compute()), rel=1e-6)


@pytest.mark.parametrize(("n", "m", "d"), [(30, 40, 100), (30, 300, 100), (300, 30, 100), (100, 101, 100), (2, 3, 9)])
def test_fewer_samples_than_features(n: int, m: int, d: int) -> None:
    a, b = draws(n, d), draws(m, d, seed=1)
    assert frechet(moments(a), moments(b)) == pytest.approx(reference(a, b), rel=1e-6)


def test_features_that_never_vary_or_depend_on_others() -> None:
    a, b = draws(400, 20), draws(300, 20, seed=1)
    a[:, 3], b[:, 3], a[:, 7] = 1.0, 2.0, 5.0
    a[:, 11], b[:, 11] = a[:, 12], b[:, 12]
    assert frechet(moments(a), moments(b)) == pytest.approx(reference(a, b), rel=1e-6)
    assert frechet(moments(torch.ones(9, 4)), moments(torch.zeros(9, 4))) == pytest.approx(4)


@pytest.mark.parametrize("n", [15, 4000])
def test_a_set_is_at_no_distance_from_itself(n: int) -> None:
    a = moments(draws(n, 30))
    assert frechet(a, a) < 1e-9 * a.trace


def test_small_eigenvalues_keep_their_digits() -> None:
    """Deviations over nine orders: their squares' squares are far below what float64 can tell beside the largest."""
    deviations = torch.logspace(0, -9, 30).double()
    zero = torch.zeros(30)
    turn = torch.linalg.qr(torch.randn(30, 30, generator=torch.Generator().manual_seed(0)).double())[0]
    rows = turn * deviations[:, None]  # a factor of the covariance, not the covariance, which could not hold them
    a, b = Moments(31, zero.double(), centred=rows), Moments(31, zero.double(), centred=2 * rows)
    assert frechet(a, b) == pytest.approx(float(deviations.square().sum()), rel=1e-9)


def test_blocks_of_a_covariance_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    x = draws(90, 25)
    monkeypatch.setattr(module, "BLOCK", 8)
    covariance = moments(x).covariance
    assert covariance is not None
    torch.testing.assert_close(covariance, x.double().mT.cov(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("d", [5, 58, 80])
def test_leaving_out_is_the_same_as_not_having_had(d: int) -> None:
    x, real = draws(64, d) + 100, moments(draws(90, d, seed=1) + 100)
    groups = list(torch.randperm(64, generator=torch.Generator().manual_seed(0)).chunk(7))
    for group, left in zip(groups, without_each(x, groups), strict=True):
        kept = moments(x[[i for i in range(64) if i not in group.tolist()]])
        assert left.n == kept.n == 64 - len(group)
        torch.testing.assert_close(left.mean, kept.mean, rtol=1e-12, atol=1e-12)
        assert frechet(left, real) == pytest.approx(frechet(kept, real), rel=1e-9)


def test_what_has_no_covariance_is_refused() -> None:
    with pytest.raises(ValueError, match="two vectors"):
        moments(torch.zeros(1, 3))
    with pytest.raises(ValueError, match="finite"):
        moments(torch.full((4, 3), math.nan))

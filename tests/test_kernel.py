from __future__ import annotations

import pytest
import torch
from sklearn.metrics.pairwise import polynomial_kernel
from torch import Tensor
from torchmetrics.image.kid import poly_mmd

from duelo.measure import kernel
from duelo.measure.kernel import distances_without_each, kernel_distance, within


def draws(n: int, d: int, seed: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(n, d, generator=torch.Generator().manual_seed(seed)) + 0.3


def reference(a: Tensor, b: Tensor) -> float:
    """By all kernels at once; scikit-learn's default gamma is 1 / d, its default degree 3, its constant 1."""
    x, y = a.double().numpy(), b.double().numpy()
    xx, yy, xy = polynomial_kernel(x), polynomial_kernel(y), polynomial_kernel(x, y)
    n, m = len(x), len(y)
    own = (xx.sum() - xx.trace()) / (n * (n - 1)) + (yy.sum() - yy.trace()) / (m * (m - 1))
    return float(own - 2 * xy.mean())


@pytest.mark.parametrize(("n", "m", "d"), [(40, 60, 7), (2, 3, 30), (150, 90, 64)])
def test_scikit_learn_agrees(n: int, m: int, d: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "ROWS", 17)
    monkeypatch.setattr(kernel, "COLUMNS", 23)
    a, b = draws(n, d, 0), draws(m, d, 1, scale=1.3)
    assert kernel_distance(a, b) == pytest.approx(reference(a, b), rel=1e-9)
    assert kernel_distance(b, a, within(a)) == pytest.approx(kernel_distance(a, b), rel=1e-9)


def test_torchmetrics_agrees() -> None:
    a, b = draws(200, 32, 0).double(), draws(200, 32, 1, scale=1.2).double()
    assert kernel_distance(a, b) == pytest.approx(float(poly_mmd(a, b)), rel=1e-9)


def test_small_samples_are_not_biased() -> None:
    """The mean over many pairs of small sets of one distribution is 0; with the pairs of a member with itself it is not."""
    a, b = draws(4000, 8, 0), draws(4000, 8, 1)
    distances = torch.tensor([kernel_distance(x, y) for x, y in zip(a.split(8), b.split(8), strict=True)])
    error = float(distances.std()) / len(distances) ** 0.5
    assert abs(float(distances.mean())) < 3 * error
    own = ((a.double().square().sum(1) / 8 + 1) ** 3).mean()
    assert 2 * (float(own) - within(a)) / 8 > 10 * error


def test_leaving_out_is_the_same_as_not_having_had() -> None:
    a, b = draws(60, 12, 0), draws(50, 12, 1)
    groups = list(torch.randperm(60, generator=torch.Generator().manual_seed(0)).chunk(7))
    whole, *without = distances_without_each(a, b, groups)
    assert whole == pytest.approx(reference(a, b), rel=1e-9)
    assert list(distances_without_each(a, b, groups, within(b))) == [whole, *without]
    for group, left in zip(groups, without, strict=True):
        kept = a[[i for i in range(60) if i not in group.tolist()]]
        assert left == pytest.approx(reference(kept, b), rel=1e-9)


def test_another_scale_shows() -> None:
    a = draws(500, 16, 0)
    assert kernel_distance(a, draws(500, 16, 1)) < 0.01
    assert kernel_distance(a, draws(500, 16, 1, scale=0.7)) > 0.03


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="two vectors"):
        kernel_distance(torch.zeros(1, 3), torch.zeros(5, 3))
    with pytest.raises(ValueError, match="no kernel"):
        kernel_distance(torch.zeros(4, 3), torch.zeros(5, 2))

from __future__ import annotations

import math

import prdc
import pytest
import torch
from torch import Tensor

from duelo.measure import manifold as module
from duelo.measure import rounded as rounding
from duelo.measure.manifold import Manifold, manifold, radii
from duelo.measure.rounded import distances, rounded

NAMES = ("precision", "recall", "density", "coverage")
FORMATS = {"single": [torch.float32], "half": [torch.bfloat16, torch.float32]}


@pytest.fixture(params=FORMATS)
def number_format(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a processor that is, or is not, made for half precision; and in many blocks."""
    monkeypatch.setattr(module, "formats", lambda *_: FORMATS[request.param])
    monkeypatch.setattr(module, "ROWS", 37)
    monkeypatch.setattr(rounding, "NUMBERS", 1000)


def draws(n: int, d: int, seed: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def figures(found: Manifold) -> dict[str, float]:
    return {name: getattr(found, name) for name in NAMES}


def reference(real: Tensor, generated: Tensor, k: int) -> dict[str, float]:
    """Plainly, all distances in float64; an edge is not inside."""

    def reach(x: Tensor) -> Tensor:
        own = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(math.inf)
        return own.sort(1).values[:, k - 1]

    a, b = real.double(), generated.double()
    between = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
    near_real, near_generated = between < reach(a)[:, None], between < reach(b)[None]
    return {
        "precision": float(near_real.any(0).double().mean()),
        "recall": float(near_generated.any(1).double().mean()),
        "density": float(near_real.sum(0).double().mean()) / k,
        "coverage": float(near_real.any(1).double().mean()),
    }


@pytest.mark.usefixtures("number_format")
@pytest.mark.parametrize(("n", "m", "d", "k"), [(150, 210, 6, 5), (210, 90, 300, 3), (90, 100, 40, 1)])
def test_prdc_agrees(n: int, m: int, d: int, k: int) -> None:
    real, generated = draws(n, d, 0), draws(m, d, 1, scale=0.9) + 0.05
    theirs = prdc.compute_prdc(real.numpy(), generated.numpy(), k)
    assert figures(manifold(real, generated, k)) == pytest.approx({name: float(theirs[name]) for name in NAMES}, rel=1e-9)
    assert figures(manifold(real, generated, k)) == pytest.approx(reference(real, generated, k), rel=1e-9)


def test_the_number_format_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    real, generated = draws(700, 300, 0), draws(800, 300, 1, scale=0.97)
    real[:50] *= 5  # far out
    found = []
    for formats in FORMATS.values():
        monkeypatch.setattr(module, "formats", lambda *_, these=formats: these)
        found.append((radii(real), manifold(real, generated)))
    (radii_a, a), (radii_b, b) = found
    assert torch.equal(radii_a, radii_b)
    assert all(torch.equal(getattr(a, name), getattr(b, name)) for name in ("inside", "reached", "covered"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rounded_distances_stay_within_their_bounds(dtype: torch.dtype) -> None:
    a, b = draws(300, 500, 0) + 20, draws(200, 500, 1, scale=0.5) + 20
    a[:30], b[:9], b[20:30] = b[:30], b[9:18], a[40:50] * 1.001
    a[100] += 100
    x, y = rounded([a, b], dtype)
    least = x.least(y)
    i, j = (index.flatten() for index in torch.meshgrid(torch.arange(300), torch.arange(200), indexing="ij"))
    truth = torch.cdist(a.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist").square().flatten()
    assert (least.flatten() <= truth).all()
    assert (x.most(least.flatten(), i, y, j) >= truth).all()
    typical = float((x.most(least.flatten(), i, y, j) - least.flatten()).median() / truth.median())
    assert typical < (1e-4 if dtype == torch.float32 else 0.05)
    torch.testing.assert_close(distances(a, b, i, j).double(), truth.sqrt(), rtol=1e-5, atol=1e-9)


@pytest.mark.usefixtures("number_format")
@pytest.mark.parametrize("spare", [0, 3, 27])
def test_radii_are_right_however_few_candidates_are_kept(spare: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SPARE", spare)
    x = torch.cat([draws(60, 30, 0), 50 + draws(60, 30, 1, scale=1e-3), draws(3, 30, 2, scale=100)])
    truth = torch.cdist(x.double(), x.double(), compute_mode="donot_use_mm_for_euclid_dist").sort(1).values[:, 4]
    torch.testing.assert_close(radii(x, 4).double(), truth, rtol=1e-5, atol=0)


def test_swapped_sets_swap_precision_and_recall() -> None:
    wide, narrow = draws(400, 5, 0), draws(300, 5, 1, scale=0.3)
    found, swapped = manifold(wide, narrow), manifold(narrow, wide)
    assert found.precision > 0.99 > 0.6 > found.recall
    assert (found.precision, found.recall) == (swapped.recall, swapped.precision)
    assert swapped.density < 0.7 < 1.3 < found.density
    assert found.coverage < 0.7


@pytest.mark.usefixtures("number_format")
def test_a_collapsed_generator_keeps_precision_and_loses_the_rest() -> None:
    real = draws(300, 40, 0)
    for generated in (real[:1].expand(250, -1), real[torch.arange(250) % 10]):
        found = manifold(real, generated)
        assert found.precision == 1
        assert found.recall == 0
        assert found.coverage < 0.35
        assert figures(found) == pytest.approx(reference(real, generated, 5))


@pytest.mark.usefixtures("number_format")
def test_copies_lie_on_no_edge() -> None:
    """Each ball of k neighbours holds k members: its own and all but the one on its edge."""
    real = draws(200, 64, 0) * 100 + 1000
    found = manifold(real, real.clone(), k=3)
    assert (found.density, found.coverage, found.precision) == (1, 1, 1)
    assert found.inside.sum() == 3 * 200


def test_known_radii_change_nothing() -> None:
    real, generated = draws(120, 7, 0), draws(110, 7, 1)
    a, b = manifold(real, generated), manifold(real, generated, real_radii=radii(real))
    assert torch.equal(a.inside, b.inside)
    assert figures(a) == figures(b)


def test_real_members_are_worth_as_much_as_real_ones() -> None:
    found = manifold(draws(2000, 8, 0), draws(2000, 8, 1))
    assert found.density == pytest.approx(1, abs=0.1)
    assert found.coverage == pytest.approx(1 - 2**-5, abs=0.03)
    assert found.precision == pytest.approx(found.recall, abs=0.05)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="no 5-th"):
        manifold(draws(5, 3, 0), draws(90, 3, 0))
    with pytest.raises(ValueError, match="finite"):
        radii(torch.full((90, 3), math.nan))

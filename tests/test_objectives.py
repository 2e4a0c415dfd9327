from __future__ import annotations

import math

import pytest
import torch
from contracts import check_objective
from torch import nn

from duelo.objectives import (
    OBJECTIVES,
    SMOOTHABLE,
    between,
    entropy,
    gradient_penalty,
    lecam,
    rules_of,
    slope_penalty,
    threshold,
)

REAL = torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64)
FAKE = torch.tensor([-3.0, 0.0, 1.5], dtype=torch.float64)


def probability(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


# written plainly from the papers, a sample at a time: (discriminator's loss, generator's loss)
REFERENCES = {
    "minimax": (
        lambda r, f: -math.log(probability(r)) - math.log(1 - probability(f)),
        lambda r, f: math.log(1 - probability(f)),
    ),
    "nonsaturating": (
        lambda r, f: -math.log(probability(r)) - math.log(1 - probability(f)),
        lambda r, f: -math.log(probability(f)),
    ),
    "leastsquares": (lambda r, f: 0.5 * (r - 1) ** 2 + 0.5 * f**2, lambda r, f: 0.5 * (f - 1) ** 2),
    "hinge": (lambda r, f: max(0.0, 1 - r) + max(0.0, 1 + f), lambda r, f: -f),
    "wasserstein": (lambda r, f: f - r, lambda r, f: -f),
    "relativistic": (
        lambda r, f: -math.log(probability(r - f)),
        lambda r, f: -math.log(probability(f - r)),
    ),
}


def test_every_objective_has_a_reference() -> None:
    assert set(REFERENCES) == set(OBJECTIVES)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_objectives_keep_the_contract_and_agree_with_their_papers(name: str) -> None:
    check_objective(OBJECTIVES[name])
    for loss, reference in zip((OBJECTIVES[name].discriminator, OBJECTIVES[name].generator), REFERENCES[name], strict=True):
        expected = [reference(float(r), float(f)) for r, f in zip(REAL, FAKE, strict=True)]
        assert loss(REAL, FAKE).tolist() == pytest.approx(expected, rel=1e-12)
        if name == "relativistic" or loss is OBJECTIVES[name].discriminator:
            assert loss(FAKE, REAL).tolist() != pytest.approx(expected, rel=1e-3)  # swapped arguments are seen


def test_losses_stay_finite_where_the_discriminator_is_sure() -> None:
    sure = torch.tensor([1e4, -1e4])
    for objective in OBJECTIVES.values():
        assert objective.discriminator(sure, -sure).isfinite().all()
        assert objective.generator(sure, -sure).isfinite().all()


def test_minimax_saturates_and_its_sister_does_not() -> None:
    """Goodfellow et al. 2014, section 3: where D is sure of a fake, only one of the two still has a slope."""
    slopes = {}
    for name in ("minimax", "nonsaturating"):
        logit = torch.tensor([-12.0], requires_grad=True)
        OBJECTIVES[name].generator(logit, logit).sum().backward()
        slopes[name] = abs(float(logit.grad))
    assert slopes["minimax"] < 1e-5
    assert slopes["nonsaturating"] > 0.99


def test_threshold_is_zero_where_zero_means_something_and_midway_elsewhere() -> None:
    assert threshold(OBJECTIVES["minimax"], REAL, FAKE) == 0
    assert threshold(OBJECTIVES["leastsquares"], REAL, FAKE) == 0.5
    shifted = threshold(OBJECTIVES["relativistic"], REAL + 100, FAKE + 100)
    assert float(shifted) == pytest.approx(100 + (float(REAL.mean()) + float(FAKE.mean())) / 2)


def test_gradient_penalty_agrees_with_finite_differences() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0)).double()
    inputs = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    penalty = gradient_penalty(network(inputs), inputs)
    step, expected = 1e-5, []
    for x in inputs.detach():
        slopes = []
        for i in range(4):
            nudge = torch.zeros(4, dtype=torch.float64)
            nudge[i] = step
            slopes.append((network((x + nudge)[None]) - network((x - nudge)[None])).item() / (2 * step))
        expected.append(sum(slope**2 for slope in slopes) / 2)
    assert penalty.tolist() == pytest.approx(expected, rel=1e-6)
    penalty.sum().backward()  # it can be part of a loss
    assert all(p.grad is not None for p in list(network.parameters())[:3])


@pytest.mark.parametrize("name", SMOOTHABLE)
@pytest.mark.parametrize("smoothing", [0.1, 0.3])
def test_smoothing_moves_the_equilibrium_and_keeps_the_contract(name: str, smoothing: float) -> None:
    rules = rules_of(name, smoothing)
    check_objective(rules)
    if name == "leastsquares":
        expected = [float(0.5 * (r - 1 + smoothing) ** 2 + 0.5 * f**2) for r, f in zip(REAL, FAKE, strict=True)]
    else:
        d = [(probability(float(r)), probability(float(f))) for r, f in zip(REAL, FAKE, strict=True)]
        expected = [-(1 - smoothing) * math.log(r) - smoothing * math.log(1 - r) - math.log(1 - f) for r, f in d]
    assert rules.discriminator(REAL, FAKE).tolist() == pytest.approx(expected, rel=1e-10)


def test_with_smoothing_of_a_tenth_the_discriminator_says_45_percent_at_the_equilibrium() -> None:
    """Silva's setting. D's best answer where real and fake are the same, found by search, not by formula."""
    rules = rules_of("nonsaturating", 0.1)
    logits = torch.linspace(-2, 2, 400_001, dtype=torch.float64)
    losses = rules.discriminator(logits, logits)
    best = float(logits[losses.argmin()])
    assert probability(best) == pytest.approx(0.45, abs=1e-4)
    assert rules.border == pytest.approx(best, abs=1e-4)
    assert rules.discriminator_equilibrium == pytest.approx(float(losses.min()), abs=1e-8)
    assert rules.generator_equilibrium == pytest.approx(-math.log(0.45), abs=1e-8)


@pytest.mark.parametrize(
    ("name", "smoothing"), [*((name, 0.0) for name in OBJECTIVES), *((name, s) for name in SMOOTHABLE for s in (0.1, 0.3))]
)
def test_the_best_loss_is_what_a_search_finds(name: str, smoothing: float) -> None:
    """D may say what it likes of reals and of fakes, apart: the smallest loss of all pairs of logits, far apart included."""
    rules = rules_of(name, smoothing)
    logits = torch.linspace(-40, 40, 1601, dtype=torch.float64)
    found = float(rules.discriminator(logits[:, None], logits).min())
    if name == "wasserstein":
        assert rules.discriminator_best == -math.inf
        assert found == -80  # as far as the search goes
    else:
        assert rules.discriminator_best == pytest.approx(found, abs=2e-4)
        assert found <= rules.discriminator_equilibrium - 0.1
    if smoothing and name != "leastsquares":
        t, s = 1 - smoothing, smoothing
        assert rules.discriminator_best == pytest.approx(-(t * math.log(t) + s * math.log(s)), rel=1e-12)
        assert rules.discriminator_best > 0.3


def test_what_has_no_label_cannot_be_smoothed() -> None:
    assert rules_of("hinge") is OBJECTIVES["hinge"]
    for name in set(OBJECTIVES) - set(SMOOTHABLE):
        with pytest.raises(ValueError, match="no label to smooth"):
            rules_of(name, 0.1)


def test_hinge_leaves_alone_what_is_beyond_its_margin() -> None:
    real, fake = torch.tensor([1.5], requires_grad=True), torch.tensor([-1.5], requires_grad=True)
    OBJECTIVES["hinge"].discriminator(real, fake).sum().backward()
    assert float(real.grad) == float(fake.grad) == 0


def test_the_slope_penalty_is_zero_at_slope_one_and_counts_the_members_judged_at_once() -> None:
    inputs = torch.randn(6, 3, requires_grad=True)
    direction = torch.tensor([0.6, 0.0, 0.8])
    assert slope_penalty(inputs @ direction, inputs).tolist() == pytest.approx([0.0] * 6, abs=1e-6)
    assert slope_penalty(3 * inputs @ direction, inputs).tolist() == pytest.approx([4.0] * 6, rel=1e-5)
    pairs = (inputs @ direction).reshape(3, 2).sum(1)  # two members a logit: the slope is sqrt(2)
    assert slope_penalty(pairs, inputs).tolist() == pytest.approx([(2**0.5 - 1) ** 2] * 3, rel=1e-5)
    assert gradient_penalty((inputs @ direction).reshape(3, 2).sum(1), inputs).tolist() == pytest.approx([1.0] * 3)
    flat = torch.zeros(2, requires_grad=True) * inputs.sum()
    assert slope_penalty(flat, inputs).isfinite().all()


def test_points_between_lie_on_the_lines() -> None:
    torch.manual_seed(0)
    real, fake = torch.zeros(1000, 1, 2, 2), torch.ones(1000, 1, 2, 2)
    points = between(real, fake)
    assert torch.equal(points.amax((1, 2, 3)), points.amin((1, 2, 3)))  # one mix a sample
    assert float(points.mean()) == pytest.approx(0.5, abs=0.03)
    assert float(points.std()) == pytest.approx(12**-0.5, abs=0.02)


def test_lecam_pulls_real_logits_to_the_fakes_anchor_and_fake_ones_to_the_reals() -> None:
    anchors = torch.tensor([2.0, -3.0])  # real, fake
    assert lecam(torch.tensor([-3.0, 0.0]), torch.tensor([2.0, 2.0]), anchors).tolist() == [0.0, 9.0]


def test_entropy_ranks_spreads_and_estimates_a_gaussians() -> None:
    """Kozachenko & Leonenko: H = d E[ln distance] + ln(volume of the unit ball) + Euler's constant + ln(n - 1)."""
    torch.manual_seed(0)
    n, d = 4000, 2
    points = torch.randn(n, d)
    distance = float(entropy(points).mean()) + math.log(d) / 2  # from root mean square to Euclidean
    estimate = d * distance + math.log(math.pi) + 0.5772 + math.log(n - 1)
    assert estimate == pytest.approx(1 + math.log(2 * math.pi), abs=0.06)
    assert float(entropy(0.1 * points).mean()) == pytest.approx(float(entropy(points).mean()) - math.log(10), abs=1e-3)
    same = torch.zeros(5, 3, requires_grad=True)
    entropy(same).sum().backward()
    assert same.grad.isfinite().all()

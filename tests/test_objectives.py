from __future__ import annotations

import math

import pytest
import torch
from contracts import check_objective
from torch import nn

from duelo.objectives import OBJECTIVES, gradient_penalty, threshold

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

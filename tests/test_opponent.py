"""A fresh opponent draws against real members, and wins against what is wrong, by as much as theory says."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import duelo
from duelo.measure.opponent import accuracy, auc, discriminator, fresh_opponents, logits, meet, quantized


def normal(n: int, seed: int, shift: float = 0.0) -> Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed)) + torch.tensor([shift, 0.0])


def digits(first: int, n: int) -> Tensor:
    heldout = duelo.load("digits").heldout  # in a random order: neighbours have the same writer, and that can be seen
    order = torch.randperm(len(heldout), generator=torch.Generator().manual_seed(0))
    return heldout.take(order[first : first + n])


def test_real_against_real_is_a_draw() -> None:
    found = meet(normal(4000, 1), normal(4000, 2), "medium", length_kimg=30)
    assert found.accuracy.low < 0.5 < found.accuracy.high
    assert found.accuracy.n == 4000
    assert found.auc.low < 0.5 < found.auc.high


def test_two_normals_are_told_apart_as_well_as_can_be() -> None:
    """The best classifier of N(0, 1) and N(1, 1) is right with probability Phi(1/2), its AUC is Phi(1 / sqrt 2)."""
    found = meet(normal(6000, 1), normal(6000, 2, shift=1.0), "medium", length_kimg=60)
    assert found.accuracy.value == pytest.approx(0.6915, abs=0.02)
    assert found.auc.value == pytest.approx(0.7602, abs=0.02)
    assert found.accuracy.high < 0.71, "a test half that was trained on would show more than can be known"
    worst, best = normal(6000, 2, shift=1.0)[list(found.worst), 0], normal(6000, 2, shift=1.0)[list(found.best), 0]
    assert worst.min() > best.max()  # what lies far on the generated side is most obviously generated


def test_digits_draw_and_spoiled_digits_lose() -> None:
    real, others = digits(0, 1500), digits(1500, 1500)
    (draw,) = fresh_opponents(real, others, seed=1, length_kimg=15, sizes=("small",))
    assert draw.accuracy.low < 0.5 < draw.accuracy.high
    noisy = (
        (others.float() + 25 * torch.randn(others.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 255).byte()
    )
    (won,) = fresh_opponents(real, noisy, others, seed=1, length_kimg=15, sizes=("small",))
    assert won.accuracy.low > 0.9
    assert won.accuracy.floor == draw.accuracy.value
    assert [kimg for kimg, _, _ in won.curve] == sorted(kimg for kimg, _, _ in won.curve)
    assert won.chosen_kimg in [kimg for kimg, _, _ in won.curve]


def test_fine_values_give_nothing_away() -> None:
    images = digits(0, 50)
    floats = images.float() / 127.5 - 1 + 0.002 * torch.rand(images.shape)
    assert torch.equal(quantized(floats), images)


def test_it_is_a_function_of_its_seed_and_leaves_torchs_randomness_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    first = meet(normal(100, 1), normal(100, 2), "small", seed=3, length_kimg=1)
    second = meet(normal(100, 1), normal(100, 2), "small", seed=3, length_kimg=1)
    other = meet(normal(100, 1), normal(100, 2), "small", seed=4, length_kimg=1)
    assert torch.equal(torch.rand(2), expected)
    assert torch.equal(first.real_logits, second.real_logits)
    assert not torch.equal(first.real_logits, other.real_logits)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 48, 64)])
def test_each_member_is_judged_alone(shape: tuple[int, ...]) -> None:
    """An opponent that saw the batch would know more than a fair one: batches are all real or all generated."""
    network = discriminator(shape, "small")
    members = torch.randint(0, 256, (7, *shape)).byte()
    assert logits(network, members)[3].item() == pytest.approx(logits(network, members[3:4]).item(), abs=1e-5)


def test_area_and_intervals_by_hand() -> None:
    real, fake = torch.tensor([3.0, 1.0, 1.0, -2.0]), torch.tensor([1.0, 0.0, -1.0])
    wins = sum((r > f) + 0.5 * (r == f) for r in real.tolist() for f in fake.tolist())
    assert auc(real, fake).value == pytest.approx(wins / 12)
    found = accuracy(torch.ones(60), torch.cat([-torch.ones(30), torch.ones(30)]))
    assert found.value == 0.75
    for bound in (found.low, found.high):  # Wilson's bounds are where the normal test of p just fails
        assert abs(bound - 0.75) / math.sqrt(bound * (1 - bound) / 120) == pytest.approx(1.96, rel=1e-6)


def test_too_few_members_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 20"):
        fresh_opponents(normal(10, 1), normal(100, 2))


def test_of_sorted_samples_some_of_all_are_taken() -> None:
    """More samples than real members: the first alone, true draws, would look perfect."""
    sorted_samples = torch.cat([normal(400, 1), normal(1600, 2) + 6])
    found = fresh_opponents(normal(400, 3), sorted_samples, seed=0, length_kimg=4, sizes=("small",))[0]
    assert found.accuracy.value > 0.8
    assert max(found.worst) >= 400

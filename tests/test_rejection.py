"""What an opponent keeps of a generator's samples, where the right answer is known."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from duelo import rejection
from duelo.data import InMemory
from duelo.data.pixels import to_floats
from duelo.networks import PAIRS, Pair
from duelo.networks.blocks import Logit
from duelo.play import Game
from duelo.rejection import Judge, TooFew, calibrated, choose, fit_last_layer, train_judge


class Scaled(nn.Module):
    """A generator whose samples are N(shift, scale^2)."""

    def __init__(self, scale: float, shift: float = 0.0) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.tensor(scale)), shift

    def forward(self, latents: Tensor) -> Tensor:
        return self.scale * latents + self.shift


class Ratio(nn.Module):
    """The exact log ratio of N(0, 1) to N(shift, 1) in the first coordinate."""

    def __init__(self, shift: float) -> None:
        super().__init__()
        self.shift = shift

    def forward(self, points: Tensor) -> Tensor:
        return self.shift**2 / 2 - self.shift * points[:, 0]


def small_discriminator() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1), Logit()
    )


def game(generator: nn.Module) -> Game:
    return Game(Pair(generator, small_discriminator(), (2,), pixel_range=None))


def test_a_generator_too_wide_is_cut_to_the_truth() -> None:
    wide = game(Scaled(1.5))
    reals = torch.randn(50_000, 2, generator=torch.Generator().manual_seed(3))
    judge = train_judge(wide, small_discriminator(), InMemory(reals), kimg=400, batch=512)
    kept, share = choose(wide, judge, 20_000)
    assert kept.shape == (20_000, 2)
    assert kept.var(0).tolist() == pytest.approx([1.0, 1.0], abs=0.06)  # 2.25 before
    assert kept.mean(0).abs().max() < 0.05
    # the exact log ratio: ln 1.5^2 - |x|^2 / 2 (1 - 1 / 1.5^2)
    places = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    exact = math.log(2.25) - places.square().sum(1) / 2 * (1 - 1 / 2.25)
    assert judge.logits(places).tolist() == pytest.approx(exact.tolist(), abs=0.25)
    assert 0.2 < share < 0.6  # 1 / 2.25 if the bound were the exact ratio's highest value


def test_the_last_layer_is_the_logistic_regression() -> None:
    """Against scikit-learn's; both sides count alike, however many there are of each."""
    chance = torch.Generator().manual_seed(5)
    reals = torch.randn(3000, 2, generator=chance) * 0.7 + 0.3
    fakes = torch.randn(9000, 2, generator=chance)
    network = nn.Sequential(nn.Linear(2, 2), nn.Identity(), nn.Linear(2, 1), nn.Flatten(0)).requires_grad_(False)
    network[0].weight.copy_(torch.eye(2))
    network[0].bias.zero_()
    for _ in range(6):
        fit_last_layer(network, reals, fakes)
    both, answers = torch.cat([reals, fakes]).numpy(), [1] * len(reals) + [0] * len(fakes)
    reference = LogisticRegression(C=1e12, class_weight="balanced", tol=1e-12, max_iter=1000).fit(both, answers)
    found = torch.cat([network[2].weight[0], network[2].bias])
    expected = torch.tensor([*reference.coef_[0], *reference.intercept_], dtype=torch.float32)
    assert torch.allclose(found, expected, atol=2e-4)
    assert expected.abs().max() > 0.1  # there was something to find


def test_a_network_without_a_linear_end_is_left_alone() -> None:
    network = nn.Sequential(nn.Linear(2, 1), nn.Tanh(), nn.Flatten(0)).requires_grad_(False)
    before = network[0].weight.clone()
    fit_last_layer(network, torch.randn(100, 2), torch.randn(100, 2))
    assert torch.equal(network[0].weight, before)


def test_an_exact_judge_turns_one_normal_into_another() -> None:
    away = game(Scaled(1.0, shift=0.5))
    kept, _ = choose(away, Judge(Ratio(0.5), bound=2.0), 40_000)
    assert kept[:, 0].mean() == pytest.approx(0.0, abs=0.03)  # 0.5 before
    assert kept[:, 1].mean() == pytest.approx(0.5, abs=0.03)  # the judge does not look at it
    assert kept[:, 0].std() == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("sure", [1.0, 2.0, 10.0])
def test_a_judge_too_sure_of_itself_is_calibrated(sure: float) -> None:
    """Its logits are `sure` times the truth and 3 too low; calibrated on members of both kinds they are the truth."""

    class TooSure(Ratio):
        def forward(self, points: Tensor) -> Tensor:
            return sure * super().forward(points) - 3

    away = game(Scaled(1.0, shift=0.5))
    chance = torch.Generator().manual_seed(8)
    reals, fakes = torch.randn(20_000, 2, generator=chance), torch.randn(20_000, 2, generator=chance) + 0.5
    judge = calibrated(Judge(TooSure(0.5), bound=2.0), reals, fakes)
    assert judge.scale == pytest.approx(1 / sure, rel=0.1)
    assert torch.allclose(judge.logits(fakes[:100]), Ratio(0.5)(fakes[:100]), atol=0.1)
    kept, _ = choose(away, judge, 40_000)
    assert kept[:, 0].mean() == pytest.approx(0.0, abs=0.06)
    assert kept[:, 0].std() == pytest.approx(1.0, abs=0.03)


def test_a_judge_that_is_wrong_has_nothing_to_say_and_one_that_is_always_right_stays() -> None:
    reals, fakes = torch.zeros(50, 2), torch.ones(50, 2)
    wrong = calibrated(Judge(Ratio(-1.0), bound=0.0), reals, fakes)
    assert (wrong.scale, wrong.shift) == (0.0, 0.0)
    right = calibrated(Judge(Ratio(1.0), bound=0.0), reals, fakes)
    assert (right.scale, right.shift) == (1.0, 0.0)


class Noise(nn.Module):
    """A generator of grey noise, 8 x 8."""

    def __init__(self) -> None:
        super().__init__()
        self.contrast = nn.Parameter(torch.tensor(1.0))

    def forward(self, latents: Tensor) -> Tensor:
        return (self.contrast * latents).tanh().view(-1, 1, 8, 8)


def test_images_are_judged_by_what_the_judge_did_not_see() -> None:
    """A judge that knows twenty images by heart has next to nothing to say of others that are like the fakes."""
    images = (127.5 * torch.randn(1020, 1, 8, 8, generator=torch.Generator().manual_seed(2)).tanh() + 127.5).round().byte()
    network = PAIRS["upsampling"]((1, 8, 8), 16).discriminator
    noise = Game(Pair(Noise(), network, (64,)))
    alone, checked = (
        train_judge(noise, copy.deepcopy(network), InMemory(images[:20]), 10, 64, referee=referee)
        for referee in (None, InMemory(images[20:]))
    )
    known = to_floats(images[:20], noise.pair.pixel_range)
    assert alone.logits(known).mean() > 1.2  # of its twenty, it says
    assert checked.logits(known).mean() < 0.3
    assert checked.scale < 0.2


def test_the_choice_is_a_function_of_the_seed() -> None:
    away = game(Scaled(1.0, shift=0.5))
    judge = Judge(Ratio(0.5), bound=2.0)
    assert torch.equal(choose(away, judge, 100, seed=4)[0], choose(away, judge, 300, seed=4)[0][:100])
    assert not torch.equal(choose(away, judge, 100, seed=4)[0], choose(away, judge, 100, seed=5)[0])


def test_a_hopeless_generator_is_given_up() -> None:
    with pytest.raises(TooFew) as caught:
        choose(game(Scaled(1.0)), Judge(Ratio(0.0), bound=20.0), 10)
    assert caught.value.drawn == 100 * rejection.CHUNK


def test_images_go_through_the_networks_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand pictures at once would need more memory than there is."""
    pair = PAIRS["upsampling"]((1, 8, 8), 4)
    seen: list[int] = []
    forward = pair.generator.forward
    monkeypatch.setattr(pair.generator, "forward", lambda latents: (seen.append(len(latents)), forward(latents))[1])
    images = torch.randint(0, 256, (64, 1, 8, 8), dtype=torch.uint8)
    judge = train_judge(Game(pair), PAIRS["upsampling"]((1, 8, 8), 4).discriminator, InMemory(images), 2, 64)
    kept, share = choose(Game(pair), Judge(judge.network, -100.0), 30)
    assert max(seen) <= rejection.IMAGES_CHUNK
    assert kept.shape == (30, 1, 8, 8)
    assert share == 30 / 500 or share > 0.9


def test_training_leaves_the_game_and_torchs_randomness_alone() -> None:
    wide = game(Scaled(1.5))
    before = {key: value.clone() for key, value in wide.pair.discriminator.state_dict().items()}
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first = train_judge(wide, small_discriminator_quietly(), InMemory(torch.randn(100, 2, generator=seeded())), 2, 64)
    second = train_judge(wide, small_discriminator_quietly(), InMemory(torch.randn(100, 2, generator=seeded())), 2, 64)
    assert torch.equal(torch.rand(3), expected)
    assert first.bound == second.bound
    assert all(torch.equal(value, before[key]) for key, value in wide.pair.discriminator.state_dict().items())


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def small_discriminator_quietly() -> nn.Module:
    with torch.random.fork_rng():
        return small_discriminator()


def test_a_conditional_pair_is_refused() -> None:
    pair = PAIRS["islands"]((2,), 8, 3, classes=2)
    with pytest.raises(ValueError, match="conditional"):
        train_judge(Game(pair), small_discriminator(), InMemory(torch.zeros(10, 2)), 1)


def test_batch_normalization_of_the_judge_uses_what_it_saw() -> None:
    """A judge with batch normalization judges a sample alone as it does among others."""
    network = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1), Logit())
    judge = train_judge(game(Scaled(1.5)), network, InMemory(torch.randn(500, 2)), 10, 64)
    places = torch.randn(5, 2)
    assert judge.logits(places[:1]).item() == pytest.approx(judge.logits(places)[0].item(), abs=1e-5)
    assert judge.network[1].running_var.ne(1).all()

"""The duality gap: of games whose equilibrium is known, of games far from it, and of one on a saddle."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import duelo
from duelo import gap, verdict
from duelo.data import Dataset, InMemory
from duelo.evidence import Evidence
from duelo.gap import duality_gap
from duelo.networks import Pair, toy
from duelo.networks.blocks import Logit
from duelo.play import Game, play
from duelo.verdict_page import opponent_rows
from duelo.words import LANGUAGES

TRAIN, HELDOUT = torch.randn(8000, generator=torch.Generator().manual_seed(0)).reshape(2, 4000, 1)  # N(0, 1)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gap, "STEPS", 200)
    monkeypatch.setattr(gap, "STOPS", (50, 100, 200))


class Shift(nn.Module):
    """z -> z + shift: its samples are N(shift, 1), and its best response is another shift."""

    def __init__(self, shift: float) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.tensor([shift]))

    def forward(self, latents: Tensor) -> Tensor:
        return latents + self.shift


class Saddle(nn.Module):
    """x -> a b x: at a = b = 0 it says 0 and has no slope in any direction, though it could say anything else."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))

    def forward(self, members: Tensor) -> Tensor:
        return (self.a * self.b * members).flatten()


def undecided() -> nn.Module:
    """A discriminator that could learn, and says 0 of everything."""
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1), Logit())
    nn.init.zeros_(network[2].weight)
    nn.init.zeros_(network[2].bias)
    return network


def straight(slope: float, bias: float) -> nn.Module:
    """x -> slope x + bias."""
    network = nn.Sequential(nn.Linear(1, 1), Logit())
    nn.init.constant_(network[0].weight, slope)
    nn.init.constant_(network[0].bias, bias)
    return network


def game_of(generator: nn.Module, discriminator: nn.Module, **options: Any) -> Game:
    return Game(Pair(generator, discriminator, (1,), None), **{"batch": 100, **options})


def value(logits_real: Tensor, logits_fake: Tensor) -> float:
    """E log D(x) + E log(1 - D(G(z))), written with probabilities and in double precision."""
    real, fake = logits_real.double().sigmoid(), logits_fake.double().sigmoid()
    return float(real.log().mean() + (1 - fake).log().mean())


def test_at_the_equilibrium_there_is_nothing_to_gain() -> None:
    found = duality_gap(game_of(Shift(0.0), undecided()), TRAIN, HELDOUT)
    assert abs(found.value) < 0.005
    assert found.low - 0.002 < 0 < found.high + 0.002  # but for what the responses learn of chance
    assert found.maximin == pytest.approx(gap.EQUILIBRIUM, abs=1e-6)  # a flat D gives G nothing to respond to
    assert found.minimax == pytest.approx(-math.log(4), abs=0.005)
    assert (found.steps, found.rate, found.perturbed, found.n) == (200, 1e-3, 0.0, 3200)


def test_a_generator_that_is_off_leaves_the_discriminator_much_to_gain(monkeypatch: pytest.MonkeyPatch) -> None:
    """V(G, best D) of N(0, 1) against N(2, 1), -ln 4 + 2 JS, is known by integration; the best D is a straight line."""
    monkeypatch.setattr(gap, "RATE", 2e-2)
    found = duality_gap(game_of(Shift(2.0), straight(0.0, 0.0)), TRAIN, HELDOUT)
    x = torch.linspace(-10, 12, 200_001, dtype=torch.float64)
    p, q = (torch.exp(-((x - mean) ** 2) / 2) / math.sqrt(2 * math.pi) for mean in (0, 2))
    best = float(torch.trapezoid(p * (p / (p + q)).log() + q * (q / (p + q)).log(), x))
    assert best == pytest.approx(-0.71, abs=0.01)
    assert found.minimax == pytest.approx(best, abs=0.04)
    assert found.low > 0.5
    assert found.maximin == pytest.approx(-math.log(4), abs=1e-6)
    nearer = duality_gap(game_of(Shift(0.5), straight(0.0, 0.0)), TRAIN, HELDOUT)
    assert 0 < nearer.value < found.value


def test_a_strong_discriminator_leaves_a_movable_generator_much_to_gain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The optimal D for a shift of 2 says 2 - 2 x: G gains by going to the left, also where D is so sure as to saturate."""
    monkeypatch.setattr(gap, "RATE", 2e-2)
    found = duality_gap(game_of(Shift(2.0), straight(-2.0, 2.0)), TRAIN, HELDOUT)
    z = torch.randn(len(HELDOUT), 1, generator=torch.Generator().manual_seed(5))
    now = value(2 - 2 * HELDOUT, 2 - 2 * (z + 2))
    moved = value(2 - 2 * HELDOUT, 2 - 2 * (z + 2 - 2.0))  # 200 steps of a falling rate of 0.02: 2.01 to the left
    assert found.maximin == pytest.approx(moved, abs=0.15)
    assert found.minimax == pytest.approx(now, abs=0.08)  # D was the best already
    assert found.value > 1.0
    assert found.low < found.value < found.high
    monkeypatch.setattr(gap, "RATE", 5e-2)
    sure = duality_gap(game_of(Shift(9.0), straight(-9.0, 40.5)), TRAIN, HELDOUT)  # the optimal one again; logits of -40
    assert sure.minimax == pytest.approx(0, abs=1e-3)
    assert sure.maximin < -1.0


def test_each_side_pulls_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the two responses lies the value of the game as it stands; with the roles swapped it would lie outside."""
    monkeypatch.setattr(gap, "RATE", 1e-2)
    shift, slope, bias = 1.0, -0.3, 0.1
    found = duality_gap(game_of(Shift(shift), straight(slope, bias)), TRAIN, HELDOUT)
    z = torch.randn(100_000, 1, generator=torch.Generator().manual_seed(5))
    now = value(slope * HELDOUT + bias, slope * (z + shift) + bias)
    assert found.minimax > now + 0.02 > now - 0.02 > found.maximin
    assert found.value == pytest.approx(found.minimax - found.maximin)
    assert found.low > 0


def test_a_saddle_is_left_when_the_weights_are_perturbed() -> None:
    """Sidheekh et al. 2021: without a slope the plain response stays, and the game seems to be at its equilibrium."""
    plain, perturbed = (duality_gap(game_of(Shift(2.0), Saddle()), TRAIN, HELDOUT, perturbation=p) for p in (0.0, 0.1))
    assert plain.value == 0
    assert perturbed.low > 0.005
    assert perturbed.perturbed == 0.1


def test_what_training_members_say_by_heart_does_not_count() -> None:
    """Ten training members, and a discriminator that can know them all: on others it must not seem strong, nor weak."""
    torch.manual_seed(0)
    wide = nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1), Logit())
    nn.init.zeros_(wide[4].weight)
    nn.init.zeros_(wide[4].bias)
    found = duality_gap(game_of(Shift(0.0), wide), 0.2 * TRAIN[:10] + 3, HELDOUT)  # not even of the same distribution
    assert abs(found.value) < 0.01


def test_the_game_and_the_global_randomness_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gap, "STEPS", 50)
    monkeypatch.setattr(gap, "STOPS", (50,))
    torch.manual_seed(0)
    points = duelo.ring().sample(1500, torch.Generator().manual_seed(0))
    game = Game(toy((2,), width=16, latent=4), batch=32, r1=0.1, replay=0.5, target_kimg=1.0)
    rounds = play(game, points)
    for _ in range(20):
        next(rounds)
    game.pair.discriminator.eval()

    def flat(tree: Any) -> list[Any]:
        if isinstance(tree, dict):
            return [each for key, branch in tree.items() for each in (key, *flat(branch))]
        return [leaf for branch in tree for leaf in flat(branch)] if isinstance(tree, list | tuple) else [tree]

    state = [leaf.clone() if isinstance(leaf, Tensor) else leaf for leaf in flat(game.state())]
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    found = duality_gap(game, points[:1000], points[1000:], seed=3, perturbation=0.1)
    assert torch.rand(1) == expected
    for before, now in zip(state, flat(game.state()), strict=True):
        assert torch.equal(before, now) if isinstance(before, Tensor) else before == now
    assert not game.pair.discriminator.training
    assert all(p.requires_grad for network in game.pair.sides().values() for p in network.parameters())
    assert duality_gap(game, points[:1000], points[1000:], seed=3, perturbation=0.1) == found
    assert duality_gap(game, points[:1000], points[1000:], seed=4, perturbation=0.1) != found


def test_the_averaged_generator_is_the_one_that_counts() -> None:
    """The generator that plays is hopeless, its average perfect: D has nothing to learn."""
    game = game_of(Shift(0.0), undecided())
    game.nimg = 1
    with torch.no_grad():
        game.pair.generator.shift.fill_(5.0)
    assert abs(duality_gap(game, TRAIN, HELDOUT).value) < 0.005


def test_labels_and_packs_are_judged_as_in_the_game() -> None:
    """Two classes in two places: a generator that makes both, but of the other class, is found out by the label alone."""

    class Placed(nn.Module):
        def __init__(self, sign: float) -> None:
            super().__init__()
            self.place = nn.Parameter(torch.tensor([[sign], [-sign]]))

        def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
            return 0.3 * latents + self.place[labels]

    class Asked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.slopes = nn.Parameter(torch.zeros(2))

        def forward(self, members: Tensor, labels: Tensor) -> Tensor:
            return members[:, 0] * self.slopes[labels]

    labels = torch.arange(4000) % 2
    parts = [InMemory(0.3 * values + 1 - 2.0 * labels[:, None], labels) for values in (TRAIN, HELDOUT)]
    right, wrong = (
        duality_gap(Game(Pair(Placed(sign), Asked(), (1,), None, classes=2), batch=100), *parts) for sign in (1.0, -1.0)
    )
    assert abs(right.value) < 0.002
    assert wrong.low > 0.05
    pair = Pair(Shift(2.0), nn.Sequential(nn.Linear(4, 1), Logit()), (1,), None)
    packed = duality_gap(Game(pair, batch=100, pack=4), TRAIN, HELDOUT)
    assert packed.n == 3200 // 4
    assert packed.low > 0.1
    with pytest.raises(ValueError, match="at least 16 held-out members, and there are 15"):
        duality_gap(Game(pair, batch=100, pack=4), TRAIN, HELDOUT[:15])
    assert duality_gap(Game(pair, batch=100, pack=4), TRAIN, HELDOUT[:16]).n == 2


def test_the_verdict_holds_both_gaps_and_the_report_shows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "equilibrium", lambda *_: ({"opponents": [], "strongest": "small"}, {}))
    monkeypatch.setattr(verdict, "sentences", lambda *_: [])
    points = duelo.ring().sample(600, torch.Generator().manual_seed(0))
    parts = [InMemory(part) for part in points.split(200)]
    data = Dataset("ring", *parts, truth=duelo.ring())
    torch.manual_seed(0)
    game = Game(toy((2,), width=16, latent=4), batch=50)
    seen = Evidence(points[:200], data, "here", learner=game)
    found = verdict.assess(seen, ["equilibrium"])[0]["equilibrium"]["gap"]
    assert {name: each["perturbed"] for name, each in found.items()} == {"plain": 0.0, "perturbed": 0.1}
    assert all(each["floor"] == 0 and each["low"] <= each["value"] <= each["high"] for each in found.values())
    rows = opponent_rows({"opponents": [], "gap": found})
    assert [row[3] for row in rows] == ["0", "0"]
    assert all(LANGUAGES[lang]["page.gap"].format(k=200) in rows[0][0] for lang in ("en", "es"))
    assert "gap" not in verdict.assess(seen, ["equilibrium"], brief=True)[0]["equilibrium"]
    assert "gap" not in verdict.assess(Evidence(points[:200], data, "here"), ["equilibrium"])[0]["equilibrium"]

from __future__ import annotations

import copy
import math
from importlib import import_module
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

import duelo
from duelo import checkpoint
from duelo.balance import Controls, fixed
from duelo.data import InMemory
from duelo.learner import sample
from duelo.measure import sliced_wasserstein
from duelo.networks import Pair, convolutional
from duelo.networks.vae import Decoder, Encoder, Standard, vae
from duelo.vae import Vae, VaeTick, divergence, evidence, reconstruction

rival = import_module("duelo.vae")  # as an attribute of the page, `vae` is the pair
DIGITS = duelo.load("digits")
RING = duelo.load("ring")


def small(two_stage: bool = False, classes: int = 0, **options) -> Vae:
    torch.manual_seed(0)
    pair = vae((1, 28, 28), 8, 8, classes=classes, two_stage=two_stage)
    return Vae(pair, **{"batch": 32, "generator_rate": 4e-3, "discriminator_rate": 4e-3, "ema_kimg": 1.0, **options})


def after(learner: Vae, rounds: int, look_kimg: float = 1e9, data=DIGITS, **controls: float) -> list[VaeTick]:
    balance = fixed(Controls(**controls))
    return list(islice(learner.rounds(data.train, 3, balance, data.referee, look_kimg), rounds))


def leaves(tree: object) -> list[Tensor]:
    """Every tensor of a state."""
    if isinstance(tree, dict):
        return [leaf for key in tree for leaf in leaves(tree[key])]
    if isinstance(tree, list | tuple):
        return [leaf for part in tree for leaf in leaves(part)]
    return [tree] if isinstance(tree, Tensor) else []


def same(one: Vae, other: Vae) -> bool:
    pairs = zip(leaves(one.state()), leaves(other.state()), strict=True)
    return one.nimg == other.nimg and all(torch.equal(a, b) for a, b in pairs)


def test_the_divergence_is_that_of_torch() -> None:
    torch.manual_seed(0)
    means, log_variances = 2 * torch.randn(7, 5), 2 * torch.randn(7, 5)
    posterior = Independent(Normal(means, (log_variances / 2).exp()), 1)
    prior = Independent(Normal(torch.zeros(7, 5), torch.ones(7, 5)), 1)
    found = divergence(means, log_variances)
    assert torch.allclose(found, kl_divergence(posterior, prior), rtol=1e-4)
    assert not torch.allclose(found, kl_divergence(prior, posterior), rtol=0.1)  # the other way round is another thing
    assert (found > 0).all()
    assert torch.equal(divergence(torch.zeros(2, 3), torch.zeros(2, 3)), torch.zeros(2))


def test_the_reconstruction_is_a_log_density_of_torch() -> None:
    torch.manual_seed(0)
    x, mean, variance = torch.randn(4, 6), torch.randn(4, 6), torch.tensor(0.3)
    expected = -Normal(mean, variance.sqrt()).log_prob(x).sum(1)
    assert torch.allclose(reconstruction((x - mean).square(), variance), expected, rtol=1e-5)


class Linear(nn.Module):
    """For x = w z + noise, with one z: the exact posterior, or one whose means are moved by `off`."""

    def __init__(self, w: Tensor, variance: float, off: float) -> None:
        super().__init__()
        self.w, self.variance, self.off = w, variance, off

    def forward(self, x: Tensor) -> Tensor:
        precision = 1 + self.w.square().sum() / self.variance
        means = (x @ self.w)[:, None] / self.variance / precision + self.off
        return torch.cat([means, -precision.log().expand(len(x), 1)], 1)


def linear_bound(off: float) -> tuple[float, float]:
    """The mean negative bound, and what it bounds: -log p(x), known exactly where everything is linear."""
    torch.manual_seed(0)
    w, variance = torch.tensor([1.0, -2.0, 0.5]), 0.4
    truth = MultivariateNormal(torch.zeros(3), torch.outer(w, w) + variance * torch.eye(3))
    x = truth.sample((20_000,))
    mean = nn.Linear(1, 3)
    with torch.no_grad():
        mean.weight.copy_(w[:, None])
        mean.bias.zero_()
    decoder, encoder = Decoder(mean), Encoder(Linear(w, variance, off), 1).eval()
    decoder.variance.fill_(variance)
    with torch.no_grad():
        bound, *_ = evidence(decoder, encoder, x, None)
    return float(bound.loss.mean()), float(-truth.log_prob(x).mean())


def test_the_bound_is_tight_with_the_exact_posterior_and_loose_with_another() -> None:
    bound, exact = linear_bound(0.0)
    assert bound == pytest.approx(exact, abs=0.03)
    bound, exact = linear_bound(0.3)
    precision = 1 + 5.25 / 0.4
    assert bound - exact == pytest.approx(0.3**2 * precision / 2, abs=0.06)  # the divergence of the two posteriors


def test_a_divergence_of_the_wrong_sign_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rival, "divergence", lambda *parts: -divergence(*parts))
    bound, exact = linear_bound(0.0)
    assert abs(bound - exact) > 1


def test_the_variance_is_the_mean_squared_error() -> None:
    learner = small()
    tick = after(learner, 60)[-1]
    numbers = 28 * 28
    variance = learner.decoder.variance
    assert torch.equal(tick.deviation, variance.sqrt())
    squares = (tick.bound.reconstruction.mean() - numbers / 2 * math.log(2 * math.pi * variance)) * 2 * variance / numbers
    assert float(squares / variance) == pytest.approx(1, abs=0.1)


def test_latents_are_standard_and_each_class_by_itself() -> None:
    torch.manual_seed(0)
    layer = Standard(2, classes=2)
    scale, places = torch.tensor([5.0, 0.1]), torch.tensor([[3.0, 3.0], [-7.0, 3.2]])

    def batch(n: int) -> tuple[Tensor, Tensor]:
        """The second class is three times as frequent as the first."""
        labels = (torch.arange(n) % 4 > 0).long()
        return torch.cat([torch.randn(n, 2) * scale + places[labels], (0.6 * scale).square().log().expand(n, 2)], 1), labels

    for _ in range(200):
        layer(*batch(64))
    x, labels = batch(20_000)
    means, log_variances = layer.eval()(x, labels).chunk(2, 1)
    for k in (0, 1):
        assert torch.allclose(means[labels == k].mean(0), torch.zeros(2), atol=0.2)
    assert torch.allclose(means.var(0) + log_variances.exp().mean(0), torch.ones(2), atol=0.2)
    # members 0 and 4 are of one class: how far apart they are, in standard deviations, is as it was
    before, now = (x[0, :2] - x[4, :2]) / (x[0, 2:] / 2).exp(), (means[0] - means[4]) / (log_variances[0] / 2).exp()
    assert torch.allclose(before, now, rtol=1e-3)
    kept = layer.mean.clone()
    layer(*batch(8))
    assert torch.equal(layer.mean, kept)  # in use, nothing is measured


def test_the_price_is_the_divergence_and_how_far_all_latents_are_from_standard() -> None:
    torch.manual_seed(0)
    raw = torch.cat([3 * torch.randn(500, 4) + 2, torch.randn(500, 4)], 1)
    encoder = Encoder(nn.Identity(), 4).eval()
    means, log_variances = raw.chunk(2, 1)
    encoder.standard.mean.copy_(means.mean(0, keepdim=True))
    encoder.standard.variance.copy_(means.var(0, correction=0) + log_variances.exp().mean(0))
    bound, latents, price = evidence(Decoder(nn.Linear(4, 8)), encoder, raw, None)
    together = Normal(encoder.standard.mean[0], encoder.standard.variance.sqrt())
    strain = kl_divergence(together, Normal(torch.zeros(4), torch.ones(4))).sum()
    assert float(price.mean()) == pytest.approx(float(bound.divergence.mean() + strain), rel=1e-4)
    assert torch.allclose(latents.mean(0), torch.zeros(4), atol=0.2)


@pytest.mark.parametrize("priced", [True, False])
def test_the_price_keeps_latents_from_drifting_away(priced: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def unpriced(*arguments):
        bound, latents, _ = evidence(*arguments)
        return bound, latents, bound.divergence

    monkeypatch.setattr(rival, "WARM_UP", 1)
    if not priced:
        monkeypatch.setattr(rival, "evidence", unpriced)
    learner = small()
    after(learner, 150)
    assert (float(learner.encoder.standard.mean.abs().max()) < 2.5) == priced


def test_it_learns_digits_and_also_what_it_never_saw() -> None:
    learner = small()
    ticks = after(learner, 250, look_kimg=1.0)
    looks = [float(tick.referee_loss.mean()) for tick in ticks if tick.referee_loss is not None]
    losses = [float(tick.bound.loss.mean()) for tick in ticks]
    assert len(looks) == 8
    assert sum(losses[-20:]) / 20 < losses[0] - 500
    assert looks[-1] < looks[0] - 100
    assert all(tick.bound.divergence.min() >= 0 for tick in ticks)
    assert sum(float(tick.bound.divergence.mean()) for tick in ticks[-20:]) / 20 > 5  # the latents do tell something
    assert all(tick.duel is None for tick in ticks)


def test_a_few_digits_are_learnt_by_heart_and_the_referee_sees_it() -> None:
    learner = small(batch=16)
    few, unseen = InMemory(DIGITS.train.first(16)), InMemory(DIGITS.referee.first(64))
    *_, tick = islice(learner.rounds(few, 0, fixed(), unseen, 0.001), 150)
    assert float(tick.referee_loss.mean()) > float(tick.bound.loss.mean()) + 1000


def test_it_resumes_to_the_bit(tmp_path: Path) -> None:
    whole = small(two_stage=True, classes=10)
    after(whole, 24)
    half = small(two_stage=True, classes=10)
    after(half, 11)
    checkpoint.save(tmp_path / "half.safetensors", half.state())
    torch.manual_seed(5)
    other = small(two_stage=True, classes=10)
    other.load(checkpoint.load(tmp_path / "half.safetensors"))
    assert same(other, half)
    after(other, 13)
    assert same(other, whole)
    assert torch.equal(sample(other, 20), sample(whole, 20))
    half.decoder.variance.mul_(2)  # a state that forgot the variance would not be exact
    after(half, 13)
    assert not same(half, whole)


def test_the_referee_changes_nothing_and_neither_does_the_world() -> None:
    quiet, watched = small(), small()
    after(quiet, 12)
    torch.manual_seed(77)
    expected = torch.randn(3)
    torch.manual_seed(77)
    ticks = after(watched, 12, look_kimg=0.001)
    assert torch.equal(torch.randn(3), expected)
    assert all(tick.referee_loss is not None for tick in ticks)
    assert same(quiet, watched)


def test_the_controls_set_the_rates() -> None:
    learner = small()
    after(learner, 1, rate=0.5, discriminator_rate=0.1)
    rates = {side: optimizer.param_groups[0]["lr"] for side, optimizer in learner.optimizers.items()}
    assert rates == {"generator": pytest.approx(2e-3), "discriminator": pytest.approx(2e-4)}


@pytest.mark.parametrize("two_stage", [False, True])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 17, 9), (2,)])
@pytest.mark.parametrize("classes", [0, 3])
def test_shapes_and_gradients(shape: tuple[int, ...], classes: int, two_stage: bool) -> None:
    torch.manual_seed(0)
    learner = Vae(vae(shape, 4, 5, classes=classes, two_stage=two_stage), batch=8)
    assert learner.latents(6).shape == (6, 10 if two_stage else 5)
    members = torch.randn(32, *shape) if len(shape) == 1 else torch.randint(0, 256, (32, *shape)).byte()
    part = InMemory(members, torch.arange(32) % 3)
    for tick in islice(learner.rounds(part, 0, fixed(), part, 0.001), 3):
        figures = tick.figures()
        assert ("second_loss" in figures) == two_stage
        assert figures["loss"].shape == (8,)
        assert figures["referee_loss"].shape == (32,)
        assert all(values.isfinite().all() and not values.requires_grad for values in figures.values())
    for network in (learner.decoder, learner.encoder):
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
    samples = sample(learner, 7)
    assert samples.shape == (7, *shape)
    assert samples.dtype == members.dtype
    assert torch.allclose(samples.float(), sample(learner, 11)[:7].float(), atol=1)


def test_a_class_is_made_when_it_is_asked_for() -> None:
    learner = small(classes=10)
    after(learner, 200)
    train, labels = DIGITS.train.first(4000).float().flatten(1), DIGITS.train.labels[:4000]
    typical = torch.stack([train[labels == k].mean(0) for k in range(10)])

    def recognized(images: Tensor, asked: Tensor) -> float:
        return float((torch.cdist(images.float().flatten(1), typical).argmin(1) == asked).double().mean())

    asked = torch.arange(200) % 10
    fakes = sample(learner, 200, labels=asked)
    floor = recognized(DIGITS.referee.first(2000), DIGITS.referee.labels)  # of real digits this crude judge knows so many
    assert floor > 0.75
    assert recognized(fakes, asked) > 0.6
    assert recognized(fakes, (asked + 1) % 10) < 0.2
    assert learner.class_counts.sum() == learner.nimg


def test_the_second_stage_learns_which_latents_there_are() -> None:
    """On a ring the decoder makes points between the eight spots of noise N(0, 1); the second stage avoids them."""
    torch.manual_seed(0)
    learner = Vae(vae((2,), 32, 2, two_stage=True), batch=256, generator_rate=4e-3, discriminator_rate=4e-3, ema_kimg=5.0)
    after(learner, 250, data=RING)
    real = RING.referee.first(2000)
    with torch.no_grad():
        first = sliced_wasserstein(learner.ema.module.eval().mean(torch.randn(2000, 2)), real)
    both = sliced_wasserstein(sample(learner, 2000), real)
    assert both < 0.75 * first
    assert first < 0.3  # a VAE whose latents say nothing is at 0.6


def test_without_its_second_stage_the_same_decoder_paints_something_else() -> None:
    learner = small(two_stage=True)
    after(learner, 5)
    network = learner.ema.module.eval()
    noise = torch.randn(4, 16)
    with torch.no_grad():
        whole, first = network(noise), network.mean(noise[:, :8])
        moved = copy.deepcopy(noise)
        moved[:, 8:] = 0
        assert not torch.allclose(whole, first)
        assert not torch.equal(network(moved), whole)  # the noise of p(z | u) is in it
        by_hand = network.mean(network.second.mean(noise[:, :8]) + network.second.variance.sqrt() * noise[:, 8:])
    assert torch.equal(whole, by_hand)


def test_the_page_has_the_rival_and_its_pair() -> None:
    assert (duelo.vae, duelo.Vae) == (vae, Vae)
    learner = duelo.Vae(duelo.vae((1, 28, 28), 4, 4), batch=8)
    assert duelo.sample(learner, 3).shape == (3, 1, 28, 28)


def test_only_a_decoder_and_an_encoder_will_do() -> None:
    with pytest.raises(ValueError, match="pair `vae`"):
        Vae(convolutional((1, 28, 28), 4, 4))
    own = Pair(Decoder(nn.Linear(3, 2)), Encoder(nn.Linear(2, 6), 3), (3,), pixel_range=None)
    tick = after(Vae(own, batch=8), 2, data=RING)[-1]  # any two modules can be the networks
    assert tick.bound.loss.isfinite().all()

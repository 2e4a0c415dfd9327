"""What every network pair and every objective must keep; the tests of each part run these over whole tables."""

from __future__ import annotations

import torch

from duelo.networks import Pair
from duelo.objectives import Objective
from duelo.play import Game, play


def check_pair(pair: Pair, shape: tuple[int, ...]) -> None:
    """Shapes, ranges, gradients everywhere, and three rounds of the game."""
    latents = torch.randn(6, *pair.latent_shape)
    fakes = pair.generator(latents)
    assert fakes.shape == (6, *shape)
    assert fakes.dtype == torch.float32
    logits = pair.discriminator(fakes)
    assert logits.shape == (6,)
    logits.sum().backward()
    for name, network in (("generator", pair.generator), ("discriminator", pair.discriminator)):
        for key, parameter in network.named_parameters():
            assert parameter.grad is not None, f"{name}.{key} has no gradient"
            assert parameter.grad.isfinite().all(), f"{name}.{key}"
    data = torch.randn(32, *shape) if pair.pixel_range is None else torch.randint(0, 256, (32, *shape)).byte()
    rounds = play(Game(pair, batch=8, r1=0.1, r2=0.1), data, seed=1)
    for _ in range(3):
        tick = next(rounds)
        assert tick.discriminator_loss.isfinite().all()
        assert tick.generator_loss.isfinite().all()


def check_objective(objective: Objective) -> None:
    """One loss a sample; the stated value at equilibrium; each side is drawn the right way."""
    real, fake = torch.randn(7), torch.randn(7)
    even = torch.zeros(7)
    for loss, at_equilibrium in (
        (objective.discriminator, objective.discriminator_equilibrium),
        (objective.generator, objective.generator_equilibrium),
    ):
        values = loss(real, fake)
        assert values.shape == (7,)
        assert torch.equal(loss(real[:3], fake[:3]), values[:3])  # each sample for itself
        assert torch.allclose(loss(even, even), torch.full((7,), at_equilibrium), atol=1e-6)
    real, fake = real.requires_grad_(), fake.requires_grad_()
    to_real, to_fake = torch.autograd.grad(objective.discriminator(real, fake).sum(), (real, fake))
    assert (to_real < 0).all()  # D's loss falls as real logits rise ...
    assert (to_fake > 0).all()  # ... and as fake ones fall
    (to_fake,) = torch.autograd.grad(objective.generator(real, fake).sum(), fake)
    assert (to_fake < 0).all()  # G's loss falls as fake logits rise

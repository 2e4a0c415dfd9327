"""What every network pair and every objective must keep; the tests of each part run these over whole tables."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from duelo.data import InMemory
from duelo.networks import Pair
from duelo.objectives import Objective
from duelo.play import Game, play


def check_pair(pair: Pair, shape: tuple[int, ...]) -> None:
    """Shapes, ranges, what the label means, gradients everywhere, and three rounds of the game that move every weight."""
    latents = torch.randn(6, *pair.latent_shape)
    labels = [torch.arange(6) % pair.classes] if pair.classes else []
    fakes = pair.generator(latents, *labels)
    assert fakes.shape == (6, *shape)
    assert fakes.dtype == torch.float32
    if pair.pixel_range is not None:
        assert fakes.min() >= pair.pixel_range[0]
    logits = pair.discriminator(fakes, *labels)
    assert logits.shape == (6,)
    if pair.classes:
        check_labels(pair, latents)
        for network, inputs in ((pair.generator, latents), (pair.discriminator, fakes)):
            with pytest.raises(TypeError, match="labels"):
                network(inputs)
    logits.sum().backward()
    for name, network in (("generator", pair.generator), ("discriminator", pair.discriminator)):
        for key, parameter in network.named_parameters():
            assert parameter.grad is not None, f"{name}.{key} has no gradient"
            assert parameter.grad.isfinite().all(), f"{name}.{key}"
    data = torch.randn(32, *shape) if pair.pixel_range is None else torch.randint(0, 256, (32, *shape)).byte()
    part = InMemory(data, torch.arange(32) % pair.classes if pair.classes else None)
    networks = nn.ModuleDict({"generator": pair.generator, "discriminator": pair.discriminator})
    before = {key: parameter.detach().clone() for key, parameter in networks.named_parameters()}
    rounds = play(Game(pair, batch=8, r1=0.1, r2=0.1), part, seed=1)
    for _ in range(3):
        tick = next(rounds)
        assert tick.discriminator_loss.isfinite().all()
        assert tick.generator_loss.isfinite().all()
    still = [key for key, parameter in networks.named_parameters() if torch.equal(parameter, before[key])]
    assert not still, f"three rounds left them as they were: {still}"


def check_labels(pair: Pair, latents: torch.Tensor) -> None:
    """The same latent is another member under another label, and a member has another logit under another label."""
    generator, discriminator = copy.deepcopy(pair.generator), copy.deepcopy(pair.discriminator)
    one, other = (torch.full((len(latents),), label) for label in (0, pair.classes - 1))
    with torch.no_grad():
        settle(discriminator, settle(generator, latents, one), one)
        members, others = generator(latents, one), generator(latents, other)
        scale = float(members.abs().max())
        changed = (members - others).abs().flatten(1).amax(1) > 1e-3 * scale
        assert changed.float().mean() >= 0.5  # a narrow network may lose some, where its ReLU are all 0
        logits, other_logits = discriminator(members, one), discriminator(members, other)
        assert ((logits - other_logits).abs() > 1e-3 * logits.abs().max()).float().mean() >= 0.5
        # each sample has its own label, in the order of the batch
        mixed = generator(latents, torch.cat([one[:3], other[3:]]))
        assert torch.allclose(mixed, torch.cat([members[:3], others[3:]]), atol=1e-4 * scale)


def settle(network: nn.Module, *inputs: torch.Tensor) -> torch.Tensor:
    """Let batch normalization take its averages from this batch, and evaluate: before any training they are far off."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    network.train()(*inputs)
    outputs: torch.Tensor = network.eval()(*inputs)
    return outputs


def check_objective(objective: Objective) -> None:
    """One loss a sample; the stated value at equilibrium; each side is drawn the right way."""
    real, fake = torch.randn(7), torch.randn(7)
    even = torch.full((7,), objective.border or 0.0)
    for loss, at_equilibrium in (
        (objective.discriminator, objective.discriminator_equilibrium),
        (objective.generator, objective.generator_equilibrium),
    ):
        values = loss(real, fake)
        assert values.shape == (7,)
        assert torch.equal(loss(real[:3], fake[:3]), values[:3])  # each sample for itself
        if at_equilibrium is not None:
            assert torch.allclose(loss(even, even), torch.full((7,), at_equilibrium), atol=1e-6)
    # nobody who knows no more can do better: at the equilibrium the border is where D's loss is smallest
    for shift in (-0.3, 0.3):
        shifted = objective.discriminator(even + shift, even + shift).mean()
        assert shifted >= objective.discriminator(even, even).mean() - 1e-6
    if not objective.relative:
        assert torch.equal(objective.generator(real, fake), objective.generator(real + 1, fake))
    # where every objective has a slope: hinge's ends at 1, least squares' turns at its labels
    real, fake = ((0.05 + 0.4 * torch.rand(7)).requires_grad_() for _ in range(2))
    to_real, to_fake = torch.autograd.grad(objective.discriminator(real, fake).sum(), (real, fake))
    assert (to_real < 0).all()  # D's loss falls as real logits rise ...
    assert (to_fake > 0).all()  # ... and as fake ones fall
    (to_fake,) = torch.autograd.grad(objective.generator(real, fake).sum(), fake)
    assert (to_fake < 0).all()  # G's loss falls as fake logits rise

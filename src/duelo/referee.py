"""The referee looks: how the duel stands, on images that nobody trains on and fakes that nobody has seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from duelo.balance import Duel
from duelo.data import Part
from duelo.networks import Pair
from duelo.networks.blocks import apply, untouched
from duelo.objectives import threshold

if TYPE_CHECKING:
    from duelo.play import Game

LOOKED_AT = 256  # samples of each kind at a look
Judge = Callable[[Tensor, Tensor | None], Tensor]


@torch.no_grad()
def measure(game: Game, judge: Judge, train: Part, referee: Part, before: dict[str, list[Tensor]]) -> Duel:
    """How the duel stands now. judge: members [b, *shape] and labels -> logits.

    before: the weights before the last round, of ``weights``. Changes nothing, the networks' buffers included.
    """
    batches = max(1, min(LOOKED_AT, len(referee), len(train)) // game.batch)
    n = batches * game.batch  # whole batches, since batch normalization and packing see them together
    logits: dict[str, list[Tensor]] = {"train": [], "referee": [], "fake": []}
    real_members, fake_members = [], []
    with untouched(game.pair.discriminator, game.pair.generator):
        choices = {"train": torch.randint(len(train), (n,)), "referee": torch.arange(n) % len(referee)}
        for part in range(0, n, game.batch):
            places = {name: chosen[part : part + game.batch] for name, chosen in choices.items()}
            seen, labels = game.fetch(train, places["train"])
            logits["train"].append(judge(seen, labels))
            unseen, labels = game.fetch(referee, places["referee"])
            logits["referee"].append(judge(unseen, labels))
            fakes = apply(game.pair.generator, game.latents(len(unseen)), labels)
            logits["fake"].append(judge(fakes, labels))
            real_members.append(unseen)
            fake_members.append(fakes)
    known, real, fake = (torch.cat(logits[name]) for name in ("train", "referee", "fake"))
    rules = game.rules
    border = threshold(rules, real, fake).to(real)
    ease = rules.generator_equilibrium
    lengths = {side: gradient_length(network) for side, network in game.pair.sides().items()}
    moves = {side: move(before[side], network) for side, network in game.pair.sides().items()}
    return Duel(
        n=len(real),
        train_right=share(known > border),
        referee_right=share(real > border),
        fake_right=share(fake <= border),
        train_logit=float(known.mean()),
        referee_logit=float(real.mean()),
        fake_logit=float(fake.mean()),
        train_sign=float((known - border).sign().mean()),
        gap=rules.discriminator_equilibrium - float(rules.discriminator(real, fake).mean()),
        generator_gap=None if ease is None else float(rules.generator(real, fake).mean()) - ease,
        discriminator_gradient=lengths["discriminator"],
        generator_gradient=lengths["generator"],
        discriminator_move=moves["discriminator"],
        generator_move=moves["generator"],
        variety=spread(torch.cat(fake_members)) / max(spread(torch.cat(real_members)), 1e-12),
    )


def share(right: Tensor) -> float:
    """The share of True."""
    return float(right.double().mean())


def spread(members: Tensor) -> float:
    """The median distance of a member to its nearest other one. members: [n, *shape], n >= 2 (else 0)."""
    if len(members) < 2:
        return 0.0
    flat = members.flatten(1)
    return float(torch.cdist(flat, flat).fill_diagonal_(math.inf).amin(1).median())


def weights(pair: Pair) -> dict[str, list[Tensor]]:
    """Copies of both sides' weights."""
    return {side: [p.detach().clone() for p in network.parameters()] for side, network in pair.sides().items()}


def move(before: list[Tensor], network: nn.Module) -> float:
    """How far the weights are from where they stood `before`, as a share of their length."""
    now = [p.detach() for p in network.parameters()]
    return length([a - b for a, b in zip(now, before, strict=True)]) / max(length(now), 1e-12)


def gradient_length(network: nn.Module) -> float:
    """The length of the gradient that was last computed; 0 if there is none."""
    return length([p.grad for p in network.parameters() if p.grad is not None])


def length(values: list[Tensor]) -> float:
    """The Euclidean length of all the numbers together."""
    if not values:
        return 0.0
    return float(torch.stack(torch._foreach_norm(values)).norm())

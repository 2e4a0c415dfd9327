"""What each side wants: pure functions from logits to losses, one value a sample; and penalties on gradients.

`real`, `fake`: logits [b], positive for "real". Every objective is a pair of functions (discriminator's loss, generator's
loss), each (real, fake) -> [b], and states its value at the equilibrium, where the logits of real and fake agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    """-log D(real) - log(1 - D(fake)), with D = sigmoid(logit): Goodfellow et al. 2014, equation 1 (negated)."""
    return F.softplus(-real) + F.softplus(fake)


def minimax_generator(real: Tensor, fake: Tensor) -> Tensor:
    """log(1 - D(fake)): Goodfellow et al. 2014, equation 1. It saturates: no slope where D is sure of a fake."""
    return -F.softplus(fake)


def nonsaturating_generator(real: Tensor, fake: Tensor) -> Tensor:
    """-log D(fake): Goodfellow et al. 2014, section 3, the heuristic that keeps its slope where D is sure."""
    return F.softplus(-fake)


def relativistic_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """-log sigmoid(real - fake), sample by sample: Jolicoeur-Martineau 2019; Huang et al. 2024 (R3GAN), equation 2."""
    return F.softplus(fake - real)


def relativistic_generator(real: Tensor, fake: Tensor) -> Tensor:
    """-log sigmoid(fake - real): the same with the sides exchanged."""
    return F.softplus(real - fake)


@dataclass(frozen=True)
class Objective:
    """An objective: both sides' losses, their values at equilibrium, and whether a logit's zero means anything.

    absolute: True where the sign of one logit is a judgement; False where only differences are.
    """

    discriminator: Loss
    generator: Loss
    discriminator_equilibrium: float
    generator_equilibrium: float
    absolute: bool = True


OBJECTIVES = {
    "minimax": Objective(cross_entropy, minimax_generator, math.log(4), -math.log(2)),
    "nonsaturating": Objective(cross_entropy, nonsaturating_generator, math.log(4), math.log(2)),
    "relativistic": Objective(relativistic_discriminator, relativistic_generator, math.log(2), math.log(2), absolute=False),
}


def threshold(objective: Objective, real: Tensor, fake: Tensor) -> Tensor:
    """The logit above which a sample is judged real: 0, or midway between the two means where zero means nothing."""
    return torch.zeros(()) if objective.absolute else (real.mean() + fake.mean()) / 2


def gradient_penalty(logits: Tensor, inputs: Tensor) -> Tensor:
    """|d logit / d input|^2 / 2 for each sample, [b]: R1 at real inputs, R2 at fake ones (Mescheder et al. 2018, eq. 9).

    Differentiable, so that it can be part of a loss. Every logit must depend on its own sample alone, or nearly so
    (batch normalization and minibatch statistics mix samples; the sum over the batch is taken all the same).
    """
    (gradient,) = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
    return gradient.square().flatten(1).sum(1) / 2

"""What each side wants: pure functions from logits to losses, one value a sample; and penalties on gradients and logits.

`real`, `fake`: logits [b], positive for "real". Every objective is a pair of functions (discriminator's loss, generator's
loss), each (real, fake) -> [b], and states its value at the equilibrium, where the logits of real and fake agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    """-log D(real) - log(1 - D(fake)), with D = sigmoid(logit): Goodfellow et al. 2014, equation 1 (negated)."""
    return F.softplus(-real) + F.softplus(fake)


def smoothed_cross_entropy(real: Tensor, fake: Tensor, target: float) -> Tensor:
    """Cross-entropy where real images are to be called real with probability `target`: Salimans et al. 2016, section 3.4."""
    return F.softplus(-real) + (1 - target) * real + F.softplus(fake)


def minimax_generator(real: Tensor, fake: Tensor) -> Tensor:
    """log(1 - D(fake)): Goodfellow et al. 2014, equation 1. It saturates: no slope where D is sure of a fake."""
    return -F.softplus(fake)


def nonsaturating_generator(real: Tensor, fake: Tensor) -> Tensor:
    """-log D(fake): Goodfellow et al. 2014, section 3, the heuristic that keeps its slope where D is sure."""
    return F.softplus(-fake)


def least_squares_discriminator(real: Tensor, fake: Tensor, target: float = 1.0) -> Tensor:
    """((real - target)^2 + fake^2) / 2: Mao et al. 2017 (LSGAN), equation 2 with a = 0, b = `target`."""
    return ((real - target).square() + fake.square()) / 2


def least_squares_generator(real: Tensor, fake: Tensor) -> Tensor:
    """(fake - 1)^2 / 2: Mao et al. 2017, equation 2 with c = 1."""
    return (fake - 1).square() / 2


def hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """max(0, 1 - real) + max(0, 1 + fake): Lim & Ye 2017; Miyato et al. 2018, equation 17."""
    return F.relu(1 - real) + F.relu(1 + fake)


def wasserstein_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """fake - real: Arjovsky et al. 2017, equation 2 (negated). The slope of D must be bounded by a penalty."""
    return fake - real


def linear_generator(real: Tensor, fake: Tensor) -> Tensor:
    """-fake: the generator's side of both the hinge and the Wasserstein objective."""
    return -fake


def relativistic_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """-log sigmoid(real - fake), sample by sample: Jolicoeur-Martineau 2019; Huang et al. 2024 (R3GAN), equation 2."""
    return F.softplus(fake - real)


def relativistic_generator(real: Tensor, fake: Tensor) -> Tensor:
    """-log sigmoid(fake - real): the same with the sides exchanged."""
    return F.softplus(real - fake)


@dataclass(frozen=True)
class Objective:
    """An objective: both sides' losses, what they come to at the equilibrium, and where a judgement turns.

    discriminator_equilibrium, generator_equilibrium: the losses where P(X) is captured and D knows no more than that.
    generator_equilibrium is None where any value is possible, since only differences of logits matter.
    border: the logit of a discriminator that cannot tell; above it a sample is judged real. None where one logit alone
    means nothing. relative: does the generator's loss see the real logits?
    discriminator_best: the lowest value of D's loss, or its limit, where it tells reals and fakes apart perfectly.
    """

    discriminator: Loss
    generator: Loss
    discriminator_equilibrium: float
    generator_equilibrium: float | None
    border: float | None = 0.0
    relative: bool = False
    discriminator_best: float = 0.0


OBJECTIVES = {
    "minimax": Objective(cross_entropy, minimax_generator, math.log(4), -math.log(2)),
    "nonsaturating": Objective(cross_entropy, nonsaturating_generator, math.log(4), math.log(2)),
    "leastsquares": Objective(least_squares_discriminator, least_squares_generator, 0.25, 0.125, border=0.5),
    "hinge": Objective(hinge_discriminator, linear_generator, 2.0, None),
    "wasserstein": Objective(
        wasserstein_discriminator, linear_generator, 0.0, None, border=None, discriminator_best=-math.inf
    ),
    "relativistic": Objective(
        relativistic_discriminator, relativistic_generator, math.log(2), math.log(2), border=None, relative=True
    ),
}
SMOOTHABLE = ("minimax", "nonsaturating", "leastsquares")  # those in which real images have a target


def rules_of(name: str, smoothing: float = 0.0) -> Objective:
    """An objective of the table, with one-sided label smoothing: real images are to be called real with 1 - `smoothing`.

    smoothing: in [0, 1). At the equilibrium D then says (1 - smoothing) / 2 instead of 1/2: 0.45 for 0.1 (Goodfellow 2016,
    "Tutorial", section 4.2), and the losses and the border move with it. The best that cross-entropy can then come to is the
    entropy of the label, in nats: more sure of a real image than the target is worse again. Raises ValueError for an
    objective without target.
    """
    if smoothing == 0:
        return OBJECTIVES[name]
    if name not in SMOOTHABLE:
        raise ValueError(f"{name} has no label to smooth; it works with {', '.join(SMOOTHABLE)}")
    target = 1 - smoothing
    even = target / 2  # what D says of everything at the equilibrium
    if name == "leastsquares":
        loss = partial(least_squares_discriminator, target=target)
        return Objective(loss, least_squares_generator, target**2 / 4, (even - 1) ** 2 / 2, border=even)
    draw = -target * math.log(even) - (2 - target) * math.log(1 - even)
    best = -target * math.log(target) - smoothing * math.log(smoothing)
    generator = math.log(1 - even) if name == "minimax" else -math.log(even)
    border = math.log(even / (1 - even))
    loss = partial(smoothed_cross_entropy, target=target)
    return Objective(loss, OBJECTIVES[name].generator, draw, generator, border=border, discriminator_best=best)


def threshold(rules: Objective, real: Tensor, fake: Tensor) -> Tensor:
    """The logit above which a sample is judged real; midway between the two means where one logit means nothing."""
    return (real.mean() + fake.mean()) / 2 if rules.border is None else torch.full((), rules.border)


def gradient_penalty(logits: Tensor, inputs: Tensor) -> Tensor:
    """|d logit / d input|^2 / 2 for each logit, [b]: R1 at real inputs, R2 at fake ones (Mescheder et al. 2018, eq. 9).

    inputs: [b, *shape], or [b * k, *shape] where each logit judges k of them at once.
    Differentiable, so that it can be part of a loss. Every logit must depend on its own sample alone, or nearly so
    (batch normalization and minibatch statistics mix samples; the sum over the batch is taken all the same).
    """
    (gradient,) = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
    return gradient.square().reshape(len(logits), -1).sum(1) / 2


def slope_penalty(logits: Tensor, inputs: Tensor) -> Tensor:
    """(|d logit / d input| - 1)^2 for each logit, [b]: Gulrajani et al. 2017 (WGAN-GP), equation 3.

    inputs: points on the lines between real and fake samples, see `between`, [b * k, *shape] where each logit judges k of
    them at once. Differentiable.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
    squares = gradient.square().reshape(len(logits), -1).sum(1)
    return ((squares + 1e-12).sqrt() - 1).square()  # the root's own slope is infinite at 0


def between(real: Tensor, fake: Tensor) -> Tensor:
    """A point on the line between each real and each fake sample, uniformly: Gulrajani et al. 2017, algorithm 1, line 6."""
    mix = torch.rand(len(real), *(1,) * (real.ndim - 1), device=real.device)
    return torch.lerp(real, fake, mix)


def lecam(real: Tensor, fake: Tensor, anchors: Tensor) -> Tensor:
    """(real - anchor of the fakes)^2 + (fake - anchor of the reals)^2, [b]: Tseng et al. 2021 (LeCam), equation 4.

    anchors: [2], moving averages of the discriminator's mean logits for real and for fake images.
    """
    return (real - anchors[1]).square() + (fake - anchors[0]).square()


def entropy(members: Tensor) -> Tensor:
    """The log distance of each of a batch's members to its nearest neighbour, [b], root mean square over its numbers.

    Its mean, times the number of dimensions, estimates the entropy of the generator in nats but for a constant (Kozachenko &
    Leonenko 1987): large where everything differs, very negative where all is the same. Differentiable.
    members: [b, *shape], b >= 2.
    """
    flat = members.flatten(1)
    with torch.no_grad():
        squares = torch.cdist(flat, flat).fill_diagonal_(math.inf)
        nearest = squares.argmin(1)
    return ((flat - flat[nearest]).square().mean(1) + 1e-12).log() / 2

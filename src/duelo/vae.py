"""The rival: a variational autoencoder (Kingma & Welling 2014) that learns as a game does: rounds, average, checkpoints.

Nobody competes here. An encoder says which latents a member may have come from, q(z | x); a decoder makes it again,
p(x | z); both ascend the evidence lower bound. In a second stage (Dai & Wipf 2019, "Diagnosing and enhancing VAE models")
another small VAE learns what latents the first one really uses, since these are not the normal numbers that it was promised.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from duelo.balance import Balance
from duelo.data import Part
from duelo.dist import rank, world
from duelo.learner import Learner, Round, crossed, randomness
from duelo.networks import Pair
from duelo.networks.blocks import apply
from duelo.networks.vae import Decoder, Encoder

FORGET = 0.1  # of the measured variance, a round
LOOKED_AT = 512  # members at a look of the referee
WARM_UP = 300  # rounds in which the divergence comes to its full weight


@dataclass(frozen=True)
class Bound:
    """The negative evidence lower bound and its two parts, in nats, one value a sample [b].

    reconstruction: -log p(x | z), a density in the networks' own numbers, so it may be negative. divergence: of q(z | x)
    from N(0, 1), at least 0.
    """

    reconstruction: Tensor
    divergence: Tensor

    @property
    def loss(self) -> Tensor:
        """The whole: -log p(x) is at most this, on average: Kingma & Welling 2014, equation 3 (negated)."""
        return self.reconstruction + self.divergence


@dataclass(frozen=True)
class VaeTick(Round):
    """One round; all tensors detached, one value a sample [b], in nats. There is no duel.

    bound: of the members. second: of the latents, in the second stage; None without one.
    deviation: the decoder's standard deviation, in the networks' numbers [].
    referee_loss: the negative bound on members that nobody learns from [n], where the referee looked; else None.
    """

    bound: Bound
    second: Bound | None
    deviation: Tensor
    referee_loss: Tensor | None

    def figures(self) -> dict[str, Tensor]:
        """What the round showed, by name: losses and their parts, the decoder's deviation, and what the referee saw."""
        figures = {
            "loss": self.bound.loss,
            "reconstruction": self.bound.reconstruction,
            "divergence": self.bound.divergence,
            "deviation": self.deviation,
        }
        if self.second is not None:
            figures["second_loss"] = self.second.loss
            figures["second_reconstruction"] = self.second.reconstruction
            figures["second_divergence"] = self.second.divergence
        if self.referee_loss is not None:
            figures["referee_loss"] = self.referee_loss
        return figures


class Vae(Learner):
    """A variational autoencoder, and all that changes while it learns.

    pair: a decoder in the generator's place, an encoder in the discriminator's: see `duelo.networks.vae`.
    batch: images a round. generator_rate, discriminator_rate: Adam's learning rates of the two; betas: its two decays.
    ema_kimg: half-life of the decoder's moving average, in thousands of images.
    Raises ValueError if the pair is of another kind.
    """

    def __init__(
        self,
        pair: Pair,
        *,
        batch: int = 64,
        generator_rate: float = 2e-3,
        discriminator_rate: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        ema_kimg: float = 10.0,
    ) -> None:
        if not isinstance(pair.generator, Decoder) or not isinstance(pair.discriminator, Encoder):
            raise ValueError("a VAE learns with a decoder and an encoder: choose the pair `vae`")
        self.decoder, self.encoder = pair.generator, pair.discriminator
        rates = {"generator": generator_rate, "discriminator": discriminator_rate}
        super().__init__(pair, batch, rates, betas, ema_kimg)

    def rounds(self, train: Part, seed: int, balance: Balance, referee: Part, look_kimg: float) -> Iterator[VaeTick]:
        """Learn for ever, a batch a round; every `look_kimg` thousand images it is looked how it does on the referee part.

        Of the controls, only the rates mean something here. Each round's randomness is a function of (seed, rank, nimg).
        """
        self.decoder.train()
        self.encoder.train()
        while True:
            controls = balance(self.nimg)
            self.set_rates(controls)
            start = self.nimg
            with randomness(seed, rank(), start, self.device):
                members, labels = self.next_batch(train, seed)
                bound, second = self.learn(members, labels, min(1.0, start / (WARM_UP * self.batch * world())))
                self.follow()
                unseen = self.look(referee) if crossed(start, self.nimg, look_kimg) else None
            yield VaeTick(self.nimg, controls, None, bound, second, self.decoder.variance.sqrt(), unseen)

    def learn(self, members: Tensor, labels: Tensor | None, weight: float = 1.0) -> tuple[Bound, Bound | None]:
        """One step of both networks, and of the second stage on the latents that the first one drew. members: [b, *shape].

        weight: of the divergence, in [0, 1]. It begins with 0 (Bowman et al. 2016, section 3.1): where no direction of the
        data stands out, as in a ring, saying nothing through the latents is otherwise a trap that nothing leaves.
        """
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        low, high = self.pair.pixel_range or (0.0, 0.0)
        grain = ((high - low) / 255) ** 2 / 12  # the variance of rounding to bytes: nobody can know a pixel better
        bound, latents, price = evidence(self.decoder, self.encoder, members, labels, grain)
        (bound.reconstruction + weight * price).mean().backward()
        second = None
        if self.decoder.second is not None and self.encoder.second is not None:
            second, _, price = evidence(self.decoder.second, self.encoder.second, latents.detach(), labels, 0.0)
            (second.reconstruction + weight * price).mean().backward()
        for optimizer in self.optimizers.values():
            optimizer.step()
        return detached(bound), None if second is None else detached(second)

    @torch.no_grad()
    def look(self, referee: Part) -> Tensor:
        """The negative bound [n] of members that nobody learns from, in nats; nothing changes."""
        self.decoder.eval()
        self.encoder.eval()
        members, labels = self.fetch(referee, torch.arange(min(LOOKED_AT, len(referee))))
        bound, *_ = evidence(self.decoder, self.encoder, members, labels)
        self.decoder.train()
        self.encoder.train()
        return bound.loss


def evidence(
    decoder: Decoder, encoder: Encoder, members: Tensor, labels: Tensor | None, smallest: float | None = None
) -> tuple[Bound, Tensor, Tensor]:
    """The negative evidence lower bound of `members` [b, *shape], with a draw of latents each; these [b, latent]; the price.

    smallest: if given, the decoder's variance is measured here, but never as less than this. The best variance is the mean
    squared error itself (Rybkin et al. 2021, sigma-VAE, equation 5), here a moving average of it: it then need not be
    learnt, which takes thousands of steps, and a single number stands for the model when other members are looked at.
    price: the divergence [b] of the latents before they were made standard. It is what is to be descended: on average it is
    the true one and, besides, how far all of them together are from N(0, 1), which keeps them from drifting away.
    """
    raw = encoder.raw(members, labels)
    means, log_variances = encoder.standard(raw, labels).chunk(2, 1)
    latents = means + (log_variances / 2).exp() * torch.randn_like(means)
    made = apply(decoder.mean, latents, labels)
    squares = (members - made).square().flatten(1)
    if smallest is not None:
        measure(decoder.variance, squares, smallest)
    bound = Bound(reconstruction(squares, decoder.variance), divergence(means, log_variances))
    return bound, latents, divergence(*raw.chunk(2, 1))


@torch.no_grad()
def measure(variance: Tensor, squares: Tensor, smallest: float) -> None:
    """Let the variance [] follow the mean of the squared errors [b, d]."""
    variance.lerp_(squares.mean(), FORGET).clamp_(min=max(smallest, 1e-10))


def reconstruction(squares: Tensor, variance: Tensor) -> Tensor:
    """-log N(x; mean, variance), [b], in nats. squares: (x - mean)^2, [b, d]; variance: []."""
    return (squares / variance + (2 * math.pi * variance).log()).sum(1) / 2


def divergence(means: Tensor, log_variances: Tensor) -> Tensor:
    """KL(N(means, variances) || N(0, 1)), [b], in nats: Kingma & Welling 2014, appendix B (negated). Both: [b, latent]."""
    return (means.square() + log_variances.exp() - 1 - log_variances).sum(1) / 2


def detached(bound: Bound) -> Bound:
    """The same numbers without their history."""
    return Bound(bound.reconstruction.detach(), bound.divergence.detach())

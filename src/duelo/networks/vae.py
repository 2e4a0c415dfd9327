"""`vae`: a decoder and an encoder, the networks of a variational autoencoder (Kingma & Welling 2014), in one stage or two.

The decoder is the generator of `convolutional` (for points, of `toy`), the encoder its discriminator with another end, so
that a GAN and its rival differ in how they learn and not in what they are made of.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from duelo.networks.blocks import apply, initialize
from duelo.networks.convolutional import convolutional, discriminator
from duelo.networks.pair import Pair
from duelo.networks.toy import perceptron, toy

HIDDEN = 256  # units of the layers of the second stage
FORGET = 0.1  # of a moving average, a round


class Decoder(nn.Module):
    """What is made of latents z: p(x | z) = N(mean(z), variance), one variance for all numbers of all members.

    mean: a network, latents [b, latent] (and labels [b]) -> means [b, *shape]. variance: [] float32, in the square of the
    networks' numbers; it is measured, not descended: see `duelo.vae`. second: the decoder of a second stage, whose members
    are the latents of this one (Dai & Wipf 2019, section 4), or None.
    """

    variance: Tensor

    def __init__(self, mean: nn.Module, second: Decoder | None = None) -> None:
        super().__init__()
        self.mean, self.second = mean, second
        self.register_buffer("variance", torch.ones(()))

    def forward(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        """Members [b, *shape] of normal numbers: [b, latent], or with a second stage [b, 2 * latent].

        The second half of these is the noise of the second stage's p(z | u): without it the latents would be too regular.
        Of the first stage's p(x | z) the mean is shown, as everywhere, since its noise is nothing but grain.
        """
        if self.second is not None:
            codes, grain = noise.chunk(2, 1)
            noise = self.second(codes, labels) + self.second.variance.sqrt() * grain
        return apply(self.mean, noise, labels)


class Encoder(nn.Module):
    """What latents a member may have come from: q(z | x) = N(means, variances), with the second stage's encoder beside it.

    network: members [b, *shape] (and labels [b]) -> means and log variances, [b, 2 * latent].
    """

    def __init__(self, network: nn.Module, latent: int, classes: int = 0, second: Encoder | None = None) -> None:
        super().__init__()
        self.network, self.second = network, second
        self.standard = Standard(latent, classes)

    def forward(self, members: Tensor, labels: Tensor | None = None) -> Tensor:
        """members: [b, *shape] -> means and log variances, [b, 2 * latent]."""
        answers: Tensor = self.standard(self.raw(members, labels), labels)
        return answers

    def raw(self, members: Tensor, labels: Tensor | None = None) -> Tensor:
        """The same before it is made standard."""
        return apply(self.network, members, labels)


class Standard(nn.Module):
    """Moves and scales the latents so that over all members each has mean 0 and variance 1, as the prior promises.

    The decoder could undo any move and scale, so nothing but the divergence depends on them, and it alone takes hundreds of
    thousands of images to get them right, during which noise N(0, 1) is decoded into nothing known. They are measured
    instead, as moving averages: which is to fit the prior, where N(0, 1) is the same for all. With `classes` each class is
    moved by itself, so that its mean says nothing that the decoder is told anyway; they are scaled alike.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, latent: int, classes: int = 0) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(max(classes, 1), latent))
        self.register_buffer("variance", torch.ones(latent))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """x: means and log variances, [b, 2 * latent]; labels: [b] int64 -> the same of the moved latents."""
        means, log_variances = x.chunk(2, 1)
        if labels is None:
            labels = torch.zeros(len(x), dtype=torch.int64, device=x.device)
        if self.training:
            self.measure(means.detach(), log_variances.detach(), labels)
        return torch.cat([(means - self.mean[labels]) / self.variance.sqrt(), log_variances - self.variance.log()], 1)

    @torch.no_grad()
    def measure(self, means: Tensor, log_variances: Tensor, labels: Tensor) -> None:
        """Let the moving averages follow a batch: means and log variances [b, latent], labels [b]."""
        members = nn.functional.one_hot(labels, len(self.mean)).to(means)  # [b, classes]
        counts = members.sum(0)
        averages = members.T @ means / counts.clamp(min=1)[:, None]
        weights = 1 - (1 - FORGET) ** (counts * len(self.mean) / len(labels))  # FORGET for a class of the usual size
        self.mean.lerp_(averages, weights[:, None])
        moments = (means - self.mean[labels]).square() + log_variances.exp()
        self.variance.lerp_(moments.mean(0), FORGET)


class Labelled(nn.Module):
    """A network whose answers are moved by what is learnt of each class: [b, *shape], labels [b] -> [b, outputs]."""

    def __init__(self, network: nn.Module, classes: int, outputs: int) -> None:
        super().__init__()
        self.network = network
        self.embedding = nn.Embedding(classes, outputs)
        nn.init.zeros_(self.embedding.weight)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """x: [b, *shape], labels: [b] int64 -> [b, outputs]."""
        moved: Tensor = self.network(x) + self.embedding(labels)
        return moved


class Perceptron(nn.Module):
    """Three hidden layers of `width` ReLU; the last layer also sees the inputs (as in Dai & Wipf's own code).

    Vectors [b, inputs] (and labels [b], if there are `classes`) -> [b, outputs].
    """

    def __init__(self, inputs: int, outputs: int, width: int, classes: int = 0) -> None:
        super().__init__()
        self.classes = classes
        layers: list[nn.Module] = []
        for before in (inputs + classes, width, width):
            layers += [nn.Linear(before, width), nn.ReLU()]
        self.hidden = nn.Sequential(*layers)
        self.last = nn.Linear(width + inputs + classes, outputs)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """x: [b, inputs], labels: [b] int64 -> [b, outputs]."""
        if labels is not None:
            x = torch.cat([x, nn.functional.one_hot(labels, self.classes).to(x)], 1)
        answers: Tensor = self.last(torch.cat([self.hidden(x), x], 1))
        return answers


def vae(
    shape: tuple[int, ...],
    width: int = 32,
    latent: int = 16,
    *,
    classes: int = 0,
    deviation: bool | None = None,
    two_stage: bool = False,
) -> Pair:
    """Decoder and encoder for images (c, h, w) or points (d,); in the `Pair` they stand as generator and discriminator.

    width: channels next to the image (of points: units). latent: numbers in a code. two_stage: a second, small VAE learns
    what codes there are. deviation: of no meaning here; an encoder looks at each member for itself.
    """
    like = (convolutional if len(shape) == 3 else toy)(shape, width, latent, classes=classes)
    encoder: nn.Module = strided(shape, width, 2 * latent) if len(shape) == 3 else perceptron(shape[0], width, 2 * latent)
    if classes:
        encoder = Labelled(encoder, classes, 2 * latent)
    second: dict[str, Any] = {"decoder": None, "encoder": None}
    if two_stage:
        second["decoder"] = Decoder(Perceptron(latent, latent, HIDDEN, classes))
        second["encoder"] = Encoder(Perceptron(latent, 2 * latent, HIDDEN, classes), latent, classes)
    return Pair(
        Decoder(like.generator, second["decoder"]),
        Encoder(encoder, latent, classes, second["encoder"]),
        (2 * latent if two_stage else latent,),
        pixel_range=like.pixel_range,
        classes=classes,
    )


def strided(shape: tuple[int, ...], width: int, outputs: int) -> nn.Sequential:
    """The discriminator of `convolutional` with `outputs` numbers at its end: [b, c, h, w] -> [b, outputs]."""
    network = discriminator(shape, width, outputs, deviation=False)  # as it answers for so many classes
    initialize(network)
    return network

"""The settings of the two usual tutorials, written anew from what their pages describe, as a reader would run them.

`pytorch`: the DCGAN of PyTorch's examples: images of 64 x 64, five transposed convolutions of 4 x 4 from 100 normal numbers
(512, 256, 128, 64 channels), their mirror image as discriminator (leaky ReLU 0.2), batch normalization, no biases,
weights N(0, 0.02), those of the normalization N(1, 0.02); Adam 2e-4, beta1 0.5; batch 64; cross-entropy; the discriminator
learns from the real and then from the fake half of its batch, the generator from the same fakes. Digits are enlarged to
64 x 64 beforehand (bilinear). Samples are drawn in training mode, as the example draws its own.

`keras`: the DCGAN of TensorFlow's tutorial: 28 x 28; dense to 7 x 7 x 256, transposed convolutions of 5 x 5 (128 with
stride 1, 64 with 2, 1 with 2, tanh), batch normalization, leaky ReLU 0.3, no biases; discriminator: convolutions of 5 x 5
with stride 2 (64, 128), leaky ReLU 0.3, dropout 0.3, one dense unit; Adam 1e-4 with its usual betas; batch 256; Keras's own
first weights (Glorot uniform); both sides learn from one batch of fakes at once.

Neither averages its generator's weights, and neither is told when to stop.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam
from torch.utils.data import DataLoader, TensorDataset

WORKERS = {"cpu": 0, "cuda": 2}  # the DataLoader's: with two cores, processes of its own only take them from the training


@dataclass(frozen=True)
class Tutorial:
    """Networks and how they are trained. side: of the images. together: both sides learn from one batch, as in Keras.

    settled: samples are drawn in evaluation mode, as in Keras; else in training mode, in batches of the training's size,
    each normalized by itself, as PyTorch's example draws them.
    """

    generator: nn.Module
    discriminator: nn.Module
    side: int
    batch: int
    rate: float
    betas: tuple[float, float]
    latent: tuple[int, ...]
    together: bool
    settled: bool = True


def pytorch(channels: int = 1) -> Tutorial:
    """See above."""
    widths = (512, 256, 128, 64)
    generator = nn.Sequential(nn.ConvTranspose2d(100, widths[0], 4, 1, 0, bias=False))
    for before, after in zip(widths, (*widths[1:], channels), strict=True):
        generator.extend([nn.BatchNorm2d(before), nn.ReLU(), nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)])
    generator.append(nn.Tanh())
    discriminator = nn.Sequential(nn.Conv2d(channels, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2))
    for before, after in zip((64, 128, 256), (128, 256, 512), strict=True):
        discriminator.extend([nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)])
    discriminator.extend([nn.Conv2d(512, 1, 4, 1, 0, bias=False), nn.Flatten(0)])
    for module in [*generator.modules(), *discriminator.modules()]:
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
    return Tutorial(generator, discriminator, 64, 64, 2e-4, (0.5, 0.999), (100, 1, 1), together=False, settled=False)


def keras() -> Tutorial:
    """See above."""
    generator = nn.Sequential(nn.Linear(100, 7 * 7 * 256, bias=False), nn.BatchNorm1d(7 * 7 * 256, 1e-3, 0.01))
    generator.extend([nn.LeakyReLU(0.3), nn.Unflatten(1, (256, 7, 7))])
    for before, after, stride in ((256, 128, 1), (128, 64, 2)):
        generator.append(nn.ConvTranspose2d(before, after, 5, stride, 2, stride - 1, bias=False))
        generator.extend([nn.BatchNorm2d(after, 1e-3, 0.01), nn.LeakyReLU(0.3)])
    generator.extend([nn.ConvTranspose2d(64, 1, 5, 2, 2, 1, bias=False), nn.Tanh()])
    discriminator = nn.Sequential(
        nn.Conv2d(1, 64, 5, 2, 2),
        nn.LeakyReLU(0.3),
        nn.Dropout(0.3),
        nn.Conv2d(64, 128, 5, 2, 2),
        nn.LeakyReLU(0.3),
        nn.Dropout(0.3),
        nn.Flatten(),
        nn.Linear(128 * 7 * 7, 1),
        nn.Flatten(0),
    )
    for module in [*generator.modules(), *discriminator.modules()]:
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return Tutorial(generator, discriminator, 28, 256, 1e-4, (0.9, 0.999), (100,), together=True, settled=True)


TUTORIALS = {"pytorch": pytorch, "keras": keras}


def enlarged(images: Tensor, side: int) -> Tensor:
    """Images [n, 1, 28, 28] uint8 at side x side, bilinear, rounded to uint8."""
    if images.shape[-1] == side:
        return images
    sized = (F.interpolate(some.float(), size=(side, side), mode="bilinear", antialias=True) for some in images.split(1000))
    return torch.cat([some.round().clamp(0, 255).byte() for some in sized])


def loop(tutorial: Tutorial, images: Tensor, device: str = "cpu") -> Iterator[int]:
    """Train for ever as the tutorial does, eagerly; yields how many real images were seen, after each batch.

    images: [n, c, side, side] uint8.
    """
    generator, discriminator = tutorial.generator.to(device), tutorial.discriminator.to(device)
    optimizers = [Adam(x.parameters(), tutorial.rate, tutorial.betas) for x in (discriminator, generator)]
    loader = DataLoader(
        TensorDataset(images.float() / 127.5 - 1),
        tutorial.batch,
        shuffle=True,
        drop_last=True,
        num_workers=WORKERS[device],
        pin_memory=device == "cuda",
    )
    seen = 0
    while True:
        for (reals,) in loader:
            reals = reals.to(device)
            if tutorial.together:
                together(tutorial, reals, optimizers)
            else:
                in_turn(tutorial, reals, optimizers)
            seen += len(reals)
            yield seen


def in_turn(tutorial: Tutorial, reals: Tensor, optimizers: list[Adam]) -> None:
    """The discriminator's step, from the real half and the fake half; then the generator's."""
    generator, discriminator = tutorial.generator, tutorial.discriminator
    discriminator.zero_grad()
    F.softplus(-discriminator(reals)).mean().backward()
    fakes = generator(torch.randn(len(reals), *tutorial.latent, device=reals.device))
    F.softplus(discriminator(fakes.detach())).mean().backward()
    optimizers[0].step()
    generator.zero_grad()
    F.softplus(-discriminator(fakes)).mean().backward()
    optimizers[1].step()


def together(tutorial: Tutorial, reals: Tensor, optimizers: list[Adam]) -> None:
    """Both losses from the same batch, then both steps."""
    generator, discriminator = tutorial.generator, tutorial.discriminator
    fakes = generator(torch.randn(len(reals), *tutorial.latent, device=reals.device))
    real_logits, fake_logits = discriminator(reals), discriminator(fakes)
    weights = [list(network.parameters()) for network in (discriminator, generator)]
    losses = (F.softplus(-real_logits) + F.softplus(fake_logits)).mean(), F.softplus(-fake_logits).mean()
    gradients = [torch.autograd.grad(loss, some, retain_graph=True) for loss, some in zip(losses, weights, strict=True)]
    for some, values, optimizer in zip(weights, gradients, optimizers, strict=True):
        for weight, value in zip(some, values, strict=True):
            weight.grad = value
        optimizer.step()


@torch.no_grad()
def imitations(tutorial: Tutorial, n: int, seed: int) -> Tensor:
    """`n` images of a copy of a tutorial, drawn as it does (its running averages may move): [n, 1, 28, 28] uint8."""
    generator, chance = tutorial.generator.train(not tutorial.settled), torch.Generator().manual_seed(seed)
    made = []
    for _ in range(0, n, tutorial.batch):
        images = generator(torch.randn(tutorial.batch, *tutorial.latent, generator=chance))
        made.append((127.5 * (images + 1)).round().clamp(0, 255).byte())
    return enlarged(torch.cat(made)[:n], 28)

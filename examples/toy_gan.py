"""A whole GAN in one file, torch only: eight Gaussians on a ring, two small networks, cross-entropy.

    python examples/toy_gan.py

It is the same game, number for number, that `duelo train ring` plays (a test compares the losses), written as plainly as it
can be. Read it from bottom to top.
"""

import math
import sys
import zlib

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SEED = 0
BATCH = 256  # points in each turn
RATE = 3e-3  # Adam's learning rate, until it is lowered
PENALTY = 0.1  # weight of the gradient penalties
NOISE = 2  # numbers that the generator starts from
WIDTH = 128  # units in each hidden layer
POINTS = 1_000_000  # size of the training set


def ring(n: int, randomness: torch.Generator) -> Tensor:
    """n points from eight Gaussians (sigma 0.01) on a circle of radius 1: the set X, [n, 2]."""
    angles = torch.arange(8) * (2 * math.pi / 8)
    means = torch.stack([angles.cos(), angles.sin()], 1)
    modes = torch.randint(8, (n,), generator=randomness)
    return means[modes] + 0.01 * torch.randn(n, 2, generator=randomness)


def make_generator() -> nn.Module:
    """Noise [b, NOISE] -> imitations [b, 2]."""
    return nn.Sequential(nn.Linear(NOISE, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 2))


def make_discriminator() -> nn.Module:
    """Points [b, 2] -> logits [b]: positive means "real"."""
    leaky = nn.LeakyReLU(0.2)
    return nn.Sequential(nn.Linear(2, WIDTH), leaky, nn.Linear(WIDTH, WIDTH), leaky, nn.Linear(WIDTH, 1), nn.Flatten(0))


def next_points(points: Tensor, seen: int) -> Tensor:
    """The batch that starts at point number `seen` of an endless reading, shuffled anew in each pass."""
    turn, start = divmod(seen, len(points))
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(SEED * 1_000_003 + turn))
    if start + BATCH > len(points):  # the batch goes on in the next pass
        later = torch.randperm(len(points), generator=torch.Generator().manual_seed(SEED * 1_000_003 + turn + 1))
        order = torch.cat([order, later])
    return points[order[start : start + BATCH]]


def discriminator_turn(generator: nn.Module, discriminator: nn.Module, optimizer: torch.optim.Adam, reals: Tensor) -> Tensor:
    """(1) The discriminator learns to say "real" (1) to points of X and "fake" (0) to imitations: cross-entropy."""
    with torch.no_grad():
        fakes = generator(torch.randn(BATCH, NOISE))
    reals.requires_grad_()
    fakes.requires_grad_()
    real_logits, fake_logits = discriminator(reals), discriminator(fakes)
    losses = F.softplus(-real_logits) + F.softplus(fake_logits)  # -log D(real) - log(1 - D(fake))
    penalty = PENALTY * steepness(real_logits, reals) + PENALTY * steepness(fake_logits, fakes)
    step(optimizer, losses + penalty)
    return losses.detach().mean()


def steepness(logits: Tensor, points: Tensor) -> Tensor:
    """Half the squared slope of the discriminator at each point, [b]: one that is too steep has become too expert."""
    (slope,) = torch.autograd.grad(logits.sum(), points, create_graph=True)
    return slope.square().sum(1) / 2


def generator_turn(generator: nn.Module, discriminator: nn.Module, optimizer: torch.optim.Adam) -> Tensor:
    """(2) The generator learns to make the discriminator say "real" to its imitations."""
    losses = F.softplus(-discriminator(generator(torch.randn(BATCH, NOISE))))  # -log D(fake)
    step(optimizer, losses)
    return losses.detach().mean()


def step(optimizer: torch.optim.Adam, losses: Tensor) -> None:
    """One step down the mean of the losses, for the networks of this optimizer only."""
    optimizer.zero_grad()
    losses.mean().backward()
    optimizer.step()


def factor(progress: float) -> float:
    """The rates stay for a fifth of the game, then fall in a line to a tenth."""
    return 0.1 + (1 - 0.1) * min((1 - progress) / 0.8, 1)


def play(rounds: int) -> tuple[nn.Module, list[tuple[float, float]]]:
    """The duel: in each round first the discriminator, then the generator. The generator, and both losses by round."""
    points = ring(POINTS, torch.Generator().manual_seed(0))
    torch.manual_seed(SEED)
    generator, discriminator = make_generator(), make_discriminator()
    adams = [torch.optim.Adam(net.parameters(), RATE, betas=(0.0, 0.9), fused=True) for net in (generator, discriminator)]
    losses = []
    for number in range(rounds):
        seen = number * BATCH
        torch.manual_seed(zlib.crc32(f"{SEED}/0/{seen}".encode()))  # each round's chance, known from its number alone
        for adam in adams:
            adam.param_groups[0]["lr"] = RATE * factor(number / rounds)
        reals = next_points(points, seen)
        d_loss = discriminator_turn(generator, discriminator, adams[1], reals)
        g_loss = generator_turn(generator, discriminator, adams[0])
        losses.append((d_loss.item(), g_loss.item()))
        if number % 400 == 0:
            print(f"round {number:5d}   loss of D {d_loss:.3f} (draw: 1.386)   loss of G {g_loss:.3f} (draw: 0.693)")
    return generator, losses


def picture(points: Tensor, side: int = 33) -> str:
    """The points as text, in the square [-1.5, 1.5]^2."""
    counts = torch.histogramdd(points, bins=[side // 2, side], range=[-1.5, 1.5, -1.5, 1.5]).hist
    return "\n".join("".join(" .:*#"[min(4, int(count))] for count in row) for row in counts)


if __name__ == "__main__":
    trained, _ = play(int(sys.argv[1]) if len(sys.argv) > 1 else 6000)
    with torch.no_grad():
        print(picture(trained(torch.randn(500, NOISE))))

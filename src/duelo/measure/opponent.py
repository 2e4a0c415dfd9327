"""Is the discriminator right half the time? Asked of a fresh one: trained from nothing, tested on what it never saw.

The discriminator of the game itself proves nothing: it may be weak, or tired of a generator that moves. A classifier
two-sample test (Lopez-Paz & Oquab 2017, section 3) trains a new one on half of the samples and counts its hits on the other.
Were the generator's distribution the real one, no classifier could be right more often than chance.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import AdamW

from duelo.data.augment import augment
from duelo.data.pixels import to_bytes, to_floats
from duelo.intervals import wilson
from duelo.measure.estimate import Estimate
from duelo.networks import PAIRS

WIDTHS = {"small": 8, "medium": 24, "large": 64}  # of the opponents for images
POINT_WIDTHS = {"small": 16, "medium": 64, "large": 256}
RATE, DECAY, BATCH = 4e-3, 1e-2, 64
WARM = 0.1  # the rate rises over this share of the training, then falls in a cosine to 0
LENGTH_KIMG = 60.0  # real members seen in training, and as many generated ones
AVERAGED = 0.1  # the weights are averaged over about this share of the rounds so far
STOPS = 6  # the points of the curve; the best one by the members kept for that is the opponent
KEPT = 0.1  # share of the training half that chooses it
SHOWN = 64  # how many members that look most generated, and least, are named
RANGE = (-1.0, 1.0)
Z = 1.96  # standard errors to either side in an interval of 95 %


@dataclass(frozen=True)
class Opponent:
    """A fresh discriminator of one size, and how often it was right.

    parameters: their number. accuracy: on the test half, real and generated in equal number; auc: the chance that a
    generated member gets a lower logit than a real one. curve: kimg seen, and the accuracy on the members kept for choosing
    and on the test half. chosen_kimg: the point of the curve that was taken, by the former members' loss. worst, best:
    indices into the generated members, of those that were tested, from the most obviously generated down, and from the most
    real-looking. real_logits, fake_logits: on the test half.
    """

    size: str
    parameters: int
    accuracy: Estimate
    auc: Estimate
    curve: tuple[tuple[float, float, float], ...]
    chosen_kimg: float
    worst: tuple[int, ...]
    best: tuple[int, ...]
    real_logits: Tensor
    fake_logits: Tensor


def fresh_opponents(
    heldout: Tensor,
    generated: Tensor,
    train: Tensor | None = None,
    seed: int = 0,
    length_kimg: float = LENGTH_KIMG,
    sizes: tuple[str, ...] = ("small", "medium", "large"),
) -> list[Opponent]:
    """Fresh opponents of three sizes against `generated` [n, *shape], by `heldout` [m, *shape], as many of each.

    Of heldout and train, drawn at random already, the first are taken; of generated, which may be sorted, some at random.

    Images uint8 in 0..255 (floats are rounded to them first, or their fine values would give them away), or points float32.
    train: as many real members as heldout, for the floor: the same test of real against real, 50 % but for chance.
    length_kimg: real members seen, in thousands. A function of `seed`. Raises ValueError for fewer than 20 of each.
    """
    n = min(len(heldout), len(generated), len(heldout) if train is None else len(train))
    if n < 20:
        raise ValueError(f"a fresh opponent needs at least 20 members of each kind, and there are {n}")
    heldout, generated = quantized(heldout[:n]), quantized(generated)
    opponents = []
    for size in sizes:
        floor = math.nan if train is None else meet(heldout, quantized(train[:n]), size, seed, length_kimg).accuracy.value
        found = meet(heldout, generated, size, seed, length_kimg, floor)
        opponents.append(found)
    return opponents


def meet(
    real: Tensor, generated: Tensor, size: str, seed: int = 0, length_kimg: float = LENGTH_KIMG, floor: float = math.nan
) -> Opponent:
    """One fresh opponent: trained on half of `real` [n, *shape] and of n of `generated`, tested on the other half."""
    n = len(real)
    randomness = torch.Generator().manual_seed(seed)
    real_order, fake_order = (torch.randperm(len(some), generator=randomness)[:n] for some in (real, generated))
    kept, half = max(1, int(KEPT * n / 2)), n // 2
    parts = [(real[real_order[cut]], generated[fake_order[cut]]) for cut in (slice(kept, half), slice(kept), slice(half, n))]
    curve: list[tuple[float, float, float]] = []
    lowest = math.inf
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = discriminator(tuple(real.shape[1:]), size)
        for kimg in training(network, *parts[0], length_kimg):
            choosing, testing = ([logits(network, members) for members in part] for part in parts[1:])
            curve.append((kimg, right(*choosing), right(*testing)))
            loss = float((F.softplus(-choosing[0]) + F.softplus(choosing[1])).mean())
            if loss <= lowest:
                lowest, chosen, (real_logits, fake_logits) = loss, kimg, testing
    order = fake_logits.argsort()
    places = fake_order[half:][order].tolist()
    return Opponent(
        size,
        sum(parameter.numel() for parameter in network.parameters()),
        accuracy(real_logits, fake_logits, floor),
        auc(real_logits, fake_logits),
        tuple(curve),
        chosen,
        tuple(places[:SHOWN]),
        tuple(places[::-1][:SHOWN]),
        real_logits,
        fake_logits,
    )


def discriminator(shape: tuple[int, ...], size: str) -> nn.Module:
    """A new opponent of a size in `WIDTHS`, which judges each member alone."""
    if len(shape) == 1:
        return PAIRS["islands"](shape, POINT_WIDTHS[size]).discriminator
    return PAIRS["upsampling"](shape, WIDTHS[size], deviation=False).discriminator


def training(network: nn.Module, real: Tensor, generated: Tensor, length_kimg: float) -> Iterator[float]:
    """Train `network` by cross-entropy; it is handed over, averaged, at `STOPS` times: the kimg seen."""
    n, rounds = len(real), max(STOPS, round(1000 * length_kimg / BATCH))
    learning = copy.deepcopy(network)
    learning.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = AdamW(learning.parameters(), RATE, (0.9, 0.99), weight_decay=DECAY, fused=True)
    followed: list[Tensor] = list(network.requires_grad_(False).parameters())
    learnt: list[Tensor] = list(learning.parameters())
    for number in range(rounds):
        done = number / rounds
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(done / WARM + 1e-3, (1 + math.cos(math.pi * done)) / 2)
        members = torch.cat([part[torch.randint(n, (min(BATCH, n),))] for part in (real, generated)])
        members = to_floats(members, RANGE)
        if members.ndim == 4:
            members = augment(members, 0.5, ("translate",), RANGE).contiguous(memory_format=torch.channels_last)
        real_logits, fake_logits = learning(members).chunk(2)
        optimizer.zero_grad()
        (F.softplus(-real_logits) + F.softplus(fake_logits)).mean().backward()
        optimizer.step()
        torch._foreach_lerp_(followed, learnt, 1 / (1 + AVERAGED * number))
        if (number + 1) * STOPS // rounds > number * STOPS // rounds:
            yield (number + 1) * BATCH / 1000


@torch.no_grad()
def logits(network: nn.Module, members: Tensor, chunk: int = 500) -> Tensor:
    """The network's logits for uint8 images or float32 points [n, *shape]: [n]."""
    return torch.cat([network(to_floats(part, RANGE)) for part in members.split(chunk)])


def right(real_logits: Tensor, fake_logits: Tensor) -> float:
    """The share of right answers, at logit 0."""
    return float(((real_logits > 0).double().mean() + (fake_logits <= 0).double().mean()) / 2)


def accuracy(real_logits: Tensor, fake_logits: Tensor, floor: float = math.nan) -> Estimate:
    """The share of right answers [n] and [n], with Wilson's interval (Wilson 1927) for 2 n independent answers."""
    n, share = len(real_logits) + len(fake_logits), right(real_logits, fake_logits)
    return Estimate(share, *wilson(share, n, Z), floor, n)


def auc(real_logits: Tensor, fake_logits: Tensor) -> Estimate:
    """The area under the ROC curve, with the interval of Hanley & McNeil 1982 (equation 2); ties count half. Floor 1/2."""
    n, m = len(real_logits), len(fake_logits)
    both, places = torch.cat([real_logits, fake_logits]).double().unique(return_inverse=True)
    counts = places.bincount(minlength=len(both)).double()
    ranks = counts.cumsum(0) - (counts - 1) / 2  # the middle of each tie
    area = float((ranks[places[:n]].sum() - n * (n + 1) / 2) / (n * m))
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    variance = (area * (1 - area) + (n - 1) * (one - area**2) + (m - 1) * (two - area**2)) / (n * m)
    spread = Z * math.sqrt(max(variance, 0.0))
    return Estimate(area, max(area - spread, 0.0), min(area + spread, 1.0), 0.5, n + m)


def quantized(members: Tensor) -> Tensor:
    """Images as bytes: float ones in -1..1 are rounded; points [n, d] stay."""
    return to_bytes(members, RANGE) if members.ndim == 4 and members.dtype != torch.uint8 else members

"""The opponent's last word: of a finished generator's samples, those that a discriminator does not throw out.

A game ends before its generator has put the right number of samples everywhere. What a discriminator says at its optimum
is the ratio of the two densities (Goodfellow et al. 2014, proposition 1), so that throwing samples out with the right
probability leaves the distribution of the real ones: Azadi et al. 2019 (discriminator rejection sampling), section 3.
It can do nothing for what the generator never makes. A discriminator that has seen the same images often is too sure of
itself; its logits are therefore calibrated on members that it never saw, as Turner et al. 2019 (Metropolis-Hastings GANs),
section 3.1, do it, with the sigmoid of Platt 1999.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam

from duelo.data import Part
from duelo.data.pixels import to_floats
from duelo.learner import Learner, sample

RATE, BETAS = 3e-3, (0.9, 0.99)
STEADY = 0.5  # the rate stays for this share of the training, then falls in a line to 0
AVERAGED = 0.15  # over this share of the training the weights are averaged
STRIDE = 10  # rounds from one update of the average to the next
POOL_NUMBERS = 2**27  # numbers in the fakes that are made beforehand, at most: half a GB. Of points, none comes twice
PIECE = 500_000  # of them that are made at once
FITTED = 4_000_000  # fakes, at most, to which the last layer is fitted
CUT = 0.9999  # quantile of the fakes' logits from which on all are kept; else the most certain one alone would decide
CHUNK, IMAGES_CHUNK = 10_000, 500  # points and images at once: the networks' activations must find room
LENGTH_KIMG, BATCH = 8192.0, 1024  # for points in the plane: 8,000 rounds, three quarters of a minute on one core
NEWTON_STEPS = 20
RIDGE = 1e-9  # of the mean of the Hessian's diagonal: layers may be redundant


class TooFew(Exception):
    """The opponent keeps next to nothing: `kept` of `drawn` samples."""

    def __init__(self, kept: int, drawn: int) -> None:
        super().__init__(f"the opponent keeps {kept} of {drawn} samples: the generator is not good enough to choose from")
        self.kept, self.drawn = kept, drawn


@dataclass(frozen=True)
class Judge:
    """A discriminator that knows a finished generator.

    network: members [b, *shape] float32 -> logits [b], which times `scale`, plus `shift`, are the log of how much more
    frequent such members are among real ones. bound: that number from which on every sample is kept.
    """

    network: nn.Module
    bound: float
    scale: float = 1.0
    shift: float = 0.0

    def keeps(self, members: Tensor, randomness: torch.Generator) -> Tensor:
        """Which of `members` [n, *shape] float32 stay: [n] bool, each with chance e^(logit - bound), at most 1."""
        return torch.rand(len(members), generator=randomness) < (self.logits(members) - self.bound).exp()

    @torch.no_grad()
    def logits(self, members: Tensor) -> Tensor:
        """The calibrated logits for members [n, *shape] float32: [n], on the CPU."""
        found = torch.cat([self.network(chunk).cpu() for chunk in members.split(at_once(members))])
        return self.scale * found + self.shift


def train_judge(
    learner: Learner,
    network: nn.Module,
    train: Part,
    kimg: float = LENGTH_KIMG,
    batch: int = BATCH,
    seed: int = 0,
    referee: Part | None = None,
) -> Judge:
    """Train `network`, a new discriminator, to tell the members of `train` from the averaged generator's samples.

    kimg: how many thousand real members it sees, and as many fakes; batch: of each in a round. A function of `seed`.
    No penalty and no smoothing: here the opponent may become as expert as it can. referee: members it does not see, on which
    and on as many new samples its logits are calibrated; of images alone, since it sees the same ones often.
    Raises ValueError for a conditional pair.
    """
    if learner.pair.classes:
        raise ValueError("a conditional generator's samples are judged within their classes: this is for one without")
    rounds = max(1, round(1000 * kimg / batch))
    chunk = at_once(train.first(1))
    size = min(max(CHUNK, POOL_NUMBERS // train.first(1).numel()), rounds * batch)
    pieces = [(start, min(PIECE, size - start)) for start in range(0, size, PIECE)]  # all latents at once would be large
    pool = torch.cat([sample(learner, n, seed + 1 + 2**20 * start, chunk=chunk) for start, n in pieces])
    average = copy.deepcopy(network).requires_grad_(False)
    optimizer = Adam(network.parameters(), RATE, BETAS, fused=True)
    randomness = torch.Generator().manual_seed(seed)
    for number in range(rounds):
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (1 - number / rounds) / (1 - STEADY))
        reals = train.take(torch.randint(len(train), (batch,), generator=randomness))
        fakes = pool[torch.randint(len(pool), (batch,), generator=randomness)]
        real_logits, fake_logits = network(numbers(torch.cat([reals, fakes]), learner)).chunk(2)
        optimizer.zero_grad()
        (F.softplus(-real_logits) + F.softplus(fake_logits)).mean().backward()
        optimizer.step()
        if number % STRIDE == 0:
            weight = 1 / min(1 + number / STRIDE, max(1.0, AVERAGED * rounds / STRIDE))
            torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), weight)
    for followed, own in zip(average.buffers(), network.buffers(), strict=True):
        followed.copy_(own)  # such as batch normalization's averages
    judge, tested = Judge(average.eval(), 0.0), pool[: 10 * CHUNK]
    if learner.pair.pixel_range is None:
        fit_last_layer(judge.network, train.first(len(train)).to(learner.device), pool[:FITTED].to(learner.device))
    elif referee is not None and len(referee):
        reals = referee.first(min(len(referee), CHUNK))
        tested = sample(learner, len(reals), seed + 1 + 2**41, chunk=chunk)
        judge = calibrated(judge, numbers(reals, learner), numbers(tested, learner))
    logits = torch.cat([judge.logits(numbers(part, learner)) for part in tested.split(chunk)]).sort().values
    return replace(judge, bound=float(logits[int(CUT * len(logits))]))


def calibrated(judge: Judge, reals: Tensor, fakes: Tensor) -> Judge:
    """`judge` with the scale, at least 0, and the shift that fit these members [n, *shape] and [m, *shape] float32 best.

    A logistic regression of one number by Newton's method; both sides count alike. A judge that takes fakes for real rather
    than the other way round gets 0 for both: it has nothing to say. One whose logits tell all reals from all fakes stays.
    """
    real_logits, fake_logits = judge.logits(reals), judge.logits(fakes)
    if real_logits.min() > fake_logits.max():
        return judge
    if real_logits.mean() <= fake_logits.mean():  # then the best scale is not positive
        return replace(judge, scale=0.0, shift=0.0)
    layer = nn.utils.skip_init(nn.Linear, 1, 1).requires_grad_(False)
    layer.weight.zero_()
    layer.bias.zero_()
    for _ in range(NEWTON_STEPS):
        fit_last_layer(nn.Sequential(layer, nn.Flatten(0)), real_logits[:, None], fake_logits[:, None])
    scale, shift = layer.weight.item(), layer.bias.item()
    return replace(judge, scale=judge.scale * scale, shift=judge.shift * scale + shift)


@torch.no_grad()
def fit_last_layer(network: nn.Module, reals: Tensor, fakes: Tensor) -> None:
    """One step of Newton's method, over all points [n, d] at once, for the last layer's weights: a logistic regression.

    It takes away what small batches leave of their noise. A network whose logits are not those of a linear layer stays.
    """
    layer = next((m for m in reversed(list(network.modules())) if isinstance(m, nn.Linear)), None)
    if layer is None or layer.out_features != 1 or layer.bias is None:
        return
    seen: list[tuple[Tensor, Tensor]] = []
    handle = layer.register_forward_hook(lambda _, inputs, output: seen.append((inputs[0], output)))
    size = layer.in_features + 1
    slope, bend = torch.zeros(size, dtype=torch.float64), torch.zeros(size, size, dtype=torch.float64)
    try:
        for points, answer in ((reals, 1.0), (fakes, 0.0)):
            for chunk in points.split(CHUNK):
                logits = network(chunk)
                inputs, output = seen.pop()
                if inputs.ndim != 2 or not torch.equal(output.flatten(), logits):
                    return
                inputs, chance = F.pad(inputs, (0, 1), value=1.0), logits.sigmoid()
                slope += (inputs.T @ (chance - answer)).cpu().double() / len(points)
                bend += ((inputs * (chance * (1 - chance))[:, None]).T @ inputs).cpu().double() / len(points)
    finally:
        handle.remove()
    bend += RIDGE * bend.diagonal().mean() * torch.eye(size, dtype=torch.float64)
    step = torch.linalg.solve(bend, slope).to(layer.weight)
    layer.weight.sub_(step[:-1])
    layer.bias.sub_(step[-1])


def at_once(members: Tensor) -> int:
    """How many of such members, points or images, go through a network together."""
    return IMAGES_CHUNK if members.ndim == 4 else CHUNK


def numbers(members: Tensor, learner: Learner) -> Tensor:
    """Members as ``sample`` gives them -> as the networks see them, where the networks are."""
    return to_floats(members.to(learner.device), learner.pair.pixel_range)


def choose(learner: Learner, judge: Judge, n: int, seed: int = 0) -> tuple[Tensor, float]:
    """`n` samples of the averaged generator that `judge` keeps, as ``sample`` gives them, and the share that it kept.

    A function of `seed`. Raises TooFew if fewer than one in a hundred are kept.
    """
    randomness = torch.Generator().manual_seed(seed)
    chunk = at_once(sample(learner, 1, seed))
    chosen: Tensor | None = None  # one tensor from the start: thousands of little ones would break the heap into pieces
    drawn = found = 0
    while found < n:
        if drawn >= 100 * chunk and found < drawn / 100:
            raise TooFew(found, drawn)
        members = sample(learner, chunk, seed + 2**32 + drawn, chunk=chunk)
        if chosen is None:
            chosen = members.new_empty(n, *members.shape[1:])
        kept = members[judge.keeps(numbers(members, learner), randomness)]
        drawn += chunk
        chosen[found : found + len(kept)] = kept[: n - found]
        found += len(kept)
    assert chosen is not None
    return chosen, found / drawn

"""How far a game is from its equilibrium: what either side could still gain if the other one stood still.

The duality gap of Grnarova et al. 2019 ("A domain agnostic measure for monitoring and evaluating GANs"): the value of the
game against the worst discriminator for this generator, less its value against the best generator for this discriminator.
It is 0 where neither can gain anything, a Nash equilibrium, and above 0 everywhere else.

The value is Goodfellow et al. 2014, equation 1, V(G, D) = E log D(x) + E log(1 - D(G(z))), in nats, whatever the game's own
objective was, so that games can be compared; where P(X) is captured and D knows no more than that, it is -ln 4.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.optim import Adam

from duelo.balance import Controls
from duelo.data import InMemory, Part
from duelo.learner import randomness
from duelo.networks.blocks import apply
from duelo.objectives import cross_entropy, linear_generator
from duelo.play import Game, descend, frozen, judge

EQUILIBRIUM = -math.log(4)  # the value of the game where the generator has captured P(X)
STEPS, RATE, BETAS = 400, 1e-3, (0.5, 0.99)  # of a response, with Adam; the rate falls in a line to 0
STOPS = (25, 50, 100, 200, STEPS)  # where a response may end; or it is not to move at all
CHOOSING = 0.2  # the share of the held-out members that choose where it ends; the others give the values
MOST = 5_000  # held-out members that are judged
PERTURBATION = 0.1  # of the perturbed gap: a share of the weights' own size

Batch = tuple[Tensor, Tensor]  # which members, [b] int64, and as many latents, [b, *latent_shape]


@dataclass(frozen=True)
class Gap:
    """The duality gap of a game in nats, `value` = `minimax` - `maximin`, with a 95 % interval from `low` to `high`.

    minimax: V(G, D) when the discriminator alone has played on; maximin: when the generator alone has. What k steps find is
    at most the best there is, so this is a lower bound of the gap. The interval is that of other held-out members and fakes
    for the same two responses; other responses are not in it.
    n: the judgements of real members, and as many of fakes. steps, rate: of the responses. perturbed: the perturbation.

    A response is one of the game's own networks: only games whose networks are alike can be compared. (`toy`'s perceptrons
    gained 0.005 nats against a ring of which 81 % was right, those of `islands` 0.04 against one with 94 %.)
    """

    value: float
    low: float
    high: float
    minimax: float
    maximin: float
    n: int
    steps: int
    rate: float
    perturbed: float


def duality_gap(game: Game, train: Part | Tensor, heldout: Part | Tensor, seed: int = 0, perturbation: float = 0.0) -> Gap:
    """The duality gap of `game` as it stands; the game stays untouched. A function of `seed`.

    train: members from which the discriminator's response learns; heldout: those that the values are taken of (with labels
    for a conditional pair). perturbation: the size of the noise, as a share of the weights' own, that befalls a side before
    it responds. The generator is the averaged one, which samples are drawn from.
    Raises ValueError for fewer than four held-out members (with packing, four times as many as are judged at once).

    No augmentation, no noise and no penalty bind the responses, not even the game's own: what they are worth would else
    depend on the recipe (an R1 of 1 left 0.0001 nats of a gap of 0.18 on `ring`). That the discriminator learns training
    members by heart does not count, for the values are of held-out ones, and some of those decide when it stops.
    """
    learnt = train if isinstance(train, Part) else InMemory(train)
    unseen = heldout if isinstance(heldout, Part) else InMemory(heldout)
    few = 2 * game.pack
    if len(unseen) < 2 * few:
        raise ValueError(f"the duality gap needs at least {2 * few} held-out members, and there are {len(unseen)}")
    with randomness(seed, 0, game.nimg, game.device):
        order = torch.randperm(len(unseen))[:MOST]
        choosing, judging = (batches(game, part) for part in order.tensor_split([max(few, round(CHOOSING * len(order)))]))
        worst = respond(game, "discriminator", learnt, unseen, choosing, perturbation)
        best = respond(game, "generator", learnt, unseen, choosing, perturbation)
        minimax, maximin = values(worst, unseen, judging), values(best, unseen, judging)
    gains = minimax - maximin  # on the same members and latents
    reach = 1.96 * float(gains.std()) / math.sqrt(len(gains))
    value, high, low = (float(each.mean()) for each in (gains, minimax, maximin))
    return Gap(value, value - reach, value + reach, high, low, len(gains), STEPS, RATE, perturbation)


def batches(game: Game, places: Tensor) -> list[Batch]:
    """The members `places` [n] in whole batches, since batch normalization and packing see them together, with latents."""
    size = min(game.batch, len(places)) // game.pack * game.pack
    return [(part, game.latents(size)) for part in places.split(size) if len(part) == size]


def twin(game: Game) -> Game:
    """The same game with networks of its own: the averaged generator, as it is sampled from, and D, as it plays."""
    generator = copy.deepcopy(game.ema.module if game.nimg else game.pair.generator).eval()
    other = copy.copy(game)
    other.pair = replace(game.pair, generator=generator, discriminator=copy.deepcopy(game.pair.discriminator).train())
    return other


def respond(game: Game, side: str, train: Part, heldout: Part, choosing: list[Batch], perturbation: float) -> Game:
    """A copy of `game` in which `side` has answered the other, which stood still: k steps, or as many of them as were best.

    Perturbed as in Sidheekh et al. 2021 ("On duality gap as a measure for monitoring GAN training"): a side that stands on
    a saddle, where it could gain much but has no slope, leaves it. Their noise has one size for all weights.
    """
    twins = twin(game)
    network = twins.pair.sides()[side]
    sign = 1 if side == "discriminator" else -1  # D is after a high value, G after a low one
    most, chosen = sign * float(values(twins, heldout, choosing).mean()), copy.deepcopy(network.state_dict())
    if perturbation:
        perturb(network, perturbation)
    optimizer = Adam(network.parameters(), RATE, BETAS, fused=True)
    for number in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - number / STEPS)
        reals, labels = twins.fetch(train, torch.randint(len(train), (game.batch,)))
        descend(optimizer, losses(twins, side, reals, labels), step=True)
        if number + 1 in STOPS:
            gain = sign * float(values(twins, heldout, choosing).mean())
            if gain > most:
                most, chosen = gain, copy.deepcopy(network.state_dict())
    network.load_state_dict(chosen)
    return twins


def losses(game: Game, side: str, reals: Tensor, labels: Tensor | None) -> Tensor:
    """What `side` learns from in a response, [b]. reals: [b, *shape].

    The generator's is the negative logit, which orders fakes as the value does but has a slope everywhere: log(1 - D(G(z)))
    has none where D is sure of a fake, so that a hopeless generator would seem to have nothing to gain, and -log D(G(z)) has
    none where D takes a fake for real, where the value goes on falling (digits: 6.4 nats instead of 9.4).
    """
    latents = game.latents(len(reals))
    if side == "discriminator":
        with torch.no_grad():
            fakes = apply(game.pair.generator, latents, labels)
        return cross_entropy(judge(game, Controls(), reals, labels), judge(game, Controls(), fakes, labels))
    with frozen(game.pair.discriminator):
        fake_logits = judge(game, Controls(), apply(game.pair.generator, latents, labels), labels)
    return linear_generator(torch.zeros_like(fake_logits), fake_logits)


@torch.no_grad()
def values(game: Game, heldout: Part, chosen: list[Batch]) -> Tensor:
    """log D(x) + log(1 - D(G(z))) for each judgement, [n] float64: Goodfellow et al. 2014, equation 1."""
    told = []
    for places, latents in chosen:
        reals, labels = game.fetch(heldout, places)
        fakes = apply(game.pair.generator, latents, labels)
        told.append(-cross_entropy(judge(game, Controls(), reals, labels), judge(game, Controls(), fakes, labels)).double())
    return torch.cat(told).cpu()


@torch.no_grad()
def perturb(network: nn.Module, share: float) -> None:
    """Add noise to each tensor of weights: N(0, (share * its root mean square)^2); one that is 0 everywhere counts as 1."""
    for weights in network.parameters():
        size = float(weights.square().mean().sqrt()) or 1.0
        weights.add_(share * size * torch.randn_like(weights))

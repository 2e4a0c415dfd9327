"""The game itself: two networks in turn, as an endless generator of ticks. It owns no files, no clock, no screen."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from duelo.actor_critic import OptimisticAdam, Replay, from_where_it_stood
from duelo.balance import Balance, Controls, fixed
from duelo.data import InMemory, Part
from duelo.data.augment import augment
from duelo.dist import rank, world
from duelo.graphs import Recordings
from duelo.learner import Average, Learner, Round, crossed, randomness
from duelo.networks import Pair
from duelo.networks.blocks import apply
from duelo.objectives import between, entropy, gradient_penalty, lecam, rules_of, slope_penalty, threshold
from duelo.referee import measure, weights

REPLAYED_BATCHES = 16  # how many batches of past fakes are kept
ANCHOR_DECAY = 0.99  # of LeCam's moving averages, a round: Tseng et al. 2021, section 4


@dataclass(frozen=True)
class Tick(Round):
    """One round, as it was played; all tensors detached, one value a sample [b], of the round's last turns.

    nimg: the time after the round: real images that the discriminator has seen.
    real_logits, fake_logits: what the discriminator said in its own turn, before it learnt from it.
    border: the logit above which a sample was judged real.
    """

    real_logits: Tensor
    fake_logits: Tensor
    discriminator_loss: Tensor
    generator_loss: Tensor
    penalty: Tensor
    border: Tensor

    def figures(self) -> dict[str, Tensor]:
        """What the round showed, by name: losses, logits, penalty, and which samples the discriminator judged rightly."""
        return {
            "discriminator_loss": self.discriminator_loss,
            "generator_loss": self.generator_loss,
            "penalty": self.penalty,
            "real_logit": self.real_logits,
            "fake_logit": self.fake_logits,
            "real_right": self.real_logits > self.border,
            "fake_right": self.fake_logits <= self.border,
        }


class Game(Learner):
    """All that changes while two networks play, and the rules they play by.

    pair: the networks. objective: a name in `duelo.OBJECTIVES`; smoothing: of its label for real images, in [0, 1).
    batch: images a turn (in each process). generator_rate, discriminator_rate: Adam's learning rates; betas: its two decays.
    ema_kimg: half-life of the generator's moving average, in thousands of images.
    r1, r2, gp, lecam: weights of the penalties on D's slope at real images, at fake ones, between them, and on its logits.
    lazy: the penalties on slopes are part of every `lazy`-th of D's turns alone, and there so many times as strong:
    Karras et al. 2020 (StyleGAN2), section 3.1.
    augment: kinds of change (of `duelo.data.augment.KINDS`) that befall the images that the discriminator sees, each with
    the probability that the controls say.
    pack: how many members the discriminator judges at once, side by side as channels: Lin et al. 2018 (PacGAN).
    entropy: weight of the generator's entropy. target_kimg: half-life of the averaged discriminator from which the generator
    learns, 0 for the discriminator itself. replay: the share of past fakes that the discriminator sees.
    optimistic, extragradient: how the steps are taken; see `duelo.actor_critic`.
    Raises ValueError where two of these cannot go together, saying why.
    """

    def __init__(
        self,
        pair: Pair,
        objective: str = "nonsaturating",
        *,
        batch: int = 64,
        generator_rate: float = 2e-4,
        discriminator_rate: float = 2e-4,
        betas: tuple[float, float] = (0.5, 0.999),
        ema_kimg: float = 10.0,
        smoothing: float = 0.0,
        r1: float = 0.0,
        r2: float = 0.0,
        gp: float = 0.0,
        lecam: float = 0.0,
        lazy: int = 1,
        augment: Collection[str] = (),
        pack: int = 1,
        entropy: float = 0.0,
        target_kimg: float = 0.0,
        replay: float = 0.0,
        optimistic: bool = False,
        extragradient: bool = False,
    ) -> None:
        if augment and pair.pixel_range is None:
            raise ValueError("augmentation is for images, and this pair plays with points: leave `augment` empty")
        if batch % pack:
            raise ValueError(f"the batch ({batch}) must be a multiple of the members judged at once ({pack})")
        if pair.classes and pack > 1:
            raise ValueError("members that are judged at once would need one label: a conditional pair cannot be packed")
        if pair.classes and replay:
            raise ValueError("past fakes have lost their labels: a conditional pair cannot replay them")
        if extragradient and lazy > 1:
            raise ValueError("with extragradient only every second turn is a step: its penalties cannot be lazy")
        if entropy and batch < 2:
            raise ValueError("the entropy is measured between the members of a batch: it needs at least 2")
        rates = {"generator": generator_rate, "discriminator": discriminator_rate}
        super().__init__(pair, batch, rates, betas, ema_kimg, OptimisticAdam if optimistic else Adam)
        self.rules = rules_of(objective, smoothing)
        self.r1, self.r2, self.gp, self.lecam, self.lazy = r1, r2, gp, lecam, lazy
        self.augment, self.pack, self.entropy, self.extragradient = augment, pack, entropy, extragradient
        self.anchors = torch.zeros(2)  # moving averages of the mean logits, real and fake
        self.target = Average(pair.discriminator, target_kimg) if target_kimg else None
        self.replay = Replay(replay, REPLAYED_BATCHES * batch) if replay else None
        self.half = False  # on a GPU: the turns in bfloat16, but for weights, losses and logits
        # one batch of fakes for both turns: on a CPU, where they are worth a tenth of a round, and where nothing mixes them
        self.shared = pair.pixel_range is not None and self.device.type == "cpu" and not (replay or extragradient)
        plain = not (lecam or target_kimg or replay or optimistic or extragradient)  # a turn changes weights alone
        self.recordings = Recordings() if plain and self.device.type == "cuda" and world() == 1 else None

    @property
    def slopes(self) -> tuple[float, float, float]:
        """The weights of the penalties on slopes (R1, R2, between) in D's turn at this time."""
        due = self.nimg // (self.batch * world()) % self.lazy == 0
        weight = float(self.lazy if due else 0)
        return weight * self.r1, weight * self.r2, weight * self.gp

    def rounds(self, train: Part, seed: int, balance: Balance, referee: Part, look_kimg: float) -> Iterator[Round]:
        """The game: ``play``."""
        return play(self, train, seed, balance, referee, look_kimg)

    def state(self) -> dict[str, Any]:
        """Everything that a game must remember to go on exactly."""
        tree = super().state()
        if self.lecam:
            tree["anchors"] = self.anchors
        if self.target:
            tree["target"] = self.target.model.state_dict()
        if self.replay and self.replay.past is not None:
            tree["replay"] = self.replay.past
        return tree

    def load(self, state: dict[str, Any]) -> None:
        """Take over what ``state()`` gave, also from another device. Raises RuntimeError if the networks differ."""
        super().load(state)
        if self.lecam:
            self.anchors = state["anchors"].to(self.device)
        if self.target:
            self.target.model.load_state_dict(state["target"])
        if self.replay and "replay" in state:
            self.replay.past = state["replay"].to(self.device)
        if self.recordings:
            self.recordings.forget()


def play(
    game: Game,
    data: Part | Tensor,
    seed: int = 0,
    balance: Balance | None = None,
    referee: Part | None = None,
    look_kimg: float = 10.0,
) -> Iterator[Tick]:
    """Play for ever, a round at a time: first the discriminator's turn, then the generator's (Goodfellow 2014, alg. 1).

    data: a part of a data set, or a tensor of members: uint8 images [n, c, h, w] or float32 points [n, d].
    balance: what each side may do; by default one turn each.
    referee: members that nobody trains on; if given, every `look_kimg` thousand images it is looked how the duel stands, and
    the balance is told.
    Each round's randomness is a function of (seed, rank, nimg): a game that was saved and loaded plays on identically.
    In several processes, each reads its own share of the data; the networks themselves must then average their gradients
    (torch's DistributedDataParallel).
    """
    part = (data if isinstance(data, Part) else InMemory(data)).near(game.device)
    balance = balance or fixed()
    game.pair.generator.train()
    game.pair.discriminator.train()
    while True:
        controls = balance(game.nimg)
        game.set_rates(controls)
        start = game.nimg
        end = start + game.batch * world() * max(1, controls.discriminator_steps) * (2 if game.extragradient else 1)
        look = referee is not None and crossed(start, end, look_kimg)
        before = weights(game.pair) if look else None
        with randomness(seed, rank(), start, game.device):
            if game.extragradient:
                with from_where_it_stood(game.optimizers):
                    play_round(game, part, seed, controls)
                    outcome = play_round(game, part, seed, controls, step=False)
                for optimizer in game.optimizers.values():
                    optimizer.step()
            else:
                outcome = play_round(game, part, seed, controls)
            game.follow()
            duel = None
            if referee is not None and before is not None:
                duel = measure(game, partial(judge, game, controls), part, referee, before)
                balance.watch(duel)
        real_logits, fake_logits, losses, generator_losses, penalty = (values.detach() for values in outcome)
        border = threshold(game.rules, real_logits, fake_logits)
        yield Tick(game.nimg, controls, duel, real_logits, fake_logits, losses, generator_losses, penalty, border)


Outcome = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]  # real and fake logits, D's and G's losses, penalty


def play_round(game: Game, part: Part, seed: int, controls: Controls, step: bool = True) -> Outcome:
    """One round: both sides' turns. step: False to leave the gradients where they are, and the weights too.

    A side that has no turn is asked all the same, and does not learn. With one turn each, the generator may learn from the
    fakes that the discriminator has just seen (``Game.shared``).
    """
    shared = game.shared and controls.discriminator_steps == controls.generator_steps == 1
    for _ in range(max(1, controls.discriminator_steps)):
        reals, labels = game.next_batch(part, seed)
        fakes = imitations(game, len(reals), labels) if shared else None
        learns = step and controls.discriminator_steps > 0
        real_logits, fake_logits, losses, penalty = take_turn(game, "discriminator", reals, labels, controls, learns, fakes)
    for _ in range(max(1, controls.generator_steps)):
        learns = step and controls.generator_steps > 0
        (generator_losses,) = take_turn(game, "generator", reals, labels, controls, learns, fakes)
    return real_logits, fake_logits, losses, generator_losses, penalty


def take_turn(
    game: Game, side: str, reals: Tensor, labels: Tensor | None, controls: Controls, step: bool, fakes: Tensor | None
) -> tuple[Tensor, ...]:
    """The turn of one side, as it is written below; on a GPU, where nothing speaks against it, from a recording."""
    turn = {"discriminator": discriminator_turn, "generator": generator_turn}[side]
    with torch.autocast("cuda", torch.bfloat16, enabled=game.half, cache_enabled=False):
        if game.recordings is None or not step:
            return turn(game, reals, labels, controls, step, fakes)
        slopes = game.slopes if side == "discriminator" else ()
        numbers = (game.rules, slopes, game.entropy, controls.penalty_factor, controls.augment, controls.noise)
        played = partial(turn, game, controls=controls)
        name = f"{side}, slopes" if any(slopes) else side  # lazy penalties: two turns that are steady, each by itself
        return game.recordings.play(name, numbers, played, (reals, labels), game.optimizers[side])


def imitations(game: Game, n: int, labels: Tensor | None) -> Tensor:
    """`n` new fakes [n, *shape], of the classes `labels` [n] if the pair is conditional."""
    return apply(game.pair.generator, game.latents(n), labels)


def discriminator_turn(
    game: Game,
    reals: Tensor,
    labels: Tensor | None,
    controls: Controls,
    step: bool = True,
    fakes: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """(1) The discriminator learns to tell `reals` [b, *shape] from images made of noise: logits, losses, penalties [b].

    With packing, one of each for `game.pack` images. Penalties are on the slopes at the images before augmentation.
    fakes: [b, *shape], if they are made already.
    """
    with torch.no_grad():
        fakes = imitations(game, len(reals), labels) if fakes is None else fakes.detach().clone()
        fakes = game.replay.mix(fakes) if game.replay else fakes
    r1, r2, _ = game.slopes
    reals = reals.detach().requires_grad_(r1 > 0)
    fakes.requires_grad_(r2 > 0)
    real_logits, fake_logits = judge(game, controls, reals, labels), judge(game, controls, fakes, labels)
    losses = game.rules.discriminator(real_logits, fake_logits)
    penalty = controls.penalty_factor * penalties(game, reals, fakes, labels, real_logits, fake_logits, controls)
    descend(game.optimizers["discriminator"], losses + penalty, step)
    if game.target:
        game.target.update(game.pair.discriminator, game.nimg, game.batch * world())
    return real_logits.detach(), fake_logits.detach(), losses.detach(), penalty.detach()


def penalties(
    game: Game,
    reals: Tensor,
    fakes: Tensor,
    labels: Tensor | None,
    real_logits: Tensor,
    fake_logits: Tensor,
    controls: Controls,
) -> Tensor:
    """What the discriminator pays for steep slopes and large logits, one value for each logit."""
    total = torch.zeros_like(real_logits)
    r1, r2, gp = game.slopes
    if r1 > 0:
        total = total + r1 * gradient_penalty(real_logits, reals)
    if r2 > 0:
        total = total + r2 * gradient_penalty(fake_logits, fakes)
    if gp > 0:
        points = between(reals.detach(), fakes.detach()).requires_grad_()
        total = total + gp * slope_penalty(judge(game, controls, points, labels), points)
    if game.lecam > 0:
        total = total + game.lecam * lecam(real_logits, fake_logits, game.anchors)
        means = torch.stack([real_logits.detach().mean(), fake_logits.detach().mean()])
        game.anchors = ANCHOR_DECAY * game.anchors.to(means) + (1 - ANCHOR_DECAY) * means
    return total


def generator_turn(
    game: Game,
    reals: Tensor,
    labels: Tensor | None,
    controls: Controls,
    step: bool = True,
    fakes: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """(2) The generator learns to fool the discriminator: its losses, [b]. `reals` matter to relativistic rules only.

    fakes: [b, *shape], if they are made already, by the generator as it is.
    """
    with frozen(game.pair.discriminator):
        fakes = imitations(game, len(reals), labels) if fakes is None else fakes
        fake_logits = judge(game, controls, fakes, labels, taught=True)
        real_logits = torch.zeros_like(fake_logits)
        if game.rules.relative:
            with torch.no_grad():
                real_logits = judge(game, controls, reals, labels, taught=True)
        losses = game.rules.generator(real_logits, fake_logits)
        if game.entropy:
            losses = losses - game.entropy * entropy(fakes).mean()
        descend(game.optimizers["generator"], losses, step)
    return (losses.detach(),)


def judge(game: Game, controls: Controls, members: Tensor, labels: Tensor | None, taught: bool = False) -> Tensor:
    """The discriminator's logits [b / pack] for `members` [b, *shape], augmented and noisy as the controls say.

    taught: ask the discriminator from which the generator learns.
    """
    if game.pair.pixel_range is not None:
        members = augment(members, controls.augment, game.augment, game.pair.pixel_range)
    if controls.noise > 0:
        members = members + controls.noise * torch.randn_like(members)
    if game.pack > 1:
        members = members.reshape(-1, game.pack * members.shape[1], *members.shape[2:])
    network = game.target.model if taught and game.target else game.pair.discriminator
    return apply(network, members, labels).float()


def descend(optimizer: Optimizer, losses: Tensor, step: bool) -> None:
    """One step down the mean of `losses`, or only its gradients."""
    optimizer.zero_grad(set_to_none=True)
    weights = [weight for group in optimizer.param_groups for weight in group["params"] if weight.requires_grad]
    losses.mean().backward(inputs=weights)  # and none for the images, which a penalty may have asked for
    if step:
        optimizer.step()


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Inside, no gradients are computed for the network's weights."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)

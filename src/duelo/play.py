"""The game itself: two networks in turn, as an endless generator of ticks. It owns no files, no clock, no screen."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam
from torch.optim.swa_utils import AveragedModel

from duelo.balance import Balance, Controls, fixed
from duelo.data import InMemory, Part, batch_indices
from duelo.data.augment import augment
from duelo.data.pixels import to_bytes, to_floats
from duelo.dist import rank, world
from duelo.networks import Pair
from duelo.objectives import OBJECTIVES, gradient_penalty

EMA_RAMP = 0.1  # early on, the half-life is at most this share of the images seen


@dataclass(frozen=True)
class Tick:
    """One round, as it was played; all tensors detached, one value a sample [b], of the round's last turns.

    nimg: the time after the round: real images that the discriminator has seen.
    real_logits, fake_logits: what the discriminator said in its own turn, before it learnt from it.
    """

    nimg: int
    real_logits: Tensor
    fake_logits: Tensor
    discriminator_loss: Tensor
    generator_loss: Tensor
    penalty: Tensor
    controls: Controls


class Game:
    """All that changes while two networks play, and the rules they play by.

    pair: the networks. objective: a name in `duelo.OBJECTIVES`. batch: images a turn (in each process).
    r1, r2: weights of the gradient penalties at real and at fake images, at least 0.
    generator_rate, discriminator_rate: Adam's learning rates; betas: its two decays.
    ema_kimg: half-life of the generator's moving average, in thousands of images.
    augment: kinds of change (of `duelo.data.augment.KINDS`) that befall the images that the discriminator sees, each with
    the probability that the controls say. Raises ValueError where the pair is for points.
    """

    def __init__(
        self,
        pair: Pair,
        objective: str = "nonsaturating",
        *,
        batch: int = 64,
        r1: float = 0.0,
        r2: float = 0.0,
        generator_rate: float = 2e-4,
        discriminator_rate: float = 2e-4,
        betas: tuple[float, float] = (0.5, 0.999),
        ema_kimg: float = 10.0,
        augment: Collection[str] = (),
    ) -> None:
        if augment and pair.pixel_range is None:
            raise ValueError("augmentation is for images, and this pair plays with points: leave `augment` empty")
        self.pair = pair
        for network in (pair.generator, pair.discriminator):
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # where convolution is fastest
        self.rules = OBJECTIVES[objective]
        self.batch, self.r1, self.r2 = batch, r1, r2
        self.rates = {"generator": generator_rate, "discriminator": discriminator_rate}
        self.optimizers = {
            "generator": Adam(pair.generator.parameters(), generator_rate, betas, fused=True),
            "discriminator": Adam(pair.discriminator.parameters(), discriminator_rate, betas, fused=True),
        }
        self.augment = augment
        self.ema_kimg = ema_kimg
        self.ema = AveragedModel(pair.generator, multi_avg_fn=self._average, use_buffers=True)
        self.nimg = 0
        self.nimg_averaged = 0  # the time of the last update of the average

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.pair.generator.parameters()).device

    def latents(self, n: int) -> Tensor:
        """`n` latents from N(0, 1), [n, *latent_shape] float32."""
        return torch.randn(n, *self.pair.latent_shape, device=self.device)

    def _average(self, averages: Any, values: Any, rounds: Any) -> None:
        # Karras et al. 2020 (StyleGAN2-ADA): a half-life in images, ramped up so that early noise is forgotten
        half_life = max(1.0, min(1000 * self.ema_kimg, EMA_RAMP * self.nimg))
        decay = 0.5 ** ((self.nimg - self.nimg_averaged) / half_life)
        if averages[0].is_floating_point():
            torch._foreach_lerp_(list(averages), list(values), 1 - decay)
        else:  # counters, such as batch normalization's
            torch._foreach_copy_(list(averages), list(values))

    def average(self) -> None:
        """Let the average follow the generator, by as much as the time that has passed since it last did."""
        self.ema.update_parameters(self.pair.generator)
        self.nimg_averaged = self.nimg

    def state(self) -> dict[str, Any]:
        """Everything that a game must remember to go on exactly."""
        return {
            "generator": self.pair.generator.state_dict(),
            "discriminator": self.pair.discriminator.state_dict(),
            "ema": self.ema.state_dict(),
            "generator_optimizer": self.optimizers["generator"].state_dict(),
            "discriminator_optimizer": self.optimizers["discriminator"].state_dict(),
            "nimg": self.nimg,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take over what ``state()`` gave, also from another device. Raises RuntimeError if the networks differ."""
        self.pair.generator.load_state_dict(state["generator"])
        self.pair.discriminator.load_state_dict(state["discriminator"])
        self.ema.load_state_dict(state["ema"])
        for side, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state[f"{side}_optimizer"])
            for parameter, values in optimizer.state.items():
                for name, value in values.items():
                    if value.shape == parameter.shape:  # in the parameter's own memory layout, as Adam made it
                        values[name] = torch.empty_like(parameter).copy_(value)
        self.nimg = self.nimg_averaged = state["nimg"]


def play(game: Game, data: Part | Tensor, seed: int = 0, balance: Balance | None = None) -> Iterator[Tick]:
    """Play for ever, a round at a time: first the discriminator's turn, then the generator's (Goodfellow 2014, alg. 1).

    data: a part of a data set, or a tensor of members: uint8 images [n, c, h, w] or float32 points [n, d].
    balance: what each side may do, as a function of the images seen; by default one turn each.
    Each round's randomness is a function of (seed, rank, nimg): a game that was saved and loaded plays on identically.
    In several processes, each reads its own share of the data; the networks themselves must then average their gradients
    (torch's DistributedDataParallel).
    """
    part = data if isinstance(data, Part) else InMemory(data)
    balance = balance or fixed()
    game.pair.generator.train()
    game.pair.discriminator.train()
    while True:
        controls = balance(game.nimg)
        for side, optimizer in game.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = game.rates[side] * controls.rate
        with randomness(seed, rank(), game.nimg, game.device):
            for _ in range(controls.discriminator_steps):
                reals = next_reals(game, part, seed)
                real_logits, fake_logits, discriminator_loss, penalty = discriminator_turn(game, reals, controls.augment)
            for _ in range(controls.generator_steps):
                generator_loss = generator_turn(game, reals, controls.augment)
            game.average()
        yield Tick(
            game.nimg,
            real_logits.detach(),
            fake_logits.detach(),
            discriminator_loss.detach(),
            generator_loss.detach(),
            penalty.detach(),
            controls,
        )


def discriminator_turn(game: Game, reals: Tensor, p: float = 0.0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(1) The discriminator learns to tell `reals` [b, *shape] from images made of noise: logits, losses, penalties [b].

    p: the probability of each kind of augmentation. Penalties are on the slopes at the images as they were before it.
    """
    with torch.no_grad():
        fakes = game.pair.generator(game.latents(len(reals)))
    reals.requires_grad_(game.r1 > 0)
    fakes.requires_grad_(game.r2 > 0)
    real_logits, fake_logits = judge(game, reals, p), judge(game, fakes, p)
    losses = game.rules.discriminator(real_logits, fake_logits)
    penalty = torch.zeros_like(losses)
    if game.r1 > 0:
        penalty = penalty + game.r1 * gradient_penalty(real_logits, reals)
    if game.r2 > 0:
        penalty = penalty + game.r2 * gradient_penalty(fake_logits, fakes)
    descend(game.optimizers["discriminator"], losses + penalty)
    return real_logits, fake_logits, losses, penalty


def generator_turn(game: Game, reals: Tensor, p: float = 0.0) -> Tensor:
    """(2) The generator learns to fool the discriminator: its losses, [b]. `reals` matter to relativistic rules only."""
    with frozen(game.pair.discriminator):
        fake_logits = judge(game, game.pair.generator(game.latents(len(reals))), p)
        if game.rules.absolute:
            real_logits = torch.zeros_like(fake_logits)
        else:
            with torch.no_grad():
                real_logits = judge(game, reals, p)
        losses = game.rules.generator(real_logits, fake_logits)
        descend(game.optimizers["generator"], losses)
    return losses


def judge(game: Game, members: Tensor, p: float) -> Tensor:
    """The discriminator's logits [b] for `members` [b, *shape], each kind of augmentation with probability `p`."""
    if game.pair.pixel_range is not None:
        members = augment(members, p, game.augment, game.pair.pixel_range)
    logits: Tensor = game.pair.discriminator(members)
    return logits


def descend(optimizer: Adam, losses: Tensor) -> None:
    """One step down the mean of `losses`."""
    optimizer.zero_grad(set_to_none=True)
    losses.mean().backward()
    optimizer.step()


def next_reals(game: Game, part: Part, seed: int) -> Tensor:
    """The next batch of real members in the networks' numbers, [b, *shape] float32; the time moves on."""
    indices = batch_indices(len(part), game.batch, game.nimg + rank() * game.batch, seed)
    game.nimg += game.batch * world()
    reals = to_floats(part.take(indices).to(game.device), game.pair.pixel_range)
    return reals.contiguous(memory_format=torch.channels_last) if reals.ndim == 4 else reals


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


@contextmanager
def randomness(seed: int, process: int, nimg: int, device: torch.device) -> Iterator[None]:
    """Inside, torch's random numbers are a function of the first three alone; outside, they go on undisturbed."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(zlib.crc32(f"{seed}/{process}/{nimg}".encode()))
        yield


@torch.no_grad()
def sample(game: Game, n: int, seed: int = 0, chunk: int = 500) -> Tensor:
    """`n` fakes of the averaged generator: images [n, c, h, w] uint8 or points [n, d] float32, on the CPU.

    The latents are a function of `seed` alone (drawn on the CPU), so sample i is the same whatever n and the device.
    """
    # sixteen at a time: torch fills normal numbers in blocks of 16, and a cut block would change the last samples
    latents = torch.randn(-(-n // 16) * 16, *game.pair.latent_shape, generator=torch.Generator().manual_seed(seed))[:n]
    generator = game.ema.eval() if game.nimg else game.pair.generator.eval()
    fakes = [generator(part.to(game.device)).cpu() for part in latents.split(chunk)]
    game.pair.generator.train()
    return to_bytes(torch.cat(fakes), game.pair.pixel_range)

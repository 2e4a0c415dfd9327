"""What the duel and its rival have in common: networks, their optimizers, the generator's average, time, and sampling."""

from __future__ import annotations

import copy
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer
from torch.optim.swa_utils import AveragedModel

from duelo.balance import Balance, Controls, Duel
from duelo.data import Part, batch_indices
from duelo.data.pixels import to_bytes, to_floats
from duelo.dist import rank, world
from duelo.networks import Pair
from duelo.networks.blocks import apply

EMA_RAMP = 0.1  # early on, the half-life is at most this share of the images seen


class Average:
    """A moving average of a network's weights and buffers: Karras et al. 2020 (StyleGAN2-ADA), with a half-life in images.

    The half-life is at most a tenth of the images seen, so that early noise is forgotten.
    """

    def __init__(self, network: nn.Module, half_life_kimg: float) -> None:
        self.half_life_kimg = half_life_kimg
        self.model = AveragedModel(network)

    @torch.no_grad()
    def update(self, network: nn.Module, nimg: int, passed: int) -> None:
        """Follow `network` by as much as the `passed` images mean, at the time `nimg`; the first time, be like it."""
        half_life = max(1.0, min(1000 * self.half_life_kimg, EMA_RAMP * nimg))
        weight = 1 - 0.5 ** (passed / half_life) if passed < nimg else 1.0
        both = ([*module.parameters(), *module.buffers()] for module in (self.model.module, network))
        averages, values = zip(*(pair for pair in zip(*both, strict=True)), strict=True)
        moving = [i for i, value in enumerate(values) if value.is_floating_point() and weight < 1]
        copied = sorted(set(range(len(values))) - set(moving))  # counters too, such as batch normalization's
        if moving:
            torch._foreach_lerp_([averages[i] for i in moving], [values[i] for i in moving], weight)
        if copied:
            torch._foreach_copy_([averages[i] for i in copied], [values[i] for i in copied])
        self.model.n_averaged += 1


@dataclass(frozen=True)
class Round(ABC):
    """One round of learning.

    nimg: the time after it, in images. controls: those in force. duel: how it stands, where the referee looked.
    """

    nimg: int
    controls: Controls
    duel: Duel | None

    @abstractmethod
    def figures(self) -> dict[str, Tensor]:
        """What the round showed, by name, for the statistics: one value a sample."""


class Learner(ABC):
    """Two networks that learn, and all that changes while they do.

    pair: the networks. batch: images a turn (in each process). rates: the learning rate of each side, by its name;
    betas: Adam's two decays; kind: of Adam. ema_kimg: half-life of the generator's moving average, in thousands of images.
    """

    def __init__(
        self,
        pair: Pair,
        batch: int,
        rates: Mapping[str, float],
        betas: tuple[float, float],
        ema_kimg: float,
        kind: type[Adam] = Adam,
    ) -> None:
        self.pair, self.batch, self.rates, self.betas, self.kind = pair, batch, rates, betas, kind
        self.optimizer_states: dict[str, Any] = {}  # what the optimizers shall begin with, by side
        for network in pair.sides().values():
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # where convolution is fastest
        self.average = Average(pair.generator, ema_kimg)
        self.class_counts = torch.zeros(pair.classes, dtype=torch.int64)  # labels of the real images seen
        self.nimg = 0
        self.nimg_averaged = 0  # the time of the last update of the average

    @abstractmethod
    def rounds(self, train: Part, seed: int, balance: Balance, referee: Part, look_kimg: float) -> Iterator[Round]:
        """Learn for ever, a round at a time; every `look_kimg` thousand images the referee looks and tells the balance."""

    @cached_property
    def optimizers(self) -> dict[str, Optimizer]:
        """One for each side, by its name. Made when they are asked for: torch takes a second to load what they need."""
        gpu = self.device.type == "cuda"  # there the rate has a place in memory, so that a recorded step finds it
        made: dict[str, Optimizer] = {}
        for side, network in self.pair.sides().items():
            rate = torch.tensor(self.rates[side], device=self.device) if gpu else self.rates[side]
            made[side] = self.kind(network.parameters(), rate, self.betas, fused=True, capturable=gpu)
            if side in self.optimizer_states:
                take_over(made[side], self.optimizer_states.pop(side))
        return made

    def prepare(self) -> None:
        """Make the optimizers where a clock is about to start, so that it does not count what torch loads for them."""
        _ = self.optimizers

    @property
    def ema(self) -> AveragedModel:
        """The averaged generator."""
        return self.average.model

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.pair.generator.parameters()).device

    def latents(self, n: int) -> Tensor:
        """`n` latents from N(0, 1), [n, *latent_shape] float32."""
        return torch.randn(n, *self.pair.latent_shape, device=self.device)

    def follow(self) -> None:
        """Let the average follow the generator, by as much as the time that has passed since it last did."""
        self.average.update(self.pair.generator, self.nimg, self.nimg - self.nimg_averaged)
        self.nimg_averaged = self.nimg

    def set_rates(self, controls: Controls) -> None:
        """The optimizers' learning rates for the coming round."""
        factors = {"generator": controls.generator_rate, "discriminator": controls.discriminator_rate}
        for side, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                rate = self.rates[side] * controls.rate * factors[side]
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(rate)
                else:
                    group["lr"] = rate

    def next_batch(self, part: Part, seed: int) -> tuple[Tensor, Tensor | None]:
        """The next real members in the networks' numbers, [b, *shape] float32, and their labels [b]; the time moves on."""
        indices = batch_indices(len(part), self.batch, self.nimg + rank() * self.batch, seed)
        self.nimg += self.batch * world()
        reals, labels = self.fetch(part, indices)
        if labels is not None and part.labels is not None:
            self.class_counts += part.labels[indices].bincount(minlength=self.pair.classes)
        return reals, labels

    def fetch(self, part: Part, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        """The members `indices` in the networks' numbers, [b, *shape] float32, and their labels [b] if it wants them."""
        labels = None
        if self.pair.classes:
            if part.labels is None:
                raise ValueError("a conditional pair needs data with labels, and these have none")
            labels = part.labels[indices].to(self.device)
        reals = to_floats(part.take(indices).to(self.device, non_blocking=True), self.pair.pixel_range)
        return reals.contiguous(memory_format=torch.channels_last) if reals.ndim == 4 else reals, labels

    def state(self) -> dict[str, Any]:
        """Everything that must be remembered to go on exactly."""
        tree = {
            "generator": self.pair.generator.state_dict(),
            "discriminator": self.pair.discriminator.state_dict(),
            "ema": self.ema.state_dict(),
            **{f"{side}_optimizer": plain(optimizer.state_dict()) for side, optimizer in self.optimizers.items()},
            "nimg": self.nimg,
        }
        return tree | ({"class_counts": self.class_counts} if self.pair.classes else {})

    def load(self, state: dict[str, Any]) -> None:
        """Take over what ``state()`` gave, also from another device. Raises RuntimeError if the networks differ."""
        self.pair.generator.load_state_dict(state["generator"])
        self.pair.discriminator.load_state_dict(state["discriminator"])
        self.ema.load_state_dict(state["ema"])
        # copies: what ``state()`` gave is still in use by the learner that gave it
        self.optimizer_states = {side: copy.deepcopy(state[f"{side}_optimizer"]) for side in self.pair.sides()}
        self.__dict__.pop("optimizers", None)  # made anew when they are asked for
        if self.pair.classes:
            self.class_counts = state["class_counts"]
        self.nimg = self.nimg_averaged = state["nimg"]


def take_over(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Let the `optimizer` go on from what ``plain`` gave, on its own device."""
    here = [{key: group[key] for key in ("lr", "capturable")} for group in optimizer.param_groups]
    optimizer.load_state_dict(state)
    for group, own in zip(optimizer.param_groups, here, strict=True):
        group.update(own)  # they belong to the device, and each round sets the rate
    for parameter, values in optimizer.state.items():
        for name, value in values.items():
            if value.shape == parameter.shape:  # in the parameter's own memory layout, as Adam made it
                values[name] = torch.empty_like(parameter).copy_(value)


def plain(optimizer_state: dict[str, Any]) -> dict[str, Any]:
    """An optimizer's state with its rate as a number and not for a device, whichever it was on."""
    for group in optimizer_state["param_groups"]:
        group |= {"lr": float(group["lr"]), "capturable": False}
    return optimizer_state


def crossed(before: int, now: int, every_kimg: float) -> bool:
    """Has the time passed a multiple of `every_kimg` since `before`?"""
    return now // (1000 * every_kimg) > before // (1000 * every_kimg)


@contextmanager
def randomness(seed: int, process: int, nimg: int, device: torch.device) -> Iterator[None]:
    """Inside, torch's random numbers are a function of the first three alone; outside, they go on undisturbed."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        number = zlib.crc32(f"{seed}/{process}/{nimg}".encode())
        torch.default_generator.manual_seed(number)  # torch.manual_seed asks every kind of accelerator, at some cost
        if device.type == "cuda":
            torch.cuda.default_generators[device.index or 0].manual_seed(number)
        yield


@torch.no_grad()
def sample(learner: Learner, n: int, seed: int = 0, labels: Tensor | None = None, chunk: int = 500) -> Tensor:
    """`n` fakes of the averaged generator: images [n, c, h, w] uint8 or points [n, d] float32, on the CPU.

    The latents are a function of `seed` alone (drawn on the CPU), so sample i is the same whatever n and the device.
    labels: the classes [n] int64 of a conditional generator; by default those of ``sample_labels``.
    """
    labels = sample_labels(learner, n, seed) if labels is None else labels
    return imagine(learner, sample_latents(learner, n, seed), labels, chunk)


def sample_latents(learner: Learner, n: int, seed: int = 0) -> Tensor:
    """The latents [n, *latent_shape] float32 of ``sample``, on the CPU."""
    # sixteen at a time: torch fills normal numbers in blocks of 16, and a cut block would change the last samples
    return torch.randn(-(-n // 16) * 16, *learner.pair.latent_shape, generator=torch.Generator().manual_seed(seed))[:n]


@torch.no_grad()
def imagine(learner: Learner, latents: Tensor, labels: Tensor | None, chunk: int = 500) -> Tensor:
    """What the averaged generator makes of `latents` [n, *latent_shape]: like ``sample``.

    labels: the classes [n] int64, for a conditional generator alone.
    """
    n = len(latents)
    generator = learner.ema.eval() if learner.nimg else learner.pair.generator.eval()
    fakes = []
    for start in range(0, n, chunk):
        classes = None if labels is None else labels[start : start + chunk].to(learner.device)
        made = apply(generator, latents[start : start + chunk].to(learner.device), classes)
        fakes.append(to_bytes(made, learner.pair.pixel_range).cpu())
    learner.pair.generator.train()
    return torch.cat(fakes)


def sample_labels(learner: Learner, n: int, seed: int = 0) -> Tensor | None:
    """The classes [n] int64 that ``sample`` asks of a conditional generator, as frequent as in training; else None."""
    if not learner.pair.classes:
        return None
    shares = (learner.class_counts.double() + (learner.class_counts.sum() == 0)).cumsum(0)
    generator = torch.Generator().manual_seed(seed + 2**31)  # none of those that latents are drawn with
    places = torch.rand(-(-n // 16) * 16, generator=generator, dtype=torch.float64)[:n] * shares[-1]
    return torch.searchsorted(shares, places, right=True).clamp(max=learner.pair.classes - 1)

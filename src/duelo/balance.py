"""What each side may do, as a function of the duel: neither may become too expert."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from duelo.intervals import wilson

EVEN_MOVES = 1.0  # how fast the weights of the discriminator should move beside the generator's
RATE_STEP = 0.35  # doublings of a rate at a look, at most
MOST_DOUBLINGS = 5.0
MOST_MEMORY = 0.5
AUGMENT_STEP = 0.02
MOST_AUGMENT = 0.8  # beyond, augmentations leak into what is generated: Karras et al. 2020, figure 2


@dataclass(frozen=True)
class Controls:
    """The controls in force during one round.

    discriminator_steps, generator_steps: turns of each side; at 0 it looks on and does not learn (not with extragradient).
    rate: factor on both sides' learning rates, in [0, 1].
    discriminator_rate, generator_rate: a further factor on one side's learning rate, greater than 0.
    penalty_factor: factor on the weights of the discriminator's penalties, at least 0.
    augment: strength of the augmentation that the discriminator sees, in [0, 1].
    noise: standard deviation of the noise added to all that the discriminator sees, in the networks' numbers, at least 0.
    """

    discriminator_steps: int = 1
    generator_steps: int = 1
    rate: float = 1.0
    augment: float = 0.0
    discriminator_rate: float = 1.0
    generator_rate: float = 1.0
    penalty_factor: float = 1.0
    noise: float = 0.0


@dataclass(frozen=True)
class Duel:
    """How the duel stands at one time, on samples of `n` each that nobody learns from.

    train_right, referee_right, fake_right: the share of training images, of referee images (which D never trained on) and of
    fresh fakes that the discriminator judges rightly, in [0, 1]. train_logit, referee_logit, fake_logit: its mean logits.
    train_sign: the mean sign of what it says of training images, against its border, in [-1, 1]: r_t of Karras et al. 2020.
    gap: (its loss at the equilibrium - its loss on referee images and fakes), in the loss's own unit: 0 where nobody leads,
    positive where D does. generator_gap: the generator's loss minus its value at the equilibrium; None where it has none.
    discriminator_gradient, generator_gradient: lengths of the last gradients.
    discriminator_move, generator_move: how far the last round moved the weights, as a share of their length.
    variety: the median distance of a fake to its nearest other fake, as a share of the same for referee images.
    """

    n: int
    train_right: float
    referee_right: float
    fake_right: float
    train_logit: float
    referee_logit: float
    fake_logit: float
    train_sign: float
    gap: float
    generator_gap: float | None
    discriminator_gradient: float
    generator_gradient: float
    discriminator_move: float
    generator_move: float
    variety: float

    @property
    def lead(self) -> float:
        """By how much more than half the discriminator is right on referee images and fakes, in [-1, 1]."""
        return self.referee_right + self.fake_right - 1

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """The 95 % intervals of the three shares (Wilson 1927), by their names."""
        return {name: wilson(getattr(self, name), self.n) for name in ("train_right", "referee_right", "fake_right")}

    @property
    def memory(self) -> float:
        """How much of what the discriminator knows of training images it knows of them alone: r_v of Karras et al. 2020.

        0: it judges images that it never trained on just as well; 1: it takes them for fakes. Meaningless without a lead.
        """
        apart = self.train_logit - self.fake_logit
        return (self.train_logit - self.referee_logit) / apart if apart > 0 else 0.0


class Balance(ABC):
    """Controls for each time of the game; it may watch the duel, and what it remembers belongs into a checkpoint."""

    @abstractmethod
    def __call__(self, nimg: int) -> Controls:
        """The controls for the round that begins when `nimg` images have been seen."""

    def watch(self, duel: Duel) -> None:
        """See how the duel stands; called at regular times."""
        return

    def state(self) -> dict[str, Any]:
        """What it remembers."""
        return {}

    def load(self, state: dict[str, Any]) -> None:
        """Take back what ``state()`` gave."""
        return


class Schedule(Balance):
    """Controls that are a function of time alone."""

    def __init__(self, at: Callable[[int], Controls]) -> None:
        self.at = at

    def __call__(self, nimg: int) -> Controls:
        return self.at(nimg)


class Calmed(Balance):
    """Another balance with lower rates. calm: images seen -> factor on the rates, in (0, 1]."""

    def __init__(self, inner: Balance, calm: Callable[[int], float]) -> None:
        self.inner, self.calm = inner, calm

    def __call__(self, nimg: int) -> Controls:
        controls = self.inner(nimg)
        return replace(controls, rate=controls.rate * self.calm(nimg))

    def watch(self, duel: Duel) -> None:
        """Pass it on."""
        self.inner.watch(duel)


class Adaptive(Balance):
    """Another balance, corrected by what the duel shows, so that neither side becomes too expert.

    Two integral rules after that of Karras et al. 2020 (StyleGAN2-ADA, section 3.1), a small step at each look:
    (1) the rates are shifted from one side to the other until the weights of both move equally fast, as a share of their
    length, for a side that runs away from the other's lessons cannot be taught; the product of the rates stays. (Two time
    scales, Heusel et al. 2017, but measured instead of guessed.) (2) The augmentation grows while the discriminator knows
    its training images by heart, and falls else.
    """

    def __init__(self, inner: Balance) -> None:
        self.inner = inner
        self.doublings = 0.0  # of the discriminator's rate, and halvings of the generator's
        self.augment = 0.0  # added to the inner balance's strength

    def __call__(self, nimg: int) -> Controls:
        controls = self.inner(nimg)
        return replace(
            controls,
            discriminator_rate=controls.discriminator_rate * 2**self.doublings,
            generator_rate=controls.generator_rate / 2**self.doublings,
            augment=max(controls.augment, min(controls.augment + self.augment, MOST_AUGMENT)),
        )

    def watch(self, duel: Duel) -> None:
        """Correct by one step."""
        self.inner.watch(duel)
        if duel.discriminator_move > 0 and duel.generator_move > 0 and math.isfinite(duel.discriminator_move):
            behind = math.log2(EVEN_MOVES * duel.generator_move / duel.discriminator_move)
            self.doublings += RATE_STEP * min(max(behind, -1.0), 1.0)
            self.doublings = min(max(self.doublings, -MOST_DOUBLINGS), MOST_DOUBLINGS)
        if math.isfinite(duel.train_logit + duel.referee_logit + duel.fake_logit):
            self.augment += AUGMENT_STEP if duel.memory > MOST_MEMORY else -AUGMENT_STEP
            self.augment = min(max(self.augment, 0.0), MOST_AUGMENT)

    def state(self) -> dict[str, Any]:
        """Both corrections, and what the inner balance remembers."""
        return {"doublings": self.doublings, "augment": self.augment, "inner": self.inner.state()}

    def load(self, state: dict[str, Any]) -> None:
        """Take back what ``state()`` gave."""
        self.doublings, self.augment = state["doublings"], state["augment"]
        self.inner.load(state["inner"])


def fixed(controls: Controls | None = None) -> Balance:
    """The same controls for the whole game."""
    return Schedule(lambda nimg: controls or Controls())


def annealed(controls: Controls, total_kimg: float, share: float = 0.5, floor: float = 0.1) -> Balance:
    """`controls`, with rates that stay, then during the last `share` (0 to 1) of the game fall in a line to `floor`."""

    def at(nimg: int) -> Controls:
        left = (1 - min(nimg / (1000 * total_kimg), 1.0)) / share
        return replace(controls, rate=controls.rate * (floor + (1 - floor) * min(left, 1)))

    return Schedule(at)

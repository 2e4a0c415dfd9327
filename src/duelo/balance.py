"""What each side may do, as a function of the duel: neither may become too expert."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Controls:
    """The controls in force during one round.

    discriminator_steps, generator_steps: turns of each side, at least 1.
    rate: factor on both sides' learning rates, in [0, 1].
    augment: strength of the augmentation that the discriminator sees, in [0, 1].
    """

    discriminator_steps: int = 1
    generator_steps: int = 1
    rate: float = 1.0
    augment: float = 0.0


Balance = Callable[[int], Controls]  # images seen so far -> controls for the next round


def fixed(controls: Controls | None = None) -> Balance:
    """The same controls for the whole game."""
    return lambda nimg: controls or Controls()


def annealed(controls: Controls, total_kimg: float, share: float = 0.5, floor: float = 0.1) -> Balance:
    """`controls`, with rates that stay, then during the last `share` (0 to 1) of the game fall in a line to `floor`."""

    def at(nimg: int) -> Controls:
        left = (1 - min(nimg / (1000 * total_kimg), 1.0)) / share
        return replace(controls, rate=controls.rate * (floor + (1 - floor) * min(left, 1)))

    return at

"""What reinforcement learning does to keep an actor and its critic stable, for the duel (Pfau & Vinyals 2016, table 1).

The generator is the actor, the discriminator its critic. A target network and entropy regularization need nothing that is
not elsewhere (an average of the discriminator's weights, `duelo.objectives.entropy`); here are the other three.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer


class OptimisticAdam(Adam):
    """Adam that takes each update twice and takes back the one before: Daskalakis et al. 2018, algorithm 1.

    It foresees that the other side's next move resembles its last one: cycles around an equilibrium become spirals.
    """

    if not TYPE_CHECKING:

        @torch.no_grad()
        def step(self, closure: None = None) -> None:
            """One step, from the gradients that are there."""
            moving = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
            before = [p.detach().clone() for p in moving]
            super().step(closure)
            for parameter, old in zip(moving, before, strict=True):
                update = parameter - old
                memory = self.state[parameter]
                parameter.add_(update - memory["update"] if "update" in memory else update)
                memory["update"] = update


class Replay:
    """Past fakes, some of which the discriminator sees again: Shrivastava et al. 2017, section 2.3.

    It cannot forget what the generator made a while ago. share: of each batch, in (0, 1). size: how many fakes are kept.
    """

    def __init__(self, share: float, size: int) -> None:
        self.share, self.size = share, size
        self.past: Tensor | None = None  # [n <= size, *shape]

    def mix(self, fakes: Tensor) -> Tensor:
        """`fakes` [b, *shape] with a share of them exchanged for past ones; new ones take the places of some past ones."""
        if self.past is None or len(self.past) < self.size:
            known = fakes if self.past is None else torch.cat([self.past, fakes])
            self.past = known[: self.size].clone()
            return fakes
        count = round(self.share * len(fakes))
        places = torch.randperm(len(self.past), device=fakes.device)[:count]
        mixed = torch.cat([self.past[places], fakes[count:]])
        self.past[places] = fakes[:count]
        return mixed.contiguous(memory_format=torch.channels_last) if fakes.ndim == 4 else mixed


@contextmanager
def from_where_it_stood(optimizers: dict[str, Optimizer]) -> Iterator[None]:
    """Inside, the weights may move; at the end they stand where they stood, with the gradients measured where they were.

    An extragradient step (Korpelevich 1976; with Adam, Gidel et al. 2019, algorithm 4) looks one round ahead, measures
    the gradients there, and takes the step that they advise from here.
    """
    weights: list[Any] = [p for o in optimizers.values() for group in o.param_groups for p in group["params"]]
    before = [p.detach().clone() for p in weights]
    yield
    with torch.no_grad():
        torch._foreach_copy_(weights, before)

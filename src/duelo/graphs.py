"""On a GPU, a turn's launches recorded once and replayed: a CUDA graph.

A turn of small networks is some hundred short kernels, and to launch each one from Python takes longer than to run it. A
recording launches them all at once, from the same memory, so that all it reads must stay where it is: the weights, the
optimizer's state and the batch, which is copied to its place first. What is a plain number in the turn is part of the
recording; where such numbers change from round to round, the turn is played as it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

STEADY = 4  # so many times in a row a turn must have been played with the same numbers before it is recorded

Turn = Callable[..., tuple[Tensor, ...]]


class Recording:
    """One turn, recorded with batches of the shapes of `inputs`; the optimizer's weights get their gradients from it."""

    def __init__(self, turn: Turn, inputs: tuple[Tensor | None, ...], optimizer: Optimizer) -> None:
        self.inputs = tuple(None if x is None else x.clone() for x in inputs)
        self.graph = torch.cuda.CUDAGraph()
        optimizer.zero_grad(set_to_none=True)  # the gradients get a place in the recording's own memory
        with torch.cuda.graph(self.graph):
            self.outputs = torch.stack(turn(*self.inputs))
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        self.gradients = [(weight, weight.grad) for weight in weights]

    def replay(self, inputs: tuple[Tensor | None, ...]) -> tuple[Tensor, ...]:
        """The turn with another batch: what it gives, copied, since the next replay writes in the same place."""
        for place, x in zip(self.inputs, inputs, strict=True):
            if place is not None and x is not None:
                place.copy_(x)
        self.graph.replay()
        for weight, gradient in self.gradients:
            weight.grad = gradient
        return self.outputs.clone().unbind()


class Recordings:
    """The turns of one game: each is played as it is written until it is steady, then recorded and replayed."""

    def __init__(self) -> None:
        self.steady: dict[str, tuple[Hashable, int]] = {}  # name -> the numbers it was last played with, how often in a row
        self.kept: dict[str, tuple[Hashable, Recording]] = {}
        self.stream: torch.cuda.Stream | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Recordings:
        return Recordings()  # a copied game has weights in other places

    def forget(self) -> None:
        """The weights or the optimizers' state lie elsewhere now."""
        self.steady.clear()
        self.kept.clear()

    def play(
        self, name: str, numbers: Hashable, turn: Turn, inputs: tuple[Tensor | None, ...], optimizer: Optimizer
    ) -> tuple[Tensor, ...]:
        """The turn `name` with `inputs`: outputs, all of one shape [b]. numbers: all else that it depends on.

        The turn must end with a step of `optimizer`, whose state then exists, and draw from torch's global random numbers.
        """
        numbers = (numbers, *(None if x is None else (x.shape, x.dtype) for x in inputs))
        if name in self.kept and self.kept[name][0] == numbers:
            return self.kept[name][1].replay(inputs)
        last, times = self.steady.get(name, (None, 0))
        times = times + 1 if last == numbers else 1
        self.steady[name] = (numbers, times)
        if times >= STEADY:
            self.kept.pop(name, None)
            self.kept[name] = (numbers, Recording(turn, inputs, optimizer))
            return self.kept[name][1].replay(inputs)
        self.stream = self.stream or torch.cuda.Stream()  # libraries set themselves up where nothing else is under way
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            outputs = turn(*inputs)
        torch.cuda.current_stream().wait_stream(self.stream)
        return outputs

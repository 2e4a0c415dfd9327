"""What every source of data gives: named parts, each with one use."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from duelo.data.toys import Mixture


class Part(ABC):
    """One part of a data set: members that are fetched by their numbers, wherever they are kept.

    labels: the members' classes [n] int64, or None.
    """

    labels: Tensor | None

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of one member: (c, h, w) for images, (d,) for points."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def take(self, indices: Tensor) -> Tensor:
        """The members `indices` [b] int64: images [b, c, h, w] uint8 in 0..255, or points [b, d] float32; a copy."""

    def near(self, device: torch.device) -> Part:
        """The same part, its members in the device's memory if they fit there well; they are fetched faster then."""
        return self

    def first(self, n: int) -> Tensor:
        """The first `n` members, or all if there are fewer."""
        return self.take(torch.arange(min(n, len(self))))

    def drawn(self, n: int, seed: int = 0) -> Tensor:
        """`n` members at random, or all if there are fewer, in a random order: a few hands may have made the first ones."""
        return self.take(torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))[:n])


class InMemory(Part):
    """A part held as one tensor.

    values: images [n, c, h, w] uint8 in 0..255, or points [n, d] float32. labels: classes [n] int64, or None.
    """

    def __init__(self, values: Tensor, labels: Tensor | None = None) -> None:
        self.values, self.labels = values, labels

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one member."""
        return tuple(self.values.shape[1:])

    def __len__(self) -> int:
        return len(self.values)

    def take(self, indices: Tensor) -> Tensor:
        """The members `indices` [b]."""
        return self.values[indices.to(self.values.device, non_blocking=True)]

    def near(self, device: torch.device) -> Part:
        """The same part, in the device's memory if a quarter of what is free there holds it."""
        if device.type != "cuda" or self.values.nbytes > torch.cuda.mem_get_info(device)[0] / 4:
            return self
        return InMemory(self.values.to(device), self.labels)


@dataclass(frozen=True)
class Dataset:
    """A data set, cut into parts that never share a member.

    train: what weights are trained on. referee: live judgements, balance, choice of the best point.
    heldout: final measures only; of the same distribution as train. test: a data set's own test part, reported apart.
    truth: the exact distribution, where it is known. classes: the names of the labels 0, 1, ...; empty without labels.
    """

    name: str
    train: Part
    referee: Part
    heldout: Part
    test: Part | None = None
    truth: Mixture | None = None
    classes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one member: (c, h, w) for images, (d,) for points."""
        return self.train.shape


def batch_indices(n: int, batch: int, nimg: int, seed: int) -> Tensor:
    """Which of `n` members are number nimg .. nimg + batch - 1 in an endless shuffled reading, [batch] int64.

    Each pass over the data has an order of its own. A function of its arguments alone, so that a resumed run reads on
    where the killed one stopped.
    """
    parts = []
    while batch:
        turn, start = divmod(nimg, n)
        parts.append(_order(n, turn, seed)[start : start + batch])
        nimg += len(parts[-1])
        batch -= len(parts[-1])
    return torch.cat(parts)


@lru_cache(maxsize=4)
def _order(n: int, turn: int, seed: int) -> Tensor:
    # two seeds would share an order only after a million passes
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed * 1_000_003 + turn))

"""`stacked-digits`: three digits as red, green and blue of one image, 1,000 modes (Metz et al. 2017, section 3.3.1).

A member is three numbers of digits; its image is put together when it is fetched. The members of a part are made of digits
of the same part of `digits` alone, so a held-out triple shares no digit with a training triple.
"""

from __future__ import annotations

import copy
from functools import cache

import torch
from torch import Tensor

from duelo.data import digits
from duelo.data.dataset import Dataset, Part

SIZES = {"train": 1_000_000, "referee": 2_000, "heldout": 26_000, "test": 26_000}  # 26,000: PacGAN's protocol


class Triples(Part):
    """`n` triples of members of `part` (grey images with labels), drawn evenly and independently by `seed`."""

    def __init__(self, part: Part, n: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.part = part
        self.members = torch.randint(len(part), (n, 3), generator=generator, dtype=torch.int32)
        assert part.labels is not None
        hundreds, tens, ones = part.labels[self.members.long()].unbind(1)
        self.labels = 100 * hundreds + 10 * tens + ones

    @property
    def shape(self) -> tuple[int, ...]:
        """Colour, and the height and width of a digit."""
        return (3, *self.part.shape[1:])

    def __len__(self) -> int:
        return len(self.members)

    def take(self, indices: Tensor) -> Tensor:
        """The members `indices` [b], [b, 3, h, w] uint8."""
        chosen = self.members[indices.to(self.members.device)].long()  # [b, 3]
        return self.part.take(chosen.flatten()).reshape(len(chosen), *self.shape)

    def near(self, device: torch.device) -> Part:
        """The same triples, their digits and numbers in the device's memory if they fit there well."""
        part = self.part.near(device)
        if part is self.part:
            return self
        other = copy.copy(self)
        other.part, other.members = part, self.members.to(device)
        return other


@cache
def load() -> Dataset:
    """A million training triples; label 100 a + 10 b + c for the digits a, b, c in red, green and blue."""
    source = digits.load()
    assert source.test is not None
    parts = {"train": source.train, "referee": source.referee, "heldout": source.heldout, "test": source.test}
    triples = {name: Triples(part, SIZES[name], seed) for seed, (name, part) in enumerate(parts.items())}
    names = tuple(f"{label:03d}" for label in range(1000))
    return Dataset(
        "stacked-digits", triples["train"], triples["referee"], triples["heldout"], triples["test"], classes=names
    )

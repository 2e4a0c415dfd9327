"""Data: sources, each cut into train, referee and heldout (and test where a data set brings one)."""

from __future__ import annotations

import torch

from duelo.data import digits
from duelo.data.dataset import Dataset, Part, batch_indices
from duelo.data.toys import Mixture, grid, ring

__all__ = ["Dataset", "Mixture", "Part", "batch_indices", "grid", "load", "ring", "toy_dataset"]


def load(name: str) -> Dataset:
    """The data set `name`: "digits", "ring" or "grid". Raises KeyError for another name."""
    if name == "digits":
        return digits.load()
    return toy_dataset({"ring": ring, "grid": grid}[name]())


def toy_dataset(truth: Mixture) -> Dataset:
    """Exact draws from `truth`: 100,000 train, 2,000 referee, 10,000 heldout; always the same ones."""
    generator = torch.Generator().manual_seed(0)
    train, referee, heldout = (Part(truth.sample(n, generator)) for n in (100_000, 2_000, 10_000))
    return Dataset(truth.name, train, referee, heldout, truth=truth)

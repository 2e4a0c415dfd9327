"""The 70,000 MNIST digits, shipped inside the package.

`digits.bin` is the four canonical IDX files, uncompressed and one after the other, packed with zlib (see
tools/pack_digits.py). The licence and the attribution are in `digits.LICENSE.txt` beside it.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import torch

from duelo.data.dataset import Dataset, InMemory
from duelo.data.split import content_hashes, split_by_content
from duelo.words import UserError

HELDOUT, REFEREE = 10_000, 2_000


@dataclass(frozen=True)
class IdxFile:
    """One of the canonical files: its name, its uncompressed size in bytes, their SHA-256, and its header's size."""

    name: str
    size: int
    sha256: str
    header: int


CANONICAL = (
    IdxFile(
        "train-images-idx3-ubyte",
        47_040_016,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        16,
    ),
    IdxFile(
        "train-labels-idx1-ubyte",
        60_008,
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        8,
    ),
    IdxFile(
        "t10k-images-idx3-ubyte",
        7_840_016,
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        16,
    ),
    IdxFile(
        "t10k-labels-idx1-ubyte",
        10_008,
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        8,
    ),
)


def unpack(packed: bytes) -> list[bytes]:
    """The four canonical files' bytes. Raises UserError unless each has its canonical SHA-256."""
    try:
        joined = zlib.decompress(packed)
    except zlib.error as error:
        raise UserError("digits.corrupt", file="digits.bin") from error
    contents, start = [], 0
    for file in CANONICAL:
        content = joined[start : start + file.size]
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise UserError("digits.corrupt", file=file.name)
        contents.append(content)
        start += file.size
    return contents


@cache
def load() -> Dataset:
    """`digits`: 48,000 train, 2,000 referee and 10,000 heldout of the canonical training digits, and the test digits.

    The test digits are a part of their own because they are not a sample of the training distribution (their writers
    are other people); quality and equilibrium are judged against heldout, which is.
    """
    packed = files("duelo.data").joinpath("digits.bin").read_bytes()
    contents = unpack(packed)
    images, labels, test_images, test_labels = (
        np.frombuffer(content, np.uint8, offset=file.header) for content, file in zip(contents, CANONICAL, strict=True)
    )
    images = images.reshape(-1, 1, 28, 28)
    indices = split_by_content(content_hashes(images), HELDOUT, REFEREE)
    parts = {
        name: InMemory(torch.from_numpy(images[chosen]), torch.from_numpy(labels[chosen].astype(np.int64)))
        for name, chosen in indices.items()
    }
    test = InMemory(
        torch.from_numpy(test_images.reshape(-1, 1, 28, 28).copy()), torch.from_numpy(test_labels.astype(np.int64))
    )
    return Dataset("digits", parts["train"], parts["referee"], parts["heldout"], test)

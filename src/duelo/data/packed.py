"""A packed data set: one file with decoded, framed images and all that is known of them, mapped into memory when used.

It is a safetensors file with these tensors: `images` uint8 [n, c, h, w]; `labels` int64 [n] (absent without classes);
`hashes` uint8 [n, 32], the SHA-256 of each image; `parts` uint8 [n], an index into PARTS; `names` and `info`, UTF-8 text.
The images begin at ROOM, a whole number of memory pages.
"""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from duelo.data.arrays import MODES
from duelo.data.dataset import Dataset, Part
from duelo.data.framing import LARGEST, SMALLEST
from duelo.data.sources import Member, Source
from duelo.data.split import PARTS
from duelo.words import UserError, say

FORMAT = "duelo-pack-1"
ROOM = 2**16  # bytes for the header
RELEASE = 32 * 2**20  # after this many bytes were read, the pages read so far are given back
PAGES = 2**16  # bytes that the system maps around each row that is read
INFO: dict[str, tuple[type, ...]] = {  # what info says, see survey.py and packing.py
    **dict.fromkeys(("source", "kind", "fit", "alpha"), (str,)),
    **dict.fromkeys(("others", "links", "different_sizes", "transparent", "animated", "resized", "enlarged"), (int,)),
    **dict.fromkeys(("unreadable", "exact", "near"), (int,)),
    **dict.fromkeys(("bad", "sizes", "classes", "alike"), (list,)),
    **dict.fromkeys(("modes", "formats"), (dict,)),
    **{"heldout": (str, type(None)), "mixed_labels": (bool,), "cut": (float, int)},
}
TYPES: dict[str, np.dtype[Any]] = {"U8": np.dtype(np.uint8), "I64": np.dtype("<i8")}


class Rows(Part):
    """Some rows of a packed file, fetched from the disk as they are wanted: memory use does not grow with the data."""

    def __init__(self, pack: Pack, rows: NDArray[np.int64]) -> None:
        self.pack, self.rows = pack, rows
        self.labels = None if pack.labels is None else torch.from_numpy(pack.labels[rows])

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one image, (c, h, w)."""
        return self.pack.shape

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, indices: Tensor) -> Tensor:
        """The images `indices` [b], [b, c, h, w] uint8."""
        return torch.from_numpy(self.pack.read(self.rows[indices.numpy()]))


@dataclass(frozen=True)
class Pack:
    """An open packed file. info: what was found and decided when it was packed (see packing.py)."""

    path: Path
    memory: mmap.mmap
    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    hashes: NDArray[np.uint8]
    parts: NDArray[np.uint8]
    names: list[str]
    info: dict[str, Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one image, (c, h, w)."""
        return tuple(self.images.shape[1:])

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """A copy of these rows, [b, c, h, w]."""
        step = max(1, RELEASE // (math.prod(self.shape) + PAGES))
        pieces = []
        for start in range(0, max(1, len(rows)), step):
            pieces.append(self.images[rows[start : start + step]])
            self._give_back(pieces[-1].nbytes, len(pieces[-1]))
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _give_back(self, nbytes: int, rows: int) -> None:
        # the system keeps what it likes in its cache; without this it would count as ours until it is short of memory
        self._read[0] += nbytes + rows * PAGES
        if self._read[0] >= RELEASE and sys.platform == "linux":
            self.memory.madvise(mmap.MADV_DONTNEED)
            self._read[0] = 0

    @cached_property
    def _read(self) -> list[int]:
        return [0]  # bytes read since pages were given back

    def part(self, name: str) -> Rows:
        """One of PARTS, in the order of the images' hashes: neither names nor the order of files matter."""
        order = self.by_content
        return Rows(self, order[self.parts[order] == PARTS.index(name)])

    def dataset(self, name: str) -> Dataset:
        """The pack as a data set."""
        train, referee, heldout = (self.part(part) for part in PARTS[:3])
        return Dataset(name, train, referee, heldout, classes=tuple(self.info["classes"]))

    @cached_property
    def by_content(self) -> NDArray[np.intp]:
        """The rows in the order of their hashes; equal images in the order of their labels and parts."""
        labels = np.zeros(len(self.parts), np.int64) if self.labels is None else self.labels
        return np.lexsort([self.parts, labels, *np.ascontiguousarray(self.hashes).view(">u8").T[::-1]])

    @cached_property
    def fingerprint(self) -> str:
        """Of all that training and measuring see: images, labels, parts; not names, places or order. 16 hex digits."""
        rows = self.by_content
        digest = hashlib.sha256(json.dumps([self.shape, self.info["classes"]]).encode())
        for column in (self.hashes, self.parts, self.labels):
            digest.update(b"" if column is None else column[rows].tobytes())
        return digest.hexdigest()[:16]

    def damaged(self) -> Iterator[int]:
        """The rows whose image no longer has its hash."""
        for i, image in enumerate(self.images):
            if hashlib.sha256(image.tobytes()).digest() != self.hashes[i].tobytes():
                yield i
            self._give_back(image.nbytes, 1)


class Packed(Source):
    """A packed file as a source of images, to be framed anew."""

    kind = "packed"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.pack = open_pack(path)

    def __len__(self) -> int:
        return len(self.pack.images)

    def members(self) -> Iterator[Member]:
        """The rows in their order."""
        classes, mode = self.pack.info["classes"], MODES[self.pack.shape[0]]
        for i, name in enumerate(self.pack.names):
            label = None if self.pack.labels is None else classes[self.pack.labels[i]]
            row = self.pack.read(np.array([i]))[0].transpose(1, 2, 0)
            yield Member(name, label, lambda row=row: Image.frombytes(mode, row.shape[1::-1], row.tobytes()))  # type: ignore[misc]


def is_pack(path: Path) -> bool:
    """Does this file begin as a packed data set does?"""
    try:
        with path.open("rb") as file:
            return FORMAT.encode() in file.read(512)
    except OSError:
        return False


def open_pack(path: Path) -> Pack:
    """Open a packed file. Raises UserError if it is not one, or damaged, or cannot be read."""
    try:
        with path.open("rb") as file:
            memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise UserError("data.unreadable", path=path, why=error.strerror) from error
    except ValueError as error:  # an empty file
        raise UserError("data.pack_damaged", path=path) from error
    try:
        tensors = _tensors(memory)
        images, parts, hashes = tensors["images"], tensors["parts"], tensors["hashes"]
        labels = tensors.get("labels")
        info = json.loads(tensors["info"].tobytes())
        names = tensors["names"].tobytes().decode("utf-8", "replace").split("\n")
        n, c, h, w = images.shape
        wrong = (
            not 1 <= c <= 4
            or not (SMALLEST <= h <= LARGEST and SMALLEST <= w <= LARGEST)
            or hashes.shape != (n, 32)
            or parts.shape != (n,)
            or any(array.dtype != np.uint8 for array in (images, parts, hashes))
            or not all((parts == i).any() for i in range(3))
            or parts.max() >= len(PARTS)
            or len(names) != n
            or not _good_info(info)
            or (labels is None) != (info["classes"] == [])
            or (labels is not None and not _good_labels(labels, n, len(info["classes"])))
        )
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, struct.error) as error:
        raise UserError("data.pack_damaged", path=path) from error
    if wrong:
        raise UserError("data.pack_damaged", path=path)
    return Pack(path, memory, images, labels, hashes.copy(), parts.copy(), names, info)


def _good_info(info: dict[str, Any]) -> bool:
    """Is all there that is asked of it later? Raises an error of some kind where it is not even of the right form."""
    for name, key, values in info["bad"]:
        say(key, None, name=name, **values)
    texts = (*info["classes"], *(name for group in info["alike"] for name in group))
    good = all(isinstance(info[key], types) for key, types in INFO.items())
    return good and all(isinstance(text, str) for text in texts) and len(set(info["classes"])) == len(info["classes"])


def _good_labels(labels: NDArray[Any], n: int, classes: int) -> bool:
    return labels.shape == (n,) and labels.dtype == TYPES["I64"] and labels.min() >= 0 and labels.max() < classes


def _tensors(memory: mmap.mmap) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file, as views. Raises ValueError and its kin for anything wrong."""
    (length,) = struct.unpack("<Q", memory[:8])
    if length != ROOM - 8:
        raise ValueError(length)
    header = json.loads(memory[8:ROOM])
    if header.pop("__metadata__")["format"] != FORMAT:
        raise ValueError("another format")
    arrays, end = {}, ROOM
    for name, entry in header.items():
        start, stop = (ROOM + offset for offset in entry["data_offsets"])
        dtype, shape = TYPES[entry["dtype"]], tuple(entry["shape"])
        sound = all(type(side) is int and side >= 0 for side in (*shape, start, stop))
        if not sound or stop - start != math.prod(shape) * dtype.itemsize or not ROOM <= start <= stop <= len(memory):
            raise ValueError(name)
        arrays[name] = np.frombuffer(memory, dtype, math.prod(shape), start).reshape(shape)
        end = max(end, stop)
    if end != len(memory):
        raise ValueError("cut short, or longer than it says")
    return arrays

"""Images that come as one array: IDX and NPZ files, read a row at a time, their headers not believed but checked."""

from __future__ import annotations

import ast
import gzip
import math
import re
import struct
import zipfile
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from duelo.data.archives import PLAIN, archive_errors
from duelo.data.decode import MOST_BYTES, MOST_PIXELS, Unreadable, plain
from duelo.data.sources import Member, Source, signature_of
from duelo.words import UserError

MOST_SWELLING = 1100  # deflate cannot make more bytes of one
MOST_ROWS = 5_000_000
MOST_HEADER = 2000  # bytes of an array's
BLOCK = 65_536  # labels read at a time
LARGEST = 2**63  # beyond any number that a header can mean
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


class Rows(Source):
    """An array of images [n, h, w] or [n, h, w, c] in a file, and perhaps labels [n]."""

    shape: tuple[int, int, int, int]  # n, h, w, c
    labels: list[str] | None = None
    kind_of_value: np.dtype[Any] = np.dtype(np.uint8)  # or two bytes, in either order

    def __len__(self) -> int:
        return self.shape[0]

    @abstractmethod
    def stream(self) -> IO[bytes]:
        """The rows' bytes from the first one on."""

    def members(self) -> Iterator[Member]:
        """The rows in their order, named by their numbers."""
        n, h, w, c = self.shape
        size = h * w * c * self.kind_of_value.itemsize
        readable = h * w <= MOST_PIXELS and size <= MOST_BYTES
        with archive_errors(self.path), self.stream() as stream:
            for i in range(n):
                content = stream.read(size) if readable else b""
                if readable and len(content) != size:
                    raise UserError("data.short", path=self.path, n=n, found=i)
                label = self.labels[i] if self.labels is not None else None
                yield Member(str(i), label, lambda content=content: self.picture(content), len(content))  # type: ignore[misc]

    def picture(self, content: bytes) -> Image.Image:
        """One row's bytes as a picture."""
        _, h, w, c = self.shape
        if not content:
            raise Unreadable("bad.huge", width=w, height=h)
        pixels = np.frombuffer(content, self.kind_of_value)
        if pixels.itemsize > 1:
            pixels = (pixels / 257).round().astype(np.uint8)
        return Image.frombytes(MODES[c], (w, h), pixels.tobytes())

    def checked(self, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
        """A header's shape as (n, h, w, c). Raises UserError for one that cannot be images."""
        n, h, w, c = (*shape, 1) if len(shape) == 3 else shape if len(shape) == 4 else (0, 0, 0, 0)
        if not (n >= 1 and h >= 1 and w >= 1 and c in MODES):
            raise UserError("data.array_shape", path=self.path, shape=shape[:8])
        if n > MOST_ROWS:
            raise UserError("data.too_many", path=self.path, n=n, most=MOST_ROWS)
        return n, h, w, c


class Idx(Rows):
    """The IDX format of MNIST, plain or gzip: 0, 0, type, number of sides, each side as four bytes; then the bytes.

    The labels are in a file beside it with "labels" in place of "images" in its name.
    """

    kind = "IDX"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        shape, self.start = self.header(path)
        self.shape = self.checked(shape)
        beside = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
        spellings = (beside, beside.with_name(beside.name + ".gz"), beside.with_name(beside.name.removesuffix(".gz")))
        self.labels_file = next((file for file in spellings if file != path and file.is_file()), None)
        if self.labels_file is not None:
            self.labels = self.read_labels(self.labels_file)

    def header(self, path: Path) -> tuple[tuple[int, ...], int]:
        """The sides that an IDX file claims, and where its values begin. Raises UserError if it cannot hold so many."""
        with archive_errors(path), open_maybe_gzip(path) as file:
            start = file.read(4)
            if len(start) < 4 or start[:2] != b"\0\0":
                raise UserError("data.not_idx", path=path)
            if start[2] != 8:
                raise UserError("data.idx_type", path=path)
            sides = file.read(4 * start[3])
        if len(sides) != 4 * start[3] or not sides:
            raise UserError("data.not_idx", path=path)
        shape = struct.unpack(f">{start[3]}I", sides)
        held = path.stat().st_size * (MOST_SWELLING if is_gzip(path) else 1)
        if math.prod(shape) + 4 + len(sides) > held:
            raise UserError("data.idx_lies", path=path, shape=shape[:8])
        return shape, 4 + len(sides)

    def read_labels(self, path: Path) -> list[str]:
        """The labels file's values. Raises UserError unless there is one for each image."""
        shape, start = self.header(path)
        if shape != self.shape[:1]:
            raise UserError("data.idx_labels", path=path, shape=shape[:8], n=self.shape[0])
        with archive_errors(path), open_maybe_gzip(path) as file:
            values = file.read(start + shape[0])[start:]
        if len(values) != shape[0]:
            raise UserError("data.short", path=path, n=shape[0], found=len(values))
        return [str(value) for value in values]

    def stream(self) -> IO[bytes]:
        """The rows' bytes."""
        file = open_maybe_gzip(self.path)
        file.read(self.start)
        return file

    def signature(self) -> str:
        """Of the images and of the labels beside them."""
        return "".join(signature_of(file) for file in (self.path, self.labels_file) if file is not None)


def is_gzip(path: Path) -> bool:
    """Does the file begin as gzip does?"""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def open_maybe_gzip(path: Path) -> IO[bytes]:
    """The file, uncompressed."""
    return gzip.open(path) if is_gzip(path) else path.open("rb")  # type: ignore[return-value]


class Npz(Rows):
    """An .npz file with `images` [n, h, w] or [n, h, w, c], uint8 or uint16, and perhaps `labels` [n]."""

    kind = "NPZ"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with archive_errors(path), zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
            for method in {info.compress_type for info in archive.infolist()}.difference(PLAIN):
                raise zipfile.BadZipFile(f"compression {method}")
            key = "images" if "images" in names else names[0] if len(names) == 1 else ""
            if not key:
                raise UserError("data.npz_keys", path=path, keys=plain(", ".join(names)[:200]))
            self.key = key
            shape, kind, self.start = self.header(archive, key)
            self.kind_of_value = kind
            if kind.kind != "u" or kind.itemsize > 2:
                raise UserError("data.npz_type", path=path, key=plain(key), kind=kind)
            self.shape = self.checked(shape)
            if "labels" in names:
                self.labels = self.read_labels(archive)

    def header(self, archive: zipfile.ZipFile, key: str) -> tuple[tuple[int, ...], np.dtype[Any], int]:
        """An array's shape and type, and where its values begin (the .npy format, version 1 to 3).

        Read by hand, and checked against the file's size: numpy's own reader would allocate what a lying header claims.
        """
        with archive.open(f"{key}.npy") as file:
            start = file.read(12)
            if start[:6] != b"\x93NUMPY" or len(start) < 12 or start[6] not in (1, 2, 3):
                raise UserError("data.npz_array", path=self.path, key=plain(key))
            begin = 10 if start[6] == 1 else 12
            length = int.from_bytes(start[8:begin], "little")
            if length > MOST_HEADER:
                raise UserError("data.npz_array", path=self.path, key=plain(key))
            text = (start[begin:] + file.read(length - (12 - begin)))[:length].decode("latin-1")
        try:
            entries = ast.literal_eval(text.strip())
            shape, kind, by_columns = entries["shape"], entries["descr"], entries["fortran_order"]
            if not (isinstance(shape, tuple) and all(type(side) is int and 0 <= side < LARGEST for side in shape)):
                raise ValueError(shape)
            simple = isinstance(kind, str) and re.fullmatch(r"[<>|=]?[?biufcmMOSUV]\d{0,4}", kind)
            dtype = np.dtype(kind if simple else object)
        except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError) as error:
            raise UserError("data.npz_array", path=self.path, key=plain(key)) from error
        if by_columns is not False:
            raise UserError("data.npz_order", path=self.path, key=plain(key))
        info = archive.getinfo(f"{key}.npy")
        right = math.prod(shape) * dtype.itemsize + begin + length == info.file_size
        packed = min(info.compress_size, self.path.stat().st_size)
        if dtype.kind != "O" and not (right and info.file_size <= MOST_SWELLING * max(packed, 1)):
            raise UserError("data.npz_lies", path=self.path, key=plain(key), shape=shape[:8])
        return shape, dtype, begin + length

    def read_labels(self, archive: zipfile.ZipFile) -> list[str]:
        """The labels as texts. Raises UserError unless they are whole numbers or short texts, one for each image."""
        shape, kind, start = self.header(archive, "labels")
        n = self.shape[0]
        small = 1 <= kind.itemsize <= 1024 and n * kind.itemsize <= MOST_BYTES
        if kind.kind not in "biuSU" or shape != (n,) or not small:
            raise UserError("data.npz_labels", path=self.path, kind=kind, shape=shape[:8], n=n)
        known: dict[str, str] = {}  # each text is kept once
        labels: list[str] = []
        with archive.open("labels.npy") as file:
            file.read(start)
            for first in range(0, n, BLOCK):
                values = np.frombuffer(file.read(min(BLOCK, n - first) * kind.itemsize), kind).tolist()
                texts = (value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in values)
                labels += [known.setdefault(text, plain(text)) for text in texts]
        if len(labels) != n:
            raise UserError("data.short", path=self.path, n=n, found=len(labels))
        return labels

    def stream(self) -> IO[bytes]:
        """The rows' bytes."""
        file = zipfile.ZipFile(self.path).open(f"{self.key}.npy")  # noqa: SIM115  closed by the reader
        file.read(self.start)
        return file

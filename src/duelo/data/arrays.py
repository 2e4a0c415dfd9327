"""Images that come as one array: IDX and NPZ files, read a row at a time, their headers not believed but checked."""

from __future__ import annotations

import ast
import gzip
import math
import re
import struct
import zipfile
import zlib
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from duelo.data.sources import Member, Source, signature_of
from duelo.words import UserError

MOST_SIDE = 65_536
MOST_SWELLING = 1100  # deflate cannot make more bytes of one
MOST_ROWS = 100_000_000
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
FAILURES = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, struct.error)


class Rows(Source):
    """An array of images [n, h, w] or [n, h, w, c] in a file, and perhaps labels [n]."""

    shape: tuple[int, int, int, int]  # n, h, w, c
    labels: list[str] | None = None
    sixteen = False  # two bytes a value, the lower first

    def __len__(self) -> int:
        return self.shape[0]

    @abstractmethod
    def stream(self) -> IO[bytes]:
        """The rows' bytes from the first one on."""

    def members(self) -> Iterator[Member]:
        """The rows in their order, named by their numbers."""
        n, h, w, c = self.shape
        size = h * w * c * (2 if self.sixteen else 1)
        with failures(self.path), self.stream() as stream:
            for i in range(n):
                content = stream.read(size)
                if len(content) != size:
                    raise UserError("data.short", path=self.path, n=n, found=i)
                label = self.labels[i] if self.labels is not None else None
                yield Member(str(i), label, lambda content=content: self.picture(content))  # type: ignore[misc]

    def picture(self, content: bytes) -> Image.Image:
        """One row's bytes as a picture."""
        _, h, w, c = self.shape
        pixels = np.frombuffer(content, "<u2" if self.sixteen else np.uint8)
        if self.sixteen:
            pixels = (pixels / 257).round().astype(np.uint8)
        return Image.frombytes(MODES[c], (w, h), pixels.tobytes())

    def checked(self, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
        """A header's shape as (n, h, w, c). Raises UserError for one that cannot be images."""
        n, h, w, c = (*shape, 1) if len(shape) == 3 else shape if len(shape) == 4 else (0, 0, 0, 0)
        if not (1 <= n <= MOST_ROWS and 1 <= h <= MOST_SIDE and 1 <= w <= MOST_SIDE and c in MODES):
            raise UserError("data.array_shape", path=self.path, shape=shape)
        return n, h, w, c


@contextmanager
def failures(path: Path) -> Iterator[None]:
    """Inside, what a damaged file makes its library raise becomes a UserError that names the file."""
    try:
        yield
    except FAILURES as error:
        raise UserError("data.archive", path=path, why=" ".join(str(error).split())[:100]) from error


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
        with failures(path), open_maybe_gzip(path) as file:
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
            raise UserError("data.idx_lies", path=path, shape=shape)
        return shape, 4 + len(sides)

    def read_labels(self, path: Path) -> list[str]:
        """The labels file's values. Raises UserError unless there is one for each image."""
        shape, start = self.header(path)
        if shape != self.shape[:1]:
            raise UserError("data.idx_labels", path=path, shape=shape, n=self.shape[0])
        with failures(path), open_maybe_gzip(path) as file:
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
        with failures(path), zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
            key = "images" if "images" in names else names[0] if len(names) == 1 else ""
            if not key:
                raise UserError("data.npz_keys", path=path, keys=", ".join(names)[:200])
            self.key = key
            shape, kind, self.start = self.header(archive, key)
            self.sixteen = kind == np.dtype("<u2")
            if not self.sixteen and kind != np.dtype(np.uint8):
                raise UserError("data.npz_type", path=path, key=key, kind=kind)
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
                raise UserError("data.npz_array", path=self.path, key=key)
            begin = 10 if start[6] == 1 else 12
            length = int.from_bytes(start[8:begin], "little")
            if length > 10_000:
                raise UserError("data.npz_array", path=self.path, key=key)
            text = (start[begin:] + file.read(length - (12 - begin)))[:length].decode("latin-1")
        try:
            entries = ast.literal_eval(text.strip())
            shape, kind, by_columns = entries["shape"], entries["descr"], entries["fortran_order"]
            if not (isinstance(shape, tuple) and all(type(side) is int and side >= 0 for side in shape)):
                raise ValueError(shape)
            plain = isinstance(kind, str) and re.fullmatch(r"[<>|=]?[a-zA-Z]\d{0,4}", kind)
            dtype = np.dtype(kind if plain else object)
        except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError) as error:
            raise UserError("data.npz_array", path=self.path, key=key) from error
        if by_columns is not False:
            raise UserError("data.npz_order", path=self.path, key=key)
        info = archive.getinfo(f"{key}.npy")
        right = math.prod(shape) * dtype.itemsize + begin + length == info.file_size
        if dtype.kind != "O" and not (right and info.file_size <= MOST_SWELLING * max(info.compress_size, 1)):
            raise UserError("data.npz_lies", path=self.path, key=key, shape=shape)
        return shape, dtype, begin + length

    def read_labels(self, archive: zipfile.ZipFile) -> list[str]:
        """The labels as texts. Raises UserError unless they are whole numbers or short texts, one for each image."""
        shape, kind, start = self.header(archive, "labels")
        if kind.kind not in "biuSU" or kind.itemsize > 1024 or shape != self.shape[:1]:
            raise UserError("data.npz_labels", path=self.path, kind=kind, shape=shape, n=self.shape[0])
        with archive.open("labels.npy") as file:
            values = np.frombuffer(file.read()[start:], kind).tolist()
        return [value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in values]

    def stream(self) -> IO[bytes]:
        """The rows' bytes."""
        file = zipfile.ZipFile(self.path).open(f"{self.key}.npy")  # noqa: SIM115  closed by the reader
        file.read(self.start)
        return file

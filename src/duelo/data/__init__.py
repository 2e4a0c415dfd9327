"""Data: sources, each cut into train, referee and heldout (and test where a data set brings one)."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import torch

from duelo.checkpoint import writing
from duelo.data import digits, stacked
from duelo.data.archives import Tar, Zip
from duelo.data.arrays import Idx, Npz
from duelo.data.dataset import Dataset, InMemory, Part, batch_indices
from duelo.data.framing import Framing
from duelo.data.packed import Pack, Packed, is_pack, open_pack
from duelo.data.packing import pack
from duelo.data.sources import IMAGES, Source, read_folder, read_manifest
from duelo.data.survey import Progress
from duelo.data.toys import Mixture, grid, ring
from duelo.words import UserError

__all__ = [
    "Dataset",
    "Framing",
    "InMemory",
    "Mixture",
    "Pack",
    "Part",
    "Progress",
    "batch_indices",
    "grid",
    "load",
    "open_source",
    "prepare",
    "ring",
    "toy_dataset",
]

DECODER = 1  # to be raised when the same picture gives other pixels than before
FORGET_DAYS = 90  # a packed file in the cache that was not used for so long is deleted
Result = TypeVar("Result")
News = TypeVar("News")


def load(name: str, size: tuple[int, int] | None = None, heldout: str | None = None) -> Dataset:
    """A data set: "digits", "stacked-digits", "ring", "grid", or a path to images of your own (see `open_source`).

    size: (height, width) of the images; heldout: a path to the images of the held-out part. Both are for paths only.
    Raises UserError.
    """
    if name == "digits":
        return digits.load()
    if name == "stacked-digits":
        return stacked.load()
    if name in ("ring", "grid"):
        return toy_dataset({"ring": ring, "grid": grid}[name]())
    return end_of(prepare(Path(name), Framing(size), None if heldout is None else Path(heldout))).dataset(name)


def end_of(work: Generator[News, None, Result], hear: Callable[[News], object] = lambda news: None) -> Result:
    """What some work comes to, done to its end. hear: is told what it yields meanwhile, such as how far it is."""
    while True:
        try:
            news = next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
        hear(news)


def toy_dataset(truth: Mixture) -> Dataset:
    """Exact draws from `truth`: 1,000,000 train, 2,000 referee, 10,000 heldout; always the same ones."""
    generator = torch.Generator().manual_seed(0)
    train, referee, heldout = (InMemory(*truth.draw(n, generator)) for n in (1_000_000, 2_000, 10_000))
    return Dataset(truth.name, train, referee, heldout, truth=truth)


def open_source(path: Path) -> Source:
    """Whatever images there are at `path`: a folder, a .zip or .tar of one, a table (.csv, .tsv) of paths and labels, an IDX
    or NPZ file, or a packed file. Raises UserError.
    """
    try:
        if path.is_dir():
            return read_folder(path)
        if not path.is_file():
            raise UserError("data.none", path=path)
        name, start = path.name.lower(), _start(path)
        if is_pack(path):
            return Packed(path)
        if name.endswith((".csv", ".tsv")):
            return read_manifest(path)
        if name.endswith(".npz"):
            return Npz(path)
        if name.endswith(".zip") or start[:4] == b"PK\3\4":
            return Zip(path)
        if re.search(r"\.(tar|tgz|tbz2?|txz)$|\.tar\.\w+$", name):
            return Tar(path)
        if re.search(r"idx\d?-ubyte|\.idx", name) or start[:3] == b"\0\0\x08":
            return Idx(path)
    except OSError as error:
        raise UserError("data.unreadable", path=path, why=error.strerror) from error
    raise UserError("data.single" if path.suffix.lower() in IMAGES else "data.kind", path=path)


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)


def prepare(
    path: Path, framing: Framing, heldout: Path | None = None, out: Path | None = None
) -> Generator[Progress, None, Pack]:
    """The images at `path`, packed: into `out`, or into the cache unless they are there already. Yields how far it is.

    Raises UserError.
    """
    source = open_source(path)
    given = None if heldout is None else open_source(heldout)
    if isinstance(source, Packed) and out is None and given is None and framing.size in (None, source.pack.shape[1:]):
        return source.pack
    if out is None:
        out = cache_folder() / _cache_name(source, framing, given)
        with suppress(UserError, OSError):
            packed = open_pack(out)
            os.utime(out)
            return packed
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    yield from pack(source, framing, out, given)
    _forget(cache_folder())
    return open_pack(out)


def cache_folder() -> Path:
    """Where packed files are kept: $DUELO_CACHE, or `duelo` in the user's folder for caches."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("DUELO_CACHE") or Path(base, "duelo"))


def _cache_name(source: Source, framing: Framing, heldout: Source | None) -> str:
    parts = [DECODER, source.kind, source.signature(), None if heldout is None else heldout.signature(), repr(framing)]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', source.path.resolve().name)[:40]}-{key}.duelo"


def _forget(folder: Path) -> None:
    oldest = time.time() - 86400 * FORGET_DAYS
    for file in _files(folder):
        with suppress(OSError):
            if file.stat().st_mtime < oldest:
                file.unlink()


def _files(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from folder.glob("*.duelo")

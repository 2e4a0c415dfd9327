"""What the tests of images share: small pictures, files of them, and packing as a user does it."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from duelo.data import Framing, Pack, prepare
from duelo.data.decode import picture, read_frame
from duelo.words import UserError


def textures(n: int, h: int = 16, w: int = 16, c: int = 1, seed: int = 0) -> NDArray[np.uint8]:
    """`n` images that are nothing alike: [n, h, w], or [n, h, w, c] for more channels than one."""
    shape = (n, h, w) if c == 1 else (n, h, w, c)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(image: NDArray[Any] | Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of an image file."""
    file = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(file, kind, **options)
    return file.getvalue()


def save(folder: Path, images: NDArray[np.uint8], names: list[str] | None = None) -> Path:
    """A folder of PNG files, good00.png, good01.png, ... or of other names."""
    for i, image in enumerate(images):
        file = folder / (names[i] if names else f"good{i:02d}.png")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encoded(image))
    return folder


def finished(work: Generator[Any, None, Pack]) -> Pack:
    """What a generator of progress gives in the end."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def packed(path: Path, heldout: Path | None = None, out: Path | None = None, **framing: Any) -> Pack:
    """The images at `path`, packed into the cache or into `out`."""
    return finished(prepare(path, Framing(**framing), heldout, out))


def refused(key: str, path: Path, heldout: Path | None = None, **framing: Any) -> str:
    """The sentence, which must be `key` and one line, with which the images at `path` are refused."""
    with pytest.raises(UserError) as caught:
        packed(path, heldout, **framing)
    assert caught.value.key == key, str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 1000
    return str(caught.value)


def bad(pack: Pack) -> dict[str, str]:
    """The files that could not be read, and why (a key of words)."""
    assert pack.info["unreadable"] == len(pack.info["bad"])
    return {name: key for name, key, _ in pack.info["bad"]}


def members(pack: Pack) -> list[tuple[bytes, str | None]]:
    """Each row's pixels and the name of its class, in an order that the contents decide."""
    labels = [None] * len(pack.images) if pack.labels is None else [pack.info["classes"][i] for i in pack.labels]
    return sorted(zip([image.tobytes() for image in pack.images], labels, strict=True), key=repr)


def decoded(content: bytes, channels: int | None = None, **framing: Any) -> NDArray[np.uint8]:
    """The pixels [c, h, w] of one picture, at its own size (upright) unless another is given."""
    if "size" not in framing:
        with Image.open(io.BytesIO(content)) as image:
            framing["size"] = (image.height, image.width)
    return read_frame(lambda: picture(io.BytesIO(content)), Framing(**framing), channels).pixels


def chunk(name: bytes, content: bytes) -> bytes:
    """One piece of a PNG file."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def blank_png(width: int, height: int, colour: int = 2, bits: int = 8) -> bytes:
    """A PNG file of black pixels, made without the memory that it takes to decode it."""
    channels = {0: 1, 2: 3, 3: 1, 6: 4}[colour]
    row = b"\0" * (1 + (width * channels * bits + 7) // 8)
    packer = zlib.compressobj(9)
    body = [packer.compress(row) for _ in range(height)] + [packer.flush()]
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    pieces = [chunk(b"IHDR", header), chunk(b"IDAT", b"".join(body)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(pieces)


def idx(values: NDArray[np.uint8], shape: tuple[int, ...] | None = None, kind: int = 8) -> bytes:
    """An IDX file; its header claims `shape` if that is given."""
    shape = values.shape if shape is None else shape
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, kind, len(shape), *shape) + values.tobytes()


def npy(header: str | bytes, values: bytes, version: int = 1) -> bytes:
    """An .npy file with any header."""
    text = header.encode("latin-1") if isinstance(header, str) else header
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + values

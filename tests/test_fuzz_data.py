"""Damage of every kind to small files: each loads or gets its sentence, and nothing else happens."""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import encoded, idx, npy, packed, save, textures
from PIL import Image

from duelo.data import Framing, open_source
from duelo.data.decode import Unreadable, picture, read_frame, read_header, without_warnings
from duelo.data.packed import ROOM, Packed
from duelo.words import UserError

MOST_MIB = 200
EXTREMES = [0, 1, 2, 5, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1]
NUMBERS = [*EXTREMES, -1, 2**63 - 1, 2**63, 2**64, 10**20, 0.5, 1e300, True, None, "x", [], {}]

Change = Callable[[bytes], bytes]


def changes(most: int) -> st.SearchStrategy[list[Change]]:
    """Flipped bits, cuts, insertions, and numbers in place of what was there; mostly in the first `most` bytes."""

    def flip(place: int, bit: int) -> Change:
        return lambda content: replaced(content, place, bytes(byte ^ (1 << bit) for byte in content[place : place + 1]))

    def put(place: int, number: int, size: str) -> Change:
        return lambda content: replaced(content, place, struct.pack(size, number % 2 ** (8 * struct.calcsize(size))))

    def insert(place: int, more: bytes) -> Change:
        return lambda content: replaced(content, place, more, 0)

    def cut(place: int, n: int) -> Change:
        return lambda content: replaced(content, place, b"", n)

    def end(place: int) -> Change:
        return lambda content: content[:-place]

    places = st.integers(0, most)
    one = st.one_of(
        st.builds(flip, places, st.integers(0, 7)),
        st.builds(cut, places, st.integers(1, 40)),
        st.builds(insert, places, st.binary(min_size=1, max_size=12)),
        st.builds(put, places, st.sampled_from(EXTREMES), st.sampled_from(["<B", "<H", ">H", "<I", ">I", "<Q"])),
        st.builds(end, st.integers(1, 2 * most)),
    )
    return st.lists(one, min_size=1, max_size=3)


def replaced(content: bytes, place: int, more: bytes, n: int | None = None) -> bytes:
    """The content with `more` in place of `n` bytes, or of as many."""
    return content[:place] + more + content[place + (len(more) if n is None else n) :]


def changed(content: bytes, several: list[Change]) -> bytes:
    for change in several:
        content = change(content)
    return content


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for all; the process may not grow by more than MOST_MIB in it."""
    before = held()
    yield tmp_path_factory.mktemp("fuzz")
    assert held() - before < MOST_MIB


def held() -> float:
    """The most memory that this process has held, in MiB; 0 where the system does not say."""
    try:
        return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
    except OSError:
        return 0


def reads(path: Path) -> int:
    """How many images there are, all looked at; -1 if the file is refused in a sentence."""
    count = 0
    try:
        source = open_source(path)
        assert isinstance(source.signature(), str)
        for member in source.members():
            assert member.label is None or isinstance(member.label, str)
            with suppress(Unreadable):
                header = read_header(member.opener)
                assert header.width * header.height > 0
            count += 1
        if isinstance(source, Packed):
            assert len(source.pack.dataset("x").train.first(3)) > 0
            assert len(source.pack.fingerprint) == 16
    except UserError as error:
        sentence = str(error)
    else:
        assert count == len(source)
        return count
    assert len(sentence.splitlines()) == 1
    assert len(sentence) < 1000
    return -1


def fuzz(n: int) -> settings:
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]
    return settings(max_examples=n, deadline=None, derandomize=True, database=None, suppress_health_check=checks)


IDX = {
    "plain": idx(textures(5, 4, 3)),
    "colour": idx(textures(5, 4, 3, 3)),
    "gzip": gzip.compress(idx(textures(5, 4, 3)), mtime=0),
    "labels": idx(np.arange(5, dtype=np.uint8)),
    "gzipped labels": gzip.compress(idx(np.arange(5, dtype=np.uint8)), mtime=0),
}


@fuzz(700)
@given(
    kind=st.sampled_from(sorted(IDX)),
    several=changes(24),
    sides=st.none() | st.lists(st.sampled_from(EXTREMES), max_size=5),
    random=st.none() | st.binary(max_size=60),
)
def test_idx(kind: str, several: list[Change], sides: list[int] | None, random: bytes | None, place: Path) -> None:
    content = changed(IDX[kind], several)
    if sides is not None:
        content = idx(textures(5, 4, 3), tuple(sides))
        content = gzip.compress(content, 1, mtime=0) if "gzip" in kind else content
    if random is not None:
        content = (b"\0\0\x08" if len(random) % 2 else b"") + random
    images, labels = place / "x-images-idx3-ubyte", place / "x-labels-idx1-ubyte"
    images.write_bytes(IDX["plain"] if "labels" in kind else content)
    labels.write_bytes(content if "labels" in kind else IDX["labels"])
    reads(images)


def npz(method: int, images: bytes, labels: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in (("images", images), ("labels", labels)):
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content, method)
    return file.getvalue()


def npy_of(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


NPY = [npy_of(array) for array in (textures(5, 4, 3), np.arange(5), np.array([*"abcde"]), np.array([b"a"] * 5))]
NPZ = [npz(method, NPY[0], labels) for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for labels in NPY[1:]]
KINDS = ["|u1", "<u2", ">u2", "<i8", "<f4", "<U1", "<U300", "|S0", "|O", "|V1", "<M8[s]", "a5", "x", "", "<u1,<u2"]
HEADERS = st.tuples(st.lists(st.sampled_from(NUMBERS), max_size=5), st.sampled_from(KINDS), st.booleans(), st.integers(0, 1))


@fuzz(700)
@given(
    content=st.sampled_from(NPZ),
    several=changes(500),
    inside=st.none() | st.tuples(st.integers(0, 1), changes(130)),
    header=st.none() | HEADERS,
    random=st.none() | st.binary(max_size=60),
)
def test_npz(
    content: bytes,
    several: list[Change],
    inside: tuple[int, list[Change]] | None,
    header: tuple[list[object], str, bool, int] | None,
    random: bytes | None,
    place: Path,
) -> None:
    entries = NPY[:2]
    if header is not None:
        shape, kind, columns, which = header
        values = {"descr": kind, "fortran_order": columns, "shape": tuple(shape)}
        entries[which] = npy(repr(values), NPY[which][128:], 1 + columns)
        content = npz(zipfile.ZIP_DEFLATED, *entries)
    elif inside is not None:
        which, more = inside
        entries[which] = changed(entries[which], more)
        content = npz(zipfile.ZIP_STORED, *entries)
    else:
        content = changed(content, several)
    path = place / "x.npz"
    path.write_bytes(content if random is None else b"PK\3\4" * (len(random) % 2) + random)
    reads(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small packed file."""
    place = tmp_path_factory.mktemp("whole")
    names = [f"{i % 2}/{i}.png" for i in range(6)]
    return packed(save(place / "data", textures(6), names), out=place / "x.duelo").path.read_bytes()


VALUES = st.sampled_from([*NUMBERS, "U8", "I64", "\n", "ñ\x1b"])
JSON = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=5), max_leaves=6)
COLUMNS, FIELDS = ("images", "labels", "hashes", "parts", "names", "info"), ("dtype", "shape", "data_offsets")
FACTS = ("classes", "bad", "size", "kind", "alike", "modes", "cut")


@fuzz(700)
@given(
    several=changes(650),
    field=st.none() | st.tuples(st.sampled_from(COLUMNS), st.sampled_from(FIELDS), JSON),
    after=st.none() | changes(4000),
    info=st.none() | st.tuples(st.sampled_from(FACTS), JSON),
)
def test_packed(
    several: list[Change],
    field: tuple[str, str, object] | None,
    after: list[Change] | None,
    info: tuple[str, object] | None,
    whole: bytes,
    place: Path,
) -> None:
    header, body = json.loads(whole[8:ROOM]), whole[ROOM:]
    if field is not None:
        name, key, value = field
        header[name][key] = value
    elif info is not None:
        start, stop = header["info"]["data_offsets"]
        text = json.dumps({**json.loads(body[start:stop]), info[0]: info[1]}).encode()
        body = body[:start] + text
        header["info"].update(data_offsets=[start, start + len(text)], shape=[len(text)])
    elif after is not None:
        body = changed(body, after)
    content = whole[:8] + json.dumps(header).encode().ljust(ROOM - 8) + body
    path = place / "x.duelo"
    path.write_bytes(changed(content, several) if field is info is after is None else content)
    reads(path)


EXIF = b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"
PICTURES = [
    *(encoded(textures(1, 12, 10, 3)[0], kind) for kind in ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")),
    *(encoded(textures(1, 12, 10)[0], kind, exif=EXIF) for kind in ("PNG", "JPEG", "WEBP", "TIFF")),
    *(encoded(textures(1, 12, 10).astype(kind)[0], "TIFF") for kind in (np.uint16, np.int32, np.float32)),
    encoded(textures(1, 12, 10, 3)[0], "TIFF", compression="tiff_lzw"),
    encoded(textures(1, 12, 10, 4)[0], "PNG", save_all=True, append_images=[Image.new("RGBA", (10, 12))]),
    encoded(Image.new("P", (10, 12)), "GIF", save_all=True, append_images=[Image.new("P", (10, 12), 3)], transparency=1),
]


@fuzz(700)
@given(content=st.sampled_from(PICTURES), several=changes(300), alpha=st.sampled_from(["white", "keep", "#ff8800"]))
def test_pictures(content: bytes, several: list[Change], alpha: str) -> None:
    damaged = changed(content, several)
    with suppress(Unreadable), without_warnings():
        header = read_header(lambda: picture(io.BytesIO(damaged)))
        assert min(header.width, header.height) > 0
        frame = read_frame(lambda: picture(io.BytesIO(damaged)), Framing((8, 9), alpha=alpha), 4)
        assert frame.pixels.shape == (4, 8, 9)


def test_what_is_whole_is_read(whole: bytes, place: Path) -> None:
    files = {"a-idx3-ubyte": (IDX["plain"], 5), "a.npz": (NPZ[0], 5), "b.npz": (NPZ[4], 5), "a.duelo": (whole, 6)}
    for name, (content, n) in files.items():
        (place / name).write_bytes(content)
        assert reads(place / name) == n

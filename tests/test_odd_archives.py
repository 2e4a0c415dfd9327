"""Odd archives, arrays and tables: each loads, or gets its one sentence; none is unpacked, believed, or run."""

from __future__ import annotations

import bz2
import gzip
import os
import pickle
import struct
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import environment
from pictures import bad, blank_png, encoded, idx, npy, packed, refused, save, textures

GOOD = [encoded(image) for image in textures(6)]


@pytest.fixture(autouse=True)
def quick_and_tidy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test may take long, or write anywhere but in the cache."""
    monkeypatch.setenv("DUELO_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    start = time.perf_counter()
    yield
    assert time.perf_counter() - start < 60
    assert not {file.name for file in tmp_path.parent.rglob("*evil*")}


def zipped(path: Path, more: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A .zip with six good images, and these packed by `method`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, content in enumerate(GOOD):
            archive.writestr(f"good{i}.png", content)
        for name, content in more.items():
            archive.writestr(name, content, method)
    return path


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, pax: dict[str, str] | None = None) -> bytes:
    """The block in a .tar that announces an entry."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.pax_headers = size, kind, pax or {}
    return info.tobuf(tarfile.PAX_FORMAT)


def tarred(*more: bytes) -> bytes:
    """A .tar with six good images, and these blocks after it."""
    blocks = [header(f"good{i}.png", len(content)) + filled(content) for i, content in enumerate(GOOD)]
    return b"".join((*blocks, *more)) + bytes(1024)


def filled(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


def zeros(mib: int) -> bytes:
    """So many zeros, as gzip: members of 16 MiB in a row."""
    return gzip.compress(bytes(2**24), 9) * (mib // 16)


def test_a_zip_that_points_outside(tmp_path: Path) -> None:
    outside = {"../evil.png": GOOD[0], "/tmp/evil.png": GOOD[0], "a/../../evil.png": GOOD[0], "..\\evil.png": GOOD[0]}
    pack = packed(zipped(tmp_path / "a.zip", outside))
    assert (len(pack.images), bad(pack)) == (6, dict.fromkeys(outside, "bad.outside"))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("../evil.png", GOOD[0])
    assert "evil.png: outside the folder" in refused("data.all_bad", tmp_path / "b.zip")


def test_a_tar_that_points_outside(tmp_path: Path) -> None:
    links = [header("link.png", 0, kind) for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE)]
    outside = [header(name, len(GOOD[0])) + filled(GOOD[0]) for name in ("../evil.png", "/evil.png")]
    (tmp_path / "a.tar").write_bytes(tarred(*links, *outside))
    pack = packed(tmp_path / "a.tar")
    assert (len(pack.images), pack.info["links"]) == (6, 4)
    assert bad(pack) == {"../evil.png": "bad.outside", "/evil.png": "bad.outside"}


def test_an_encrypted_zip(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {})
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the first entry's flags: in its own header ...
    content[content.index(b"PK\1\2") + 8] |= 1  # ... and in the directory
    path.write_bytes(content)
    assert bad(packed(path)) == {"good0.png": "bad.damaged"}
    for start in (i for i in range(len(content)) if content[i : i + 4] in (b"PK\1\2", b"PK\3\4")):
        content[start + (8 if content[start + 2] == 1 else 6)] |= 1
    path.write_bytes(content)
    assert "encrypted" in refused("data.all_bad", path)


def test_damaged_archives(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "a.zip", {}).read_bytes()
    for name, content in {
        "a.zip": whole,
        "a.tar": tarred(),
        "a.tar.gz": gzip.compress(tarred()),
        "a.tar.bz2": bz2.compress(tarred()),
    }.items():
        path = tmp_path / name
        path.write_bytes(content[: len(content) // 2])
        refused("data.archive", path)
        path.write_bytes(content[: len(content) // 2] + b"x" * (len(content) // 2))
        refused("data.archive", path)
    path = tmp_path / "a.zip"
    spoiled = bytearray(whole)
    spoiled[100] ^= 255
    path.write_bytes(spoiled)
    assert bad(packed(path)) == {"good0.png": "bad.damaged"}


def test_an_empty_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w"):
        pass
    refused("data.no_images", tmp_path / "a.zip")
    (tmp_path / "a.tar").write_bytes(bytes(10240))
    refused("data.no_images", tmp_path / "a.tar")


def test_a_tar_that_goes_in_circles(tmp_path: Path) -> None:
    for more in (
        header("back.png", -1024),
        header("back.txt", -1024, b"Z"),
        header("back.png", pax={"size": "-2048"}),
        header("long", -512, tarfile.GNUTYPE_LONGNAME),
    ):
        (tmp_path / "a.tar").write_bytes(tarred(more))
        refused("data.archive", tmp_path / "a.tar")


def lying(path: Path, method: int, nbytes: int, claimed: int) -> Path:
    """A .zip whose entry x.png holds so many bytes, and claims another number."""
    zipped(path, {"x.png": bytes(nbytes)}, method)
    content = bytearray(path.read_bytes())
    local, central = content.rindex(b"PK\3\4"), content.rindex(b"PK\1\2")
    content[local + 22 : local + 26] = content[central + 24 : central + 28] = struct.pack("<I", claimed)
    path.write_bytes(content)
    return path


def make_bombs(place: Path) -> dict[str, str]:
    """Files that would fill the memory; for each, what is to be said of it: the key of a sentence, or of a bad file."""
    folder = save(place / "folder", textures(6))
    (folder / "x.png").write_bytes(blank_png(30_000, 30_000, colour=0, bits=1))
    with (folder / "y.webp").open("wb") as file:
        file.write(b"RIFF\0\0\0\0WEBPVP8L")
        file.truncate(2**33)
    lying(place / "zeros.zip", zipfile.ZIP_DEFLATED, 1000, 2**29)
    lying(place / "lying.zip", zipfile.ZIP_DEFLATED, 200 * 2**20, 1000)
    lying(place / "bzip2.zip", zipfile.ZIP_BZIP2, 200 * 2**20, 1000)
    zipped(place / "swelling.zip", {f"{i}.png": bytes(2**26) for i in range(5)})
    files = {
        "zeros.tar.gz": (gzip.compress(header("x.png", 2**32)) + zeros(4096), "data.bomb"),
        "pax.tar.gz": (gzip.compress(header("x", 2**31, tarfile.XHDTYPE)) + zeros(2048), "data.archive"),
        "other.tar.gz": (gzip.compress(header("x", 2**33, b"Z")) + zeros(16), "data.bomb"),
        "entries.tar.gz": (gzip.compress(header("x.png") * 16384, 9) * 40, "data.bomb"),
        "claims.tar": (tarred(header("x.png", 2**40)), "data.archive"),
        "one-idx3-ubyte.gz": (gzip.compress(idx(np.zeros(0, np.uint8), (1, 60_000, 60_000))) + zeros(3600), "data.all_bad"),
        "many-idx3-ubyte.gz": (gzip.compress(idx(np.zeros(0, np.uint8), (10**8, 1, 1))) + zeros(112), "data.too_many"),
        "lies-idx3-ubyte.gz": (gzip.compress(idx(np.zeros(0, np.uint8), (4000, 256, 256))) + bytes(10**6), "data.short"),
    }
    for name, (content, _) in files.items():
        (place / name).write_bytes(content)
    with (place / "large.csv").open("wb") as file:
        file.truncate(2**33)
    return {
        "folder": "bad",
        "zeros.zip": "bad",
        "lying.zip": "bad",
        "bzip2.zip": "bad",
        "swelling.zip": "data.bomb",
        "large.csv": "data.table",
        **{name: key for name, (_, key) in files.items()},
    }


WATCH = """
import re, sys, time
from pathlib import Path
from pictures import bad, packed, save, textures
from duelo.words import UserError

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

packed(save(Path("first"), textures(6)))
for name in sys.argv[1:]:
    before, start = peak(), time.perf_counter()
    try:
        said = "bad" if "x.png" in bad(packed(Path(name))) else "good"
    except UserError as error:
        said = error.key
    print(name, said, round(peak() - before), round(time.perf_counter() - start, 1), sep="|")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says how much memory was held at most")
def test_bombs_are_not_unpacked(tmp_path: Path) -> None:
    bombs = make_bombs(tmp_path)
    variables = {**environment(), "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", WATCH, *bombs]
    result = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    lines = [line.split("|") for line in result.stdout.splitlines()]
    assert {name: said for name, said, _, _ in lines} == bombs
    assert sum(int(mib) for _, _, mib, _ in lines) < 100, result.stdout
    assert all(float(seconds) < 15 for _, _, _, seconds in lines), result.stdout


class Evil:
    """Unpickled, it makes a folder."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("evil",)


def npz(path: Path, **entries: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(f"{name}.npy", content)
    return path


def test_pickles_are_never_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, images=np.array([Evil()], dtype=object))
    refused("data.npz_type", path)
    np.savez(path, images=textures(6), labels=np.array([Evil()] * 6, dtype=object))
    refused("data.npz_labels", path)
    npz(path, images=pickle.dumps(Evil()))
    refused("data.npz_array", path)
    npz(path, images=npy("{'descr': '|O', 'fortran_order': False, 'shape': (6, 16, 16)}", pickle.dumps(Evil())))
    refused("data.npz_type", path)
    for text in (
        "__import__('os').mkdir('evil')",
        "{'descr': __import__('os').mkdir('evil')}",
        "-" * 1999,
        "[" * 1999,
        "(" * 60000,
    ):
        npz(path, images=npy(text, b"", 2 if len(text) > 2**15 else 1))
        refused("data.npz_array", path)
    assert not (tmp_path / "evil").exists()


def plain_npy(shape: str, kind: str = "|u1", values: bytes = b"", order: str = "False") -> bytes:
    return npy(f"{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}\n", values)


def test_odd_npz_headers(tmp_path: Path) -> None:
    path, values = tmp_path / "a.npz", textures(6).tobytes()
    for shape in ("(1000000, 1000, 1000)", "(6, 16, 17)", "(5, 16, 16)", f"({2**62}, {2**62}, 16)", f"(0x{'f' * 15}, 1, 1)"):
        refused("data.npz_lies", npz(path, images=plain_npy(shape, values=values)))
    for shape in (
        f"({2**64}, 16, 16)",
        "(-6, 16, 16)",
        "(6.0, 16, 16)",
        "6",
        "None",
        "[6, 16, 16]",
        "(True, 1)",
        f"(0x{'f' * 1900}, 1)",
    ):
        refused("data.npz_array", npz(path, images=plain_npy(shape, values=values)))
    for shape in ("(6, 256)", "(1536,)", "()", "(1, 6, 16, 16)", "(2, 3, 2, 2, 64)", "(0, 16, 16)", "(6, 0, 16)"):
        count = np.prod(eval(shape), dtype=int)
        refused("data.array_shape", npz(path, images=plain_npy(shape, values=values[:count])))
    for kind, size in (("<f4", 4), ("|b1", 1), ("|i1", 1), ("<u4", 4), ("<M8", 8), ("|V1", 1), ("<c8", 8), ("|S1", 1)):
        refused("data.npz_type", npz(path, images=plain_npy("(6, 16, 16)", kind, values * size)))
    refused("data.npz_type", npz(path, images=plain_npy("(6, 16, 16)", "a5", values)))  # a name that numpy gave up
    refused("data.npz_order", npz(path, images=plain_npy("(6, 16, 16)", values=values, order="True")))
    refused("data.npz_array", npz(path, images=npy("{'descr': '|u1'}", values)))
    refused("data.npz_array", npz(path, images=b"\x93NUMPY"))
    refused("data.npz_keys", npz(path, x=values, **{"y\nz": values}))
    refused("data.npz_keys", npz(path))
    refused("data.archive", zipped(path, {"images.npy": plain_npy("(6, 16, 16)", values=values)}, zipfile.ZIP_LZMA))
    good = plain_npy("(6, 16, 16)", values=values)
    assert len(packed(npz(path, x=good)).images) == 6  # the only array, whatever its name
    for shape, kind, content in (
        ("(5,)", "|u1", b"12345"),
        ("(6, 1)", "|u1", b"123456"),
        ("(6,)", "<f8", bytes(48)),
        ("(6,)", "|S0", b""),
        ("(6,)", "<U0", b""),
        ("(6,)", "|S2000", bytes(12000)),
    ):
        refused("data.npz_labels", npz(path, images=good, labels=plain_npy(shape, kind, content)))
    refused("data.archive", npz(path, images=good, labels=plain_npy("(6,)", "<U1", b"\xff\xff\xff\x7f" * 6)))
    texts = np.array(["a\nb", "ñ", "\x1b[2J", "ñ", "a\nb", ""]).astype("U4")
    pack = packed(npz(path, images=good, labels=plain_npy("(6,)", "<U4", texts.tobytes())))
    assert pack.info["classes"] == ["", "\\x1b[2J", "a\\nb", "ñ"]


def test_odd_idx_headers(tmp_path: Path) -> None:
    path, values = tmp_path / "a-idx3-ubyte", textures(6)
    for shape, key in {
        (7, 16, 16): "data.idx_lies",
        (6, 16, 2**32 - 1): "data.idx_lies",
        (2**32 - 1,) * 3: "data.idx_lies",
        (2**32 - 1,) * 255: "data.idx_lies",
        (2**31, 16, 16): "data.idx_lies",
        (0, 16, 16): "data.array_shape",
        (6, 0, 16): "data.array_shape",
        (6, 256): "data.array_shape",
        (1536,): "data.array_shape",
        (1, 1, 6, 16, 16): "data.array_shape",
        (1, 6, 16, 16): "data.array_shape",
        (): "data.not_idx",
    }.items():
        path.write_bytes(idx(values, shape))
        refused(key, path)
    for kind in (0, 9, 11, 12, 13, 14, 255):
        path.write_bytes(idx(values, kind=kind))
        refused("data.idx_type", path)
    path.write_bytes(idx(values, (4, 16, 16)))  # less than there is: what it says is read
    assert len(packed(path).images) == 4
    path.write_bytes(gzip.compress(idx(values, (7, 16, 16))))
    refused("data.short", path)
    path.write_bytes(gzip.compress(idx(values))[:-300])
    refused("data.archive", path)
    path.write_bytes(b"\1\0\x08\3" + idx(values)[4:])
    refused("data.not_idx", path)
    path.write_bytes(idx(values)[:11])
    refused("data.not_idx", path)
    labels = tmp_path / "a-idx1-ubyte"
    path.write_bytes(idx(values))
    for content, key in (
        (idx(np.zeros(5, np.uint8)), "data.idx_labels"),
        (idx(np.zeros((6, 1), np.uint8)), "data.idx_labels"),
        (idx(np.zeros(6, np.uint8))[:-1], "data.idx_lies"),
        (gzip.compress(idx(np.zeros(6, np.uint8)[:-1], (6,))), "data.short"),
        (b"", "data.not_idx"),
    ):
        labels.write_bytes(content)
        assert labels.name in refused(key, path)


def test_odd_tables(tmp_path: Path) -> None:
    folder = save(tmp_path / "data", textures(6))
    save(tmp_path / "outside", textures(3, seed=3))
    (folder / "link.png").symlink_to(tmp_path / "outside/good00.png")
    (folder / "loop.png").symlink_to("loop.png")
    os.mkfifo(folder / "pipe.png")
    good = [f"good0{i}.png" for i in range(6)]
    outside = [
        "../outside/good00.png",
        str(tmp_path / "outside/good01.png"),
        "/etc/passwd",
        "link.png",
        "a/../../outside/x.png",
    ]
    missing = [
        "no.png",
        "zero\0byte.png",
        "loop.png",
        "pipe.png",
        "x" * 5000 + ".png",
        ".",
        "/dev/zero"[:0] or "two\nlines.png",
    ]
    path = folder / "a.csv"
    path.write_text("\n".join(f'"{name}",1' for name in good + outside + missing))
    pack = packed(path)
    assert len(pack.images) == 6
    expected = {**dict.fromkeys(outside, "bad.outside"), **dict.fromkeys(missing, "bad.not_a_file")}
    assert bad(pack) == {name.replace("\0", "\\x00").replace("\n", "\\n"): key for name, key in expected.items()}
    inside = [str(folder / good[0]), "./" + good[1], "../data/" + good[2], good[3], good[4], good[5]]
    path.write_text("\n".join(inside))
    assert len(packed(path).images) == 6
    for content, key in (
        ("\n".join(good).encode("utf-16"), "data.not_text"),
        (b"caf\xe9.png,1", "data.not_text"),
        (b'good00.png,"' + b"x" * 200_000, "data.table"),
        (b"path,label\n", "data.no_images"),
        (b"\n\n ,\n", "data.no_images"),
        (b"\0" * 10, "data.no_images"),
        (b"nothing.png\n", "data.all_bad"),
        (encoded(textures(1)[0]), "data.not_text"),
    ):
        path.write_bytes(content)
        refused(key, path)

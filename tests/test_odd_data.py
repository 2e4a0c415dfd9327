"""Odd data sets: each loads, its odd files named, or gets its one sentence; none crashes, hangs or leaves its folder."""

from __future__ import annotations

import os
import socket
import stat
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pictures import bad, blank_png, chunk, encoded, packed, refused, save, textures

import duelo
from duelo.data import Framing, open_pack, open_source, packing

SECONDS = 15.0  # of a machine that has other work
TEXT = b"this is no image at all, but it is long enough to look like one\n" * 20


@pytest.fixture(autouse=True)
def quick_and_tidy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test may take long, write beside its folders, or leave anything in the cache but packed files."""
    monkeypatch.setenv("DUELO_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    before, start = set(tmp_path.parent.iterdir()), time.perf_counter()
    yield
    assert time.perf_counter() - start < SECONDS
    assert set(tmp_path.parent.iterdir()) == before
    if (tmp_path / "cache").exists():
        assert all(file.suffix == ".duelo" for file in (tmp_path / "cache").iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with six good images."""
    return save(tmp_path / "data", textures(6))


ODD_FILES = {
    "empty": (b"", "bad.unknown"),
    "text": (TEXT, "bad.unknown"),
    "half a jpeg": (encoded(textures(1, 200, 200)[0], "JPEG")[:5000], "bad.damaged"),
    "half a png": (encoded(textures(1)[0])[:200], "bad.damaged"),
    "a few bytes of a png": (encoded(textures(1)[0])[:12], "bad.unknown"),
    "half a gif": (encoded(textures(1, 200, 200)[0], "GIF")[:8000], "bad.damaged"),
    "half a webp": (encoded(textures(1, 200, 200)[0], "WEBP")[:5000], "bad.damaged"),
    "half a tiff": (encoded(textures(1, 200, 200)[0], "TIFF")[:9000], "bad.unknown"),
    "a bomb": (blank_png(30_000, 30_000, bits=1, colour=0), "bad.bomb"),
    "too many pixels": (blank_png(10_000, 9_000, bits=1, colour=0), "bad.huge"),
    "no pixels": (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 8, 8, 2, 0, 0, 0)), "bad.unknown"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n%%EOF\n", "bad.unknown"),
    "a web page": (b"<!DOCTYPE html><html><body>404</body></html>", "bad.unknown"),
    "not a number": (encoded(np.full((9, 9), np.float32("nan")), "TIFF"), "bad.range"),
    "below zero": (encoded(np.full((9, 9), np.int32(-7)), "TIFF"), "bad.range"),
}


@pytest.mark.parametrize("odd", ODD_FILES)
def test_an_odd_file_among_good_ones_is_named(odd: str, folder: Path) -> None:
    content, key = ODD_FILES[odd]
    (folder / "odd.JPG").write_bytes(content)
    pack = packed(folder)
    assert len(pack.images) == 6
    assert list(bad(pack)) == ["odd.JPG"]
    assert bad(pack)["odd.JPG"] in (key, "bad.damaged")


def test_only_odd_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert "0 files" in refused("data.no_images", tmp_path / "data")
    (tmp_path / "data/a.txt").write_bytes(TEXT)
    assert "1 files" in refused("data.no_images", tmp_path / "data")
    for i in range(3):
        (tmp_path / f"data/{i}.jpg").write_bytes(TEXT)
    assert "not one of the 3 images" in refused("data.all_bad", tmp_path / "data")
    (tmp_path / "data/line\nbreak\x1b[2J.png").write_bytes(encoded(textures(1)[0])[:200])
    assert "not one of the 4 images" in refused("data.all_bad", tmp_path / "data")


def test_no_data_set_at_all(tmp_path: Path) -> None:
    (tmp_path / "single.png").write_bytes(encoded(textures(1)[0]))
    refused("data.single", tmp_path / "single.png")
    (tmp_path / "notes.txt").write_bytes(TEXT)
    refused("data.kind", tmp_path / "notes.txt")
    refused("data.kind", Path(__file__))
    refused("data.none", tmp_path / "nothing")
    refused("data.none", tmp_path / "single.png" / "x")
    refused("data.none", tmp_path / "zero\0byte")
    refused("data.unreadable", tmp_path / ("long" * 100))
    refused("data.none", Path("/dev/zero"))
    os.mkfifo(tmp_path / "pipe.zip")
    refused("data.none", tmp_path / "pipe.zip")
    (tmp_path / "loop").symlink_to("loop")
    refused("data.none", tmp_path / "loop")
    for name in ("a.zip", "a.tar", "a.tar.gz", "a.npz", "a-idx3-ubyte"):
        (tmp_path / name).write_bytes(b"")
        refused("data.not_idx" if "idx" in name else "data.archive", tmp_path / name)
        (tmp_path / name).write_bytes(TEXT)
        refused("data.not_idx" if "idx" in name else "data.archive", tmp_path / name)
    (tmp_path / "a.csv").write_bytes(b"")
    refused("data.no_images", tmp_path / "a.csv")


@pytest.mark.parametrize(("n", "different"), [(1, 1), (2, 2), (5, 1), (9, 2)])
def test_too_few_different_images(n: int, different: int, tmp_path: Path) -> None:
    save(tmp_path / "data", textures(different)[np.arange(n) % different])
    sentence = refused("data.too_few", tmp_path / "data")
    assert f"holds {n} images of which {different} are different" in sentence


def test_one_pixel(folder: Path, tmp_path: Path) -> None:
    (folder / "dot.png").write_bytes(encoded(np.full((1, 1), 77, np.uint8)))
    pack = packed(folder)
    assert (len(pack.images), pack.shape) == (7, (1, 16, 16))
    assert (pack.images[pack.names.index("dot.png")] == 77).all()
    dots = packed(save(tmp_path / "dots", np.arange(0, 250, 25, dtype=np.uint8).reshape(10, 1, 1)))
    assert (len(dots.images), dots.shape) == (10, (1, 8, 8))
    save(tmp_path / "dot", np.zeros((1, 1, 1), np.uint8))
    refused("data.too_few", tmp_path / "dot")


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_long_and_thin(fit: str, folder: Path, tmp_path: Path) -> None:
    wide = np.tile(np.arange(2000, dtype=np.uint16) // 8, (10, 1)).astype(np.uint8)
    (folder / "wide.png").write_bytes(encoded(wide))
    (folder / "line.png").write_bytes(encoded(wide[:1, :].repeat(3, 1)))
    (folder / "tall.png").write_bytes(encoded(wide.T.copy()))
    pack = packed(folder, fit=fit)
    assert (len(pack.images), pack.shape) == (9, (1, 16, 16))
    alone = packed(save(tmp_path / "wide", np.stack([wide, wide[:, ::-1], 255 - wide // 3, wide // 2])), fit=fit)
    assert (len(alone.images), alone.shape) == (4, (1, 8, 64))


def test_spaces_accents_line_breaks_and_broken_bytes_in_names(tmp_path: Path) -> None:
    names = [
        "mañana y ñandú.png",
        "quo'te \"s.png",
        "日本.png",
        "new\nline.png",
        "bell\a.png",
        "-rf.png",
        "{x}.png",
        "%s.png",
    ]
    folder = save(
        tmp_path / "mis imágenes", textures(9), [f"clase {i % 2}\n{i % 2}/{name}" for i, name in enumerate(names)] + ["a"]
    )
    os.rename(folder / "a", os.fsencode(folder / "clase 0\n0") + b"/broken\xff\xfe.png")
    os.mkdir(os.fsencode(folder) + b"/class\xff")
    (folder / "clase 1\n1" / "{x}.jpg").write_bytes(TEXT)
    Path(os.fsdecode(os.fsencode(folder) + b"/class\xff/good.png")).write_bytes(encoded(textures(1, seed=5)[0]))
    pack = packed(folder)
    assert len(pack.images) == 10
    assert pack.info["classes"] == ["clase 0\\n0", "clase 1\\n1", "class\\udcff"]
    assert sorted(name.split("/")[1] for name in pack.names) == sorted(
        [*names[:3], "new\\nline.png", "bell\\x07.png", *names[5:], "broken\\udcff\\udcfe.png", "good.png"]
    )
    assert list(bad(pack)) == ["clase 1\\n1/{x}.jpg"]
    for text in (*pack.names, *pack.info["classes"], *bad(pack)):
        assert text.encode().decode().isprintable()
    assert len(duelo.load(str(folder)).classes) == 3


def test_links_pipes_and_sockets(folder: Path, tmp_path: Path) -> None:
    save(tmp_path / "outside", textures(3, seed=7))
    (folder / "to outside").symlink_to(tmp_path / "outside")
    (folder / "to itself").symlink_to(folder)
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "dangling.png").symlink_to("nothing.png")
    (folder / "dangling").symlink_to("nothing")
    (folder / "device.png").symlink_to("/dev/zero")
    (folder / "folder.png").symlink_to("/etc")
    (folder / "linked.png").symlink_to(tmp_path / "outside/good00.png")  # to one image: that is meant
    os.mkfifo(folder / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(Path("data/socket.png")))
        pack = packed(folder)
    assert len(pack.images) == 7
    assert pack.info["links"] == 3
    names = ("loop.png", "dangling.png", "device.png", "pipe.png", "socket.png")
    assert bad(pack) == dict.fromkeys(names, "bad.not_a_file")


def test_a_very_deep_folder(folder: Path) -> None:
    depth = sys.getrecursionlimit() + 100
    os.chdir(folder)
    for _ in range(depth):
        os.mkdir("a")
        os.chdir("a")
    try:
        Path("deep.png").write_bytes(encoded(textures(1, seed=5)[0]))
        pack = packed(folder)
        assert (len(pack.images), bad(pack)) == (7, {})
    finally:  # neither rm nor pytest is quick at this
        Path("deep.png").unlink()
        for _ in range(depth):
            os.chdir("..")
            os.rmdir("a")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_without_permission(folder: Path, tmp_path: Path) -> None:
    for name in ("closed.png", "closed"):
        save(folder, textures(1), [name if "." in name else "closed/x.png"])
        (folder / name).chmod(0)
    assert bad(packed(folder)) == dict.fromkeys(("closed.png", "closed"), "bad.refused")
    (folder / "closed").chmod(stat.S_IRWXU)
    folder.chmod(0)
    refused("data.unreadable", folder)
    folder.chmod(stat.S_IRWXU)


def test_files_that_vanish_or_refuse_while_they_are_read(folder: Path) -> None:
    source = open_source(folder)
    (folder / "good03.png").unlink()
    assert source.signature()
    list(packing.pack(source, Framing(), Path("out.duelo")))
    assert bad(open_pack(Path("out.duelo"))) == {"good03.png": "bad.refused"}
    assert open_pack(Path("out.duelo")).info["bad"][0][2] == {"why": "No such file or directory"}


def test_a_folder_that_refuses(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(folder, textures(1), ["closed/x.png"])
    look = os.scandir

    def refusing(place: str) -> Iterator[os.DirEntry[str]]:
        if os.fspath(place).endswith(name):
            raise PermissionError(13, "Permission denied", place)
        return look(place)

    monkeypatch.setattr(os, "scandir", refusing)
    name = "closed"
    assert bad(packed(folder)) == {"closed": "bad.refused"}
    name = "data"
    assert "Permission denied" in refused("data.unreadable", folder)


def test_odd_exif_spoils_nothing(folder: Path) -> None:
    for i, exif in enumerate(
        (b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\3" * 30, b"no")
    ):
        content = encoded(textures(1, seed=20 + i)[0], "JPEG", exif=exif)
        (folder / f"odd{i}.jpg").write_bytes(content)
    orientation = b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\x63\0\0\0\0\0\0\0"
    (folder / "odd3.jpg").write_bytes(encoded(textures(1, seed=23)[0], "JPEG", exif=orientation))
    pack = packed(folder)
    assert (len(pack.images), bad(pack)) == (10, {})


def test_very_many_classes(tmp_path: Path) -> None:
    images = textures(600, 8, 8)
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(600) * 1_000_003)
    pack = packed(tmp_path / "a.npz")
    assert len(pack.info["classes"]) == len(np.unique(pack.labels)) == 600
    np.savez(
        tmp_path / "gaps.npz",
        images=images[:9],
        labels=np.array([3, 7, 100, -2, 7, 3, 2**63, 0, 0], dtype=object).astype(str),
    )
    assert packed(tmp_path / "gaps.npz").info["classes"][:3] == ["-2", "0", "100"]  # one is too large for a number
    np.savez(tmp_path / "gaps.npz", images=images[:9], labels=np.array([3, 7, 100, -2, 7, 3, 9, 0, 0]))
    gaps = packed(tmp_path / "gaps.npz")
    assert gaps.info["classes"] == ["-2", "0", "3", "7", "9", "100"]
    assert sorted(gaps.labels.tolist()) == [0, 1, 1, 2, 2, 3, 3, 4, 5]
    save(tmp_path / "odd", images[:6], [f"{label}/{i}.png" for i in range(3) for label in ("²", "--1")])
    assert packed(tmp_path / "odd").info["classes"] == ["--1", "²"]


def test_a_held_out_place_must_have_images_too(folder: Path, tmp_path: Path) -> None:
    empty, broken = tmp_path / "empty", tmp_path / "broken"
    empty.mkdir()
    broken.mkdir()
    assert str(empty) in refused("data.no_images", folder, empty)
    (broken / "half.png").write_bytes(encoded(textures(1)[0])[:200])
    assert str(broken) in refused("data.all_bad", folder, broken)
    assert str(broken) in refused("data.all_bad", broken, folder)
    refused("data.none", folder, tmp_path / "nothing")
    refused("data.too_few", folder, folder)  # all that there is to train on is held out

"""Every reader gives the same images, and every kind of picture the pixels that it should."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pictures import bad, decoded, encoded, idx, members, packed, refused, save, textures
from PIL import Image

import duelo
from duelo.data import Framing, decode, open_source, survey
from duelo.data.decode import Unreadable
from duelo.data.sources import Notes, label_names, labels_of

Images = NDArray[np.uint8]
GREY, COLOUR = textures(12, 12, 10), textures(12, 12, 10, 3)
LABELS = [i % 3 for i in range(12)]
NAMES = [f"{label}/image {i:02d}.png" for i, label in enumerate(LABELS)]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUELO_CACHE", str(tmp_path / "cache"))


def zipped(path: Path, images: Images, root: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if root:
            archive.writestr(root, b"")
        for name, image in zip(NAMES, images, strict=True):
            archive.writestr(root + name, encoded(image))
    return path


def tarred(path: Path, images: Images, mode: str, root: str = "") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, image in zip(NAMES, images, strict=True):
            info = tarfile.TarInfo(root + name)
            info.size = len(encoded(image))
            archive.addfile(info, io.BytesIO(encoded(image)))
    return path


def table(path: Path, images: Images, separator: str, header: str = "", mark: str = "") -> Path:
    save(path.parent / "pictures", images, NAMES)
    lines = [separator.join((f"pictures/{name}", str(label))) for name, label in zip(NAMES, LABELS, strict=True)]
    path.write_bytes((mark + "\n".join([header] * bool(header) + lines)).encode())
    return path


def arrays(path: Path, images: Images, labels: object) -> Path:
    np.savez_compressed(path, images=images, labels=np.array(labels))
    return path


def idx_pair(folder: Path, images: Images, compress: bool) -> Path:
    for name, values in (("train-images-idx3-ubyte", images), ("train-labels-idx1-ubyte", np.array(LABELS, np.uint8))):
        if compress:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(values), 1))
        else:
            (folder / name).write_bytes(idx(values))
    return folder / ("train-images-idx3-ubyte.gz" if compress else "train-images-idx3-ubyte")


READERS: dict[str, Callable[[Path, Images], Path]] = {
    "folder": lambda place, images: save(place / "folder", images, NAMES),
    "folder in a folder": lambda place, images: save(place / "one/two", images, NAMES).parent,
    "zip": lambda place, images: zipped(place / "a.zip", images),
    "zip with a root": lambda place, images: zipped(place / "a.zip", images, "all of it/"),
    "zip without a name": lambda place, images: zipped(place / "a", images),
    "zip with backslashes": lambda place, images: zipped(place / "a.zip", images, "root\\"),
    "tar": lambda place, images: tarred(place / "a.tar", images, "w"),
    "tar with a root": lambda place, images: tarred(place / "a.tar", images, "w", "./root/"),
    "tar.gz": lambda place, images: tarred(place / "a.tar.gz", images, "w:gz"),
    "tgz": lambda place, images: tarred(place / "a.tgz", images, "w:gz"),
    "tar.bz2": lambda place, images: tarred(place / "a.tar.bz2", images, "w:bz2"),
    "tar.xz": lambda place, images: tarred(place / "a.tar.xz", images, "w:xz"),
    "csv": lambda place, images: table(place / "a.csv", images, ","),
    "csv with a header": lambda place, images: table(place / "a.csv", images, ",", "file,class"),
    "csv with a mark": lambda place, images: table(place / "a.csv", images, ",", "file,class", "\ufeff"),
    "csv with a mark alone": lambda place, images: table(place / "a.csv", images, ",", mark="\ufeff"),
    "semicolons": lambda place, images: table(place / "a.csv", images, ";", "file;class"),
    "tsv": lambda place, images: table(place / "a.TSV", images, "\t"),
    "npz": lambda place, images: arrays(place / "a.npz", images, LABELS),
    "npz with texts": lambda place, images: arrays(place / "a.npz", images, [str(label) for label in LABELS]),
    "npz with bytes": lambda place, images: arrays(place / "a.npz", images, [str(label).encode() for label in LABELS]),
    "npz of 16 bits": lambda place, images: arrays(place / "a.npz", images.astype(np.uint16) * 257, LABELS),
    "npz, high byte first": lambda place, images: arrays(
        place / "a.npz", (images.astype(np.uint16) * 257).astype(">u2"), LABELS
    ),
    "idx": lambda place, images: idx_pair(place, images, False),
    "idx.gz": lambda place, images: idx_pair(place, images, True),
    "pack": lambda place, images: packed(save(place / "folder", images, NAMES), out=place / "a.duelo").path,
}


@pytest.mark.parametrize("images", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("reader", READERS)
def test_every_reader_gives_the_same(reader: str, images: Images, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    found = packed(READERS[reader](tmp_path / "data", images))
    channels = 1 if images.ndim == 3 else 3
    assert found.shape == (channels, 12, 10)
    pixels = images.reshape(12, 12, 10, channels).transpose(0, 3, 1, 2)
    assert members(found) == sorted(zip([image.tobytes() for image in pixels], map(str, LABELS), strict=True), key=repr)
    assert found.fingerprint == packed(save(tmp_path / "again", images, NAMES)).fingerprint
    assert not bad(found)
    assert not list(found.damaged())
    dataset = found.dataset("a")
    assert dataset.classes == ("0", "1", "2")
    assert len(dataset.train) + len(dataset.referee) + len(dataset.heldout) == 12
    truth = {image.tobytes(): label for image, label in zip(pixels, LABELS, strict=True)}
    for part in (dataset.train, dataset.referee, dataset.heldout):
        for image, label in zip(part.first(12), part.labels, strict=True):
            assert truth[image.numpy().tobytes()] == int(label)


@pytest.mark.parametrize("reader", ["zip", "idx", "npz", "pack"])
def test_every_reader_gives_the_same_at_another_size(reader: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    found = packed(READERS[reader](tmp_path / "data", GREY), size=(8, 9), fit="stretch")
    assert found.shape == (1, 8, 9)
    expected = [np.asarray(Image.fromarray(image).resize((9, 8), Image.Resampling.LANCZOS)).tobytes() for image in GREY]
    assert members(found) == sorted(zip(expected, map(str, LABELS), strict=True), key=repr)
    again = packed(found.path, size=(8, 9))
    assert again.path == found.path  # nothing to do


def test_labels_are_where_all_images_are_in_subfolders(tmp_path: Path) -> None:
    flat = packed(save(tmp_path / "flat", GREY))
    assert (flat.labels, flat.info["classes"], flat.info["mixed_labels"]) == (None, [], False)
    mixed = packed(save(tmp_path / "mixed", GREY, [*NAMES[:8], *(f"{i}.png" for i in range(4))]))
    assert (mixed.labels, mixed.info["classes"], mixed.info["mixed_labels"]) == (None, [], True)
    assert open_source(tmp_path / "mixed").notes.mixed
    assert flat.fingerprint == mixed.fingerprint
    single = packed(save(tmp_path / "single", GREY, [f"cats/{i}.png" for i in range(12)]))
    assert (single.labels, single.info["mixed_labels"]) == (None, False)
    deep = open_source(save(tmp_path / "deep", GREY, [f"x/{i % 2}/{i % 3}/{i}.png" for i in range(12)]))
    assert [member.label for member in deep.members()] == ["0"] * 6 + ["1"] * 6
    assert [member.name for member in deep.members()] == sorted(f"x/{i % 2}/{i % 3}/{i}.png" for i in range(12))


def test_a_table_may_have_paths_alone_or_lack_some_labels(tmp_path: Path) -> None:
    save(tmp_path / "data", GREY)
    names = [f"good{i:02d}.png" for i in range(12)]
    (tmp_path / "data/a.csv").write_text("\n".join(names))
    assert packed(tmp_path / "data/a.csv").labels is None
    (tmp_path / "data/b.csv").write_text("\n".join([f"{name},cat" for name in names[:6]] + names[6:]))
    some = packed(tmp_path / "data/b.csv")
    assert (some.labels, some.info["mixed_labels"], len(some.images)) == (None, True, 12)
    (tmp_path / "data/c.csv").write_text("\n".join(f'"{name}", a "cat", more' for name in names))
    assert packed(tmp_path / "data/c.csv").info["classes"] == []  # one class is none


def test_other_files_are_counted_and_hidden_ones_are_not(tmp_path: Path) -> None:
    folder = save(tmp_path / "data", GREY)
    for name in ("read.me", "notes.txt", ".hidden.png", "Thumbs.db", "__MACOSX/._good00.png", ".git/x.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"no image")
    pack = packed(folder)
    assert (len(pack.images), pack.info["others"], bad(pack)) == (12, 2, {})


def test_classes_are_ordered_by_number_or_else_by_name() -> None:
    assert label_names(["10", "9", "-1", "9"]) == ["-1", "9", "10"]
    assert label_names(["10", "9", "x"]) == ["10", "9", "x"]
    for odd in (["²", "³"], ["--1", "1"], ["9" * 5000, "1"], ["", "1"], ["٣", "2"]):
        assert label_names(odd) == sorted(odd)
    assert labels_of([], Notes()) == []


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "WEBP"])
def test_formats_without_loss(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    assert np.array_equal(decoded(encoded(GREY[0], kind, **options), 1)[0], GREY[0])
    if kind != "GIF":
        assert np.array_equal(decoded(encoded(COLOUR[0], kind, **options)), COLOUR[0].transpose(2, 0, 1))


def test_a_jpeg_is_what_pillow_makes_of_it() -> None:
    content = encoded(COLOUR[0], "JPEG", quality=80)
    assert np.array_equal(decoded(content), np.asarray(Image.open(io.BytesIO(content))).transpose(2, 0, 1))


def test_of_an_animation_the_first_frame_counts(tmp_path: Path) -> None:
    frames = [Image.fromarray(image) for image in GREY]
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        content = encoded(
            frames[0], kind, save_all=True, append_images=frames[1:], **({"lossless": True} if kind == "WEBP" else {})
        )
        assert np.array_equal(decoded(content, 1)[0], GREY[0]), kind
    folder = save(tmp_path / "data", GREY[1:])
    (folder / "moving.gif").write_bytes(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    pack = packed(folder)
    assert (pack.info["animated"], pack.shape, len(pack.images)) == (1, (1, 12, 10), 12)


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    values = np.array([0, 1, 128, 129, 255, 256, 257, 300, 32768, 65000, 65406, 65407, 65535], np.uint16).reshape(1, -1)
    expected = np.array([round(int(value) / 257) for value in values[0]], np.uint8)
    for kind in ("PNG", "TIFF"):
        assert np.array_equal(decoded(encoded(values, kind))[0, 0], expected), kind
    large = np.arange(600 * 20, dtype=np.uint16).reshape(600, 20) * 5
    assert np.array_equal(decoded(encoded(large))[0], np.floor(large / 257 + 0.5))


def test_large_numbers_and_fractions() -> None:
    for kind in (np.int32, np.float32):
        assert np.array_equal(decoded(encoded(GREY[0].astype(kind), "TIFF"))[0], GREY[0])
    assert np.array_equal(decoded(encoded(GREY[0].astype(np.int32) * 257, "TIFF"))[0], GREY[0])
    assert np.array_equal(decoded(encoded((GREY[0] / 255).astype(np.float32), "TIFF"))[0], GREY[0])
    for wrong in (np.float32("nan"), np.float32("inf"), np.float32(-1), np.float32(256), np.int32(-1), np.int32(65536)):
        with pytest.raises(Unreadable) as caught:
            decoded(encoded(np.full((9, 9), wrong), "TIFF"))
        assert caught.value.key == "bad.range"


def test_palettes_one_bit_and_other_colour_spaces() -> None:
    indices = GREY[0] % 7
    palette = textures(1, 7, 3)[0]
    image = Image.fromarray(indices).convert("L")
    image.putpalette(palette.tobytes())
    for kind in ("PNG", "GIF", "BMP", "TIFF"):
        assert np.array_equal(decoded(encoded(image, kind)), palette[indices].transpose(2, 0, 1)), kind
    see_through = bytes([0, 255, 128, 255, 255, 255, 255])
    alpha = np.frombuffer(see_through, np.uint8)[indices].astype(float)[..., None]
    over_white = palette[indices] * alpha / 255 + 255 - alpha
    found = decoded(encoded(image, transparency=see_through)).transpose(1, 2, 0)
    assert np.abs(found - over_white).max() <= 1
    over_green = palette[indices] * alpha / 255 + np.array([0, 128, 0]) * (1 - alpha / 255)
    found = decoded(encoded(image, transparency=see_through), alpha="green").transpose(1, 2, 0)
    assert np.abs(found - over_green).max() <= 1
    one_bit = GREY[0] > 127
    for kind in ("PNG", "BMP", "TIFF", "GIF"):
        assert np.array_equal(decoded(encoded(Image.fromarray(one_bit), kind), 1)[0], one_bit * 255), kind
    ink = textures(1, 16, 16, 4)[0] // 2
    content = encoded(Image.frombytes("CMYK", (16, 16), ink.tobytes()), "TIFF")
    expected = (255.0 - ink[..., :3]) * (255.0 - ink[..., 3:]) / 255
    assert np.abs(decoded(content).transpose(1, 2, 0) - expected).max() <= 1
    flat = Image.new("CMYK", (16, 16), (0, 200, 100, 20))
    red = np.array([235, 51, 143])  # (255 - ink) * (255 - black) / 255
    assert np.abs(decoded(encoded(flat, "JPEG", quality=95)).transpose(1, 2, 0) - red).max() <= 3


def test_transparency_over_a_colour_or_kept(tmp_path: Path) -> None:
    image = textures(1, 12, 10, 4, seed=3)[0]
    alpha = image[..., 3:] / 255
    for name, colour in {"white": (255, 255, 255), "black": (0, 0, 0), "#ff8800": (255, 136, 0)}.items():
        expected = image[..., :3] * alpha + np.array(colour) * (1 - alpha)
        for kind, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("TIFF", {})):
            found = decoded(encoded(image, kind, **options), alpha=name).transpose(1, 2, 0)
            assert np.abs(found - expected).max() <= 1, (kind, name)
    assert np.array_equal(decoded(encoded(image), alpha="keep"), image.transpose(2, 0, 1))
    two = image[..., 2:]
    grey = Image.merge("LA", [Image.fromarray(two[..., i].copy()) for i in (0, 1)])
    assert np.abs(decoded(encoded(grey))[0] - (two[..., 0] * alpha[..., 0] + 255 * (1 - alpha[..., 0]))).max() <= 1
    assert np.array_equal(decoded(encoded(grey), alpha="keep"), two.transpose(2, 0, 1))
    # beside opaque pictures
    for kept, opaque, channels in ((grey, GREY, 2), (Image.fromarray(image), COLOUR, 4), (Image.fromarray(image), GREY, 4)):
        folder = save(tmp_path / f"{channels}{opaque.ndim}", opaque)
        kept.save(folder / "see-through.png")
        pack = packed(folder, alpha="keep")
        assert pack.shape == (channels, 12, 10)
        row = pack.images[pack.names.index("see-through.png")]
        assert np.array_equal(row, np.asarray(kept).transpose(2, 0, 1))
        assert (np.delete(pack.images, pack.names.index("see-through.png"), 0)[:, -1] == 255).all()
        assert packed(folder).shape[0] == channels - 1
    # a coloured background makes grey pictures coloured
    assert packed(tmp_path / "23", alpha="#ff8800").shape[0] == 3
    assert packed(tmp_path / "23", alpha="grey").shape[0] == 1


@pytest.mark.parametrize("alpha", ["whitish", "rgb(300, 0, 0)", "#12", "", "rgb(1,2)"])
def test_a_colour_that_does_not_exist(alpha: str, tmp_path: Path) -> None:
    refused("data.colour", save(tmp_path / "data", GREY), alpha=alpha)


STORED: dict[int, Callable[[Images], Images]] = {  # how a picture lies in the file that EXIF's orientation sets right
    1: lambda x: x,
    2: np.fliplr,
    3: lambda x: np.rot90(x, 2),
    4: np.flipud,
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, 1),
    7: lambda x: np.rot90(x, 2).swapaxes(0, 1),
    8: lambda x: np.rot90(x, -1),
}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_pictures_are_set_upright(kind: str, tmp_path: Path) -> None:
    x, y = np.meshgrid(np.linspace(0, 1, 20), np.linspace(0, 1, 32))
    (tmp_path / "data").mkdir()
    images = {}
    for number, stored in STORED.items():
        image = np.stack([250 * x, 250 * y**2, 25.0 * number * x * y], 2).astype(np.uint8)
        exif = Image.Exif()
        exif[0x0112] = number
        options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
        name = f"{number}.{kind.lower()}"
        (tmp_path / "data" / name).write_bytes(encoded(np.ascontiguousarray(stored(image)), kind, exif=exif, **options))
        images[name] = image
    pack = packed(tmp_path / "data")
    assert pack.info["sizes"] == [[32, 20, 8]]
    assert pack.shape == (3, 32, 20)
    for name, row in zip(pack.names, pack.images, strict=True):
        assert np.abs(row.transpose(1, 2, 0) - images[name].astype(int)).max() <= (6 if kind == "JPEG" else 0), name


def test_a_large_jpeg_is_rotated_too() -> None:
    x, y = np.meshgrid(np.linspace(0, 250, 800), np.linspace(0, 120, 500))
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded((x / 2 + y).astype(np.uint8), "JPEG", exif=exif)
    found = decoded(content, size=(40, 25))[0]
    expected = np.asarray(Image.fromarray(np.rot90((x / 2 + y).astype(np.uint8), -1).copy()).resize((25, 40)))
    assert np.abs(found - expected.astype(int)).max() <= 4


@pytest.mark.parametrize("missed", [False, True])
def test_grey_stays_grey_and_one_coloured_picture_makes_all_coloured(
    missed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "TRIED", 2 if missed else 1000)
    folder = save(tmp_path / "data", np.repeat(textures(40)[..., None], 3, 3))
    assert packed(folder).shape[0] == 1
    monkeypatch.setattr(survey, "TRIED", 2 if missed else 1000)
    coloured = np.repeat(textures(1, seed=9)[0][..., None], 3, 2)
    coloured[7, 7, 0] ^= 128
    (folder / "good07b.png").write_bytes(encoded(coloured))
    seen = survey.seems_grey(open_source(folder), finished_survey(folder), Framing((16, 16)))
    assert seen == missed
    pack = packed(folder)
    assert pack.shape[0] == 3
    assert len(pack.images) == len(set(pack.names)) == 41
    assert np.array_equal(pack.images[pack.names.index("good07b.png")], coloured.transpose(2, 0, 1))
    assert np.array_equal(pack.images[pack.names.index("good39.png")], np.repeat(textures(40)[39][None], 3, 0))


def finished_survey(folder: Path) -> survey.Survey:
    work = survey.survey(open_source(folder))
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def test_grey_and_colour_together(tmp_path: Path) -> None:
    folder = save(save(tmp_path / "data", GREY), COLOUR, [f"colour{i}.png" for i in range(12)])
    pack = packed(folder)
    assert (pack.shape[0], pack.info["modes"]) == (3, {"L": 12, "RGB": 12})
    assert np.array_equal(pack.images[pack.names.index("good03.png")], np.repeat(GREY[3][None], 3, 0))


def test_headers_are_read_without_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(self: Image.Image) -> None:
        raise AssertionError("decoded")

    content = encoded(COLOUR[0])
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", load)
    header = decode.read_header(lambda: decode.picture(io.BytesIO(content)))
    assert (header.format, header.mode, header.width, header.height) == ("PNG", "RGB", 10, 12)


def test_the_cache_is_used_until_the_source_changes(tmp_path: Path) -> None:
    folder = save(tmp_path / "data", GREY)
    first = packed(folder)
    stamp = first.path.stat().st_ino
    assert packed(folder).path.stat().st_ino == stamp
    assert packed(folder, size=(8, 8)).path != first.path
    save(folder, GREY[:1] ^ 255)  # one file changes
    assert packed(folder).path != first.path
    assert json.loads(open_source(folder).signature())[0] == str(folder)
    first.path.write_bytes(first.path.read_bytes()[:-1])
    save(folder, GREY[:1])
    assert len(packed(folder).images) == 12
    given = duelo.load(str(folder), (8, 8))
    assert given.shape == (1, 8, 8)

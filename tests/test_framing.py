"""The size that suits a set of pictures, how each is fitted into it, and how many are decoded at a time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pictures import decoded, encoded, finished, packed, refused, save, textures
from PIL import Image

from duelo.data import Framing, open_source, packing, survey
from duelo.data.framing import choose_size, framed, lost_share

LANCZOS = Image.Resampling.LANCZOS


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUELO_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("sizes", "chosen"),
    [
        ({(28, 28): 70_000}, (28, 28)),
        ({(64, 64): 9}, (64, 64)),
        ({(27, 31): 9}, (27, 31)),  # small and all alike: as they are
        ({(8, 64): 9}, (8, 64)),
        ({(65, 65): 9}, (64, 64)),
        ({(512, 512): 9}, (64, 64)),
        ({(1, 1): 9}, (8, 8)),
        ({(7, 7): 9}, (8, 8)),
        ({(4, 60): 9}, (8, 60)),
        ({(218, 178): 200_000}, (64, 52)),  # portraits
        ({(178, 218): 9}, (52, 64)),
        ({(1200, 800): 5, (600, 400): 5, (900, 620): 1}, (64, 44)),
        ({(1080, 1920): 95, (1920, 1080): 5}, (36, 64)),
        ({(1080, 1920): 50, (1920, 1080): 50}, (64, 64)),  # no usual proportion
        ({(300, 300): 40, (300, 900): 30, (900, 300): 30}, (64, 64)),
        ({(10, 2000): 9}, (8, 64)),
        ({(2000, 10): 9}, (64, 8)),
        ({(1, 80_000_000): 1}, (8, 64)),
        ({(32, 32): 50, (30, 32): 50}, (32, 32)),
        ({(40, 40): 3, (20, 20): 1}, (40, 40)),
        ({(40, 40): 1, (20, 20): 3}, (20, 20)),
        ({(1, 1): 1, (5000, 5000): 9}, (64, 64)),
    ],
)
def test_the_size_that_suits(sizes: dict[tuple[int, int], int], chosen: tuple[int, int]) -> None:
    assert choose_size(sizes) == chosen
    assert choose_size(dict(reversed(sizes.items()))) == chosen


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.dictionaries(st.tuples(st.integers(1, 70_000), st.integers(1, 70_000)), st.integers(1, 10**6), min_size=1))
def test_any_size_can_be_trained_on(sizes: dict[tuple[int, int], int]) -> None:
    h, w = choose_size(sizes)
    assert 8 <= min(h, w) <= max(h, w) <= 64
    assert len(sizes) == 1 or h % 4 == w % 4 == 0


def resized(image: NDArray[np.uint8], h: int, w: int) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(image).resize((w, h), LANCZOS))


def assert_alike(found: NDArray[np.uint8], expected: NDArray[np.uint8]) -> None:
    """Equal but for rounding; at the edges, antialiasing sees a little of what is cut off."""
    assert found.shape == expected.shape
    difference = np.abs(found.astype(int) - expected)
    assert difference[3:-3, 3:-3].max() <= 1
    assert difference.max() <= 100


@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize(
    ("h", "w", "cut"),
    [
        (40, 20, np.s_[10:30, :]),
        (20, 50, np.s_[:, 15:35]),
        (20, 20, np.s_[:, :]),
        (10, 10, np.s_[:, :]),
        (12, 10, np.s_[1:11, :]),
    ],
)
def test_cropping_takes_the_middle(h: int, w: int, cut: tuple[slice, slice], c: int) -> None:
    image = textures(1, h, w, c)[0] // 2 + np.uint8(60)  # so that nothing is clipped on the way
    found = np.asarray(framed(Image.fromarray(image), (10, 10), "crop"))
    expected = resized(np.ascontiguousarray(image[cut]), 10, 10)
    assert_alike(found, expected)
    assert lost_share(w, h, (10, 10)) == pytest.approx(1 - min(h, w) ** 2 / (h * w))


@pytest.mark.parametrize("c", [1, 3])
def test_cropping_to_other_proportions(c: int) -> None:
    image = textures(1, 60, 60, c)[0]
    found = np.asarray(framed(Image.fromarray(image), (10, 20), "crop"))
    assert_alike(found, resized(np.ascontiguousarray(image[15:45]), 10, 20))
    assert lost_share(60, 60, (10, 20)) == pytest.approx(0.5)


@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize(("h", "w"), [(40, 20), (20, 40), (5, 5), (200, 8), (12, 12), (7, 3)])
def test_stretching_and_padding(h: int, w: int, c: int) -> None:
    image = textures(1, h, w, c)[0]
    picture = Image.fromarray(image)
    rough = 8 if h == 200 else 0  # much larger ones are halved first, several times as fast
    assert np.abs(np.asarray(framed(picture, (12, 16), "stretch")).astype(int) - resized(image, 12, 16)).max() <= rough
    found = np.asarray(framed(picture, (12, 16), "pad")).reshape(12, 16, c)
    scale = min(12 / h, 16 / w)
    inner_h, inner_w = max(1, round(h * scale)), max(1, round(w * scale))
    small = resized(image, inner_h, inner_w).reshape(inner_h, inner_w, c)
    top, left = (12 - inner_h) // 2, (16 - inner_w) // 2
    middle = np.zeros((12, 16), bool)
    middle[top : top + inner_h, left : left + inner_w] = True
    assert np.abs(found[middle].reshape(small.shape).astype(int) - small).max() <= rough
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    assert np.abs(found[~middle] - np.median(border, axis=0)).max(initial=0) <= 0.5 + rough


def test_a_margin_has_the_colour_of_the_border() -> None:
    image = np.full((30, 10, 3), (200, 100, 50), np.uint8)
    image[10:20, 3:7] = 0
    found = np.asarray(framed(Image.fromarray(image), (30, 30), "pad"))
    assert (found[:, :10] == (200, 100, 50)).all()
    assert (found[:, 20:] == (200, 100, 50)).all()


def test_a_much_larger_picture_is_averaged_and_not_sampled() -> None:
    stripes = (np.arange(1000) % 2 * 255).astype(np.uint8)[:, None].repeat(1000, 1)
    for kind in ("PNG", "JPEG"):
        for fit in ("crop", "pad", "stretch"):
            found = decoded(encoded(stripes, kind), size=(20, 20), fit=fit)[0]
            assert np.abs(found.astype(int) - 127.5).max() <= 3


def test_what_lies_behind_transparent_pixels_does_not_shine_through() -> None:
    image = np.zeros((64, 64, 4), np.uint8)
    image[:, ::2] = (255, 0, 0, 0)  # every other column is a red that cannot be seen
    image[:, 1::2] = (0, 0, 255, 255)
    found = decoded(encoded(image), size=(8, 8), alpha="white").transpose(1, 2, 0)
    assert np.abs(found.astype(int) - (128, 128, 255)).max() <= 2
    kept = decoded(encoded(image), size=(8, 8), alpha="keep").transpose(1, 2, 0)
    assert np.abs(kept.astype(int) - (0, 0, 255, 128)).max() <= 2


def test_pictures_of_many_sizes(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    chance = np.random.default_rng(0)
    for i in range(40):
        h, w = chance.integers(5, 90, 2)
        save(folder, textures(1, h, w, 3, seed=i), [f"{i}.png"])
    for fit in ("crop", "pad", "stretch"):
        pack = packed(folder, fit=fit)
        assert pack.shape[0] == 3
        assert pack.shape[1] == pack.shape[2]
        assert (len(pack.images), pack.info["different_sizes"] > 30) == (40, True)
    assert pack.info["resized"] + sum(n for h, w, n in pack.info["sizes"] if (h, w) == pack.shape[1:]) == 40


def test_batches_are_small_in_memory_and_miss_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sides = [8, 8, 8, 100, 8, 30, 30, 30, 30, 8, 200, 8, 8, *[8] * 100]
    for i, side in enumerate(sides):
        save(tmp_path / "data", textures(1, side, side, seed=i), [f"{i:03d}.png"])
    (tmp_path / "data/005.png").write_bytes(b"")
    source = open_source(tmp_path / "data")
    found = finished(survey.survey(source))
    assert max(map(len, packing.batches(source, found, 1))) == 8 * packing.SHARE == 64
    monkeypatch.setattr(packing, "BATCH", 4 * 3000)
    batches = [[member.name for member in batch] for batch in packing.batches(source, found, 1)]
    assert [name for batch in batches for name in batch] == [f"{i:03d}.png" for i in range(len(sides)) if i != 5]
    pixels = {f"{i:03d}.png": side**2 for i, side in enumerate(sides)}
    assert all(len(batch) == 1 or sum(pixels[name] for name in batch) <= 3000 for batch in batches)
    assert 32 < max(map(len, batches)) < 64
    assert Counter(map(len, batches))[1] >= 2
    assert len(packed(tmp_path / "data", size=(8, 8)).images) == len(sides) - 1


@pytest.mark.parametrize("size", [(4, 4), (0, 9), (-1, 9), (7, 64), (257, 64), (64, 10**9)])
def test_a_size_that_cannot_be_made(size: tuple[int, int], tmp_path: Path) -> None:
    refused("data.size", save(tmp_path / "data", textures(9)), size=size)


def test_the_framing_is_part_of_the_cache(tmp_path: Path) -> None:
    folder = save(tmp_path / "data", textures(9, 20, 30, 4))
    options = [
        {},
        {"size": (8, 8)},
        {"fit": "pad"},
        {"alpha": "black"},
        {"alpha": "keep"},
        {"size": (8, 8), "fit": "stretch"},
    ]
    paths = [packed(folder, **option).path for option in options]
    assert len(set(paths)) == len(options)
    assert Framing() == Framing(None, "crop", "white")

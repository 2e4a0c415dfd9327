"""Which images fall into which part, and which count as the same."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pictures import encoded, packed, save, textures
from PIL import Image

import duelo
from duelo.data import Pack, stacked
from duelo.data.duplicates import ALIKE, FLAT, NEAR, group_keys, near_groups, thumbnail
from duelo.data.split import PARTS, parts_of
from duelo.words import UserError

TRAIN, REFEREE, HELDOUT, LEFT_OUT = range(4)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUELO_CACHE", str(tmp_path_factory.mktemp("cache")))


def keys(n: int, seed: int = 0) -> list[bytes]:
    return [hashlib.sha256(b"%d %d" % (seed, i)).digest() for i in range(n)]


def cut(members: list[bytes]) -> dict[bytes, int]:
    """The part of each key."""
    return dict(zip(members, parts_of(members, [False] * len(members), "here").tolist(), strict=True))


def test_parts_have_their_names() -> None:
    assert PARTS == ("train", "referee", "heldout", "left out")


@pytest.mark.parametrize("n", [3, 10, 100, 1_000, 30_000, 55_000, 200_000])
def test_parts_have_their_sizes(n: int) -> None:
    train, referee, heldout, left_out = np.bincount(parts_of(keys(n), [False] * n, "here"), minlength=4)
    assert (train + referee + heldout, left_out) == (n, 0)
    assert min(train, referee, heldout) >= 1
    for found, share, most in ((heldout, 1 / 6, 10_000), (referee, 0.04, 2_000)):
        if n * share > 1.1 * most:
            assert found == most
        elif n >= 1000:
            assert abs(found - min(most, n * share)) < 5 * np.sqrt(n * share)  # five standard deviations
    assert heldout <= max(1, n // 3)


def test_parts_do_not_depend_on_the_order() -> None:
    members = keys(500)
    assert cut(members) == cut(members[::-1]) == cut(sorted(members))


def test_what_was_trained_on_is_never_held_out_later() -> None:
    members = keys(200_000, seed=1)
    before: dict[bytes, int] = {}
    rank = {TRAIN: 0, REFEREE: 1, HELDOUT: 2}
    for n in (60, 100, 1_000, 20_000, 50_000, 62_000, 100_000, 200_000):
        now = cut(members[:n])
        assert all(rank[now[key]] <= rank[part] for key, part in before.items())
        if n <= 20_000:  # within the limits nothing moves at all
            assert all(now[key] == part for key, part in before.items())
        before = now


def test_copies_go_together() -> None:
    for seed in range(20):
        members = keys(40, seed)
        chance = np.random.default_rng(seed)
        rows = [members[i] for i in chance.integers(0, 40, 300)]
        parts = parts_of(rows, [False] * len(rows), "here")
        assert all(len({part for key, part in zip(rows, parts, strict=True) if key == mine}) == 1 for mine in rows)


@pytest.mark.parametrize(("copies", "part"), [(1, HELDOUT), (90, HELDOUT), (101, HELDOUT), (112, TRAIN), (600, TRAIN)])
def test_a_large_group_stays_in_train(copies: int, part: int) -> None:
    rows = keys(1000) + [bytes(32)] * copies  # the first of all hashes
    parts = parts_of(rows, [False] * len(rows), "here")
    assert (parts[1000:] == part).all()
    assert set(parts[:1000]) == {TRAIN, REFEREE, HELDOUT}
    with pytest.raises(UserError, match="different"):
        parts_of([bytes(32)] * 50, [False] * 50, "here")


def test_given_images_are_held_out_and_what_is_alike_is_left_out() -> None:
    mine, theirs = keys(600), keys(100, seed=2)
    rows = mine + theirs[:30] + theirs  # 30 of the images to train on are alike to held-out ones
    held = [False] * 630 + [True] * 100
    parts = parts_of(rows, held, "here")
    assert (parts[630:] == HELDOUT).all()
    assert (parts[600:630] == LEFT_OUT).all()
    assert set(parts[:600]) == {TRAIN, REFEREE}
    assert 5 < (parts[:600] == REFEREE).sum() < 50
    assert (parts_of(rows[::-1], held[::-1], "here")[::-1] == parts).all()
    for few in (0, 1):
        with pytest.raises(UserError, match=f"{few} are different; at least 2"):
            parts_of(keys(few) + theirs, [False] * few + [True] * 100, "here")


def chains(thumbs: NDArray[np.float32]) -> tuple[list[frozenset[int]], float]:
    """By comparing all with all: the groups, and how near to its limit any pair is (0: on it)."""
    vectors = thumbs.astype(np.float64)
    contrast = [np.mean([tile.var() for tile in vector.reshape(-1, 64)]) for vector in vectors]
    n, margin, reached = len(vectors), np.inf, [{i} for i in range(len(vectors))]
    for i in range(n):
        for j in range(i):
            distance = ((vectors[i] - vectors[j]) ** 2).mean()
            limit = min(NEAR**2, ALIKE * (contrast[i] + contrast[j]))
            margin = min(margin, abs(distance - limit) / (1 + limit))
            if distance + FLAT / vectors.shape[1] <= limit and reached[i] is not reached[j]:
                joined = reached[i] | reached[j]
                for k in joined:
                    reached[k] = joined
    return [frozenset(group) for group in reached], float(margin)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    n=st.integers(1, 40),
    c=st.integers(1, 4),
    seed=st.integers(0, 10_000),
    contrast=st.sampled_from([0.0, 2.0, 10.0, 60.0]),
    noise=st.sampled_from([0.0, 0.5, 2.0, 4.0]),
)
def test_near_groups_are_those_of_comparing_all_with_all(n: int, c: int, seed: int, contrast: float, noise: float) -> None:
    chance = np.random.default_rng(seed)
    originals = chance.uniform(0, 255, (max(1, n // 4), c, 1)) + contrast * chance.standard_normal((max(1, n // 4), c, 64))
    thumbs = originals[chance.integers(0, len(originals), n)] + noise * chance.standard_normal((n, c, 64))
    thumbs = thumbs.reshape(n, -1).clip(0, 255).astype(np.float32)
    expected, margin = chains(thumbs)
    assume(margin > 1e-2 or noise == 0)
    found = near_groups(thumbs)
    assert [frozenset(np.flatnonzero(found == group).tolist()) for group in found] == expected


def test_near_groups_over_several_blocks() -> None:
    chance = np.random.default_rng(0)
    originals = chance.uniform(0, 255, (900, 64))
    which = chance.permutation(np.repeat(np.arange(900), 4))
    found = near_groups((originals[which] + chance.uniform(-1, 1, (3600, 64))).astype(np.float32))
    assert len(set(found)) == 900
    assert len(set(zip(which.tolist(), found.tolist(), strict=True))) == 900


def test_the_key_of_a_group_follows_from_its_smallest_hash() -> None:
    chance = np.random.default_rng(0)
    originals = chance.uniform(0, 255, (5, 64)).astype(np.float32)
    hashes = keys(15)
    thumbs = {content: originals[i % 5] + i / 100 for i, content in enumerate(hashes)}
    found = group_keys(hashes + hashes[:3], thumbs)
    assert found == [hashlib.sha256(min(hashes[i % 5 :: 5])).digest() for i in [*range(15), 0, 1, 2]]


def test_a_thumbnail_is_made_of_means() -> None:
    image = textures(1, 21, 16, 3)[0].transpose(2, 0, 1)
    rows, columns = [k * 21 // 8 for k in range(9)], [k * 16 // 8 for k in range(9)]
    tiles = [(c, i, j) for c in range(3) for i in range(8) for j in range(8)]
    expected = [image[c, rows[i] : rows[i + 1], columns[j] : columns[j + 1]].mean() for c, i, j in tiles]
    assert thumbnail(image) == pytest.approx(expected, rel=1e-6)


def photographs(n: int, side: int, contrast: float, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth coloured pictures with some grain, [n, side, side, 3]."""
    chance = np.random.default_rng(seed)
    coarse = chance.uniform(0, 255, (n, 6, 6, 3)).astype(np.uint8)
    smooth = [np.asarray(Image.fromarray(x).resize((side, side), Image.Resampling.BICUBIC), float) for x in coarse]
    grain = chance.normal(0, 4, (n, side, side, 1))
    hue = np.array([90, 140, 200.0])
    return (hue + (np.stack(smooth) - 128 + grain) * contrast).clip(0, 254).astype(np.uint8)


def variants(image: NDArray[np.uint8]) -> dict[str, bytes]:
    side = image.shape[0]
    small = Image.fromarray(image).resize((side // 2, side // 2), Image.Resampling.LANCZOS)
    return {
        "a.png": encoded(image),
        "b.jpg": encoded(image, "JPEG", quality=95),
        "c.jpg": encoded(image, "JPEG", quality=60),
        "d.png": encoded(image + np.uint8(1)),
        "e.png": encoded(small),
        "f.bmp": encoded(image, "BMP"),
    }


def test_variants_of_one_picture_never_fall_on_both_sides(tmp_path: Path) -> None:
    for i, image in enumerate(photographs(60, 64, 1.0)):
        for name, content in variants(image).items():
            (tmp_path / f"{i:02d}{name}").write_bytes(content)
    pack = packed(tmp_path, size=(32, 32))
    assert len(pack.images) == 360
    parts: dict[str, set[int]] = {}
    for name, part in zip(pack.names, pack.parts.tolist(), strict=True):
        parts.setdefault(name[:2], set()).add(part)
    assert len(parts) == 60
    assert all(len(part) == 1 for part in parts.values())
    assert set().union(*parts.values()) == {TRAIN, REFEREE, HELDOUT}
    assert (pack.info["exact"], pack.info["near"]) == (
        120,
        180,
    )  # a BMP and a copy at the packed size are the very same pixels
    assert all(len({name[:2] for name in group}) == 1 and len(group) == 6 for group in pack.info["alike"])


@pytest.mark.parametrize("contrast", [1.0, 0.3, 0.08])
def test_different_pictures_are_not_called_duplicates(contrast: float, tmp_path: Path) -> None:
    pack = packed(save(tmp_path, photographs(300, 32, contrast)))
    assert (pack.shape[0], pack.info["exact"], pack.info["near"]) == (3, 0, 0)


def test_noise_and_flat_pictures_are_not_called_duplicates(tmp_path: Path) -> None:
    noise = packed(save(tmp_path / "noise", textures(300, 64, 64)))
    assert noise.info["near"] == 0
    stripes = [(np.arange(64) // k % 2 * 200)[:, None].repeat(64, 1).astype(np.uint8) for k in (1, 2, 4)]
    fine = packed(save(tmp_path / "fine", np.stack(stripes + [stripe.T for stripe in stripes])))
    assert (len(fine.images), fine.info["near"]) == (6, 0)
    flat = packed(save(tmp_path / "flat", np.arange(0, 256, dtype=np.uint8)[:, None, None].repeat(9, 1).repeat(9, 2)))
    assert flat.info["near"] == 0


def parts_by_content(pack: Pack) -> dict[bytes, int]:
    return {image.tobytes(): part for image, part in zip(pack.images, pack.parts.tolist(), strict=True)}


def test_a_folder_keeps_its_parts_when_files_are_renamed_and_added(tmp_path: Path) -> None:
    images = textures(330)
    first = packed(save(tmp_path / "one", images[:300]))
    chance = np.random.default_rng(0).permutation(300)
    second = packed(save(tmp_path / "two", images[:300][chance], [f"x/{i}.png" for i in range(300)]))
    assert parts_by_content(first) == parts_by_content(second)
    assert first.fingerprint == second.fingerprint
    for part in ("train", "heldout"):
        assert torch.equal(first.dataset("a").__dict__[part].first(300), second.dataset("b").__dict__[part].first(300))
    third = packed(save(save(tmp_path / "two", images[300:]), images[:20], [f"copy{i}.png" for i in range(20)]))
    assert (len(third.images), third.info["exact"]) == (350, 20)
    assert parts_by_content(third).items() >= parts_by_content(first).items()


def test_the_order_and_the_fingerprint_ignore_the_order_of_equal_images(tmp_path: Path) -> None:
    images, labels = textures(20)[np.arange(60) % 20], np.arange(60) % 7
    np.savez(tmp_path / "one.npz", images=images, labels=labels)
    np.savez(tmp_path / "two.npz", images=images[::-1], labels=labels[::-1])
    one, two = packed(tmp_path / "one.npz"), packed(tmp_path / "two.npz")
    assert one.fingerprint == two.fingerprint
    assert torch.equal(one.dataset("a").train.labels, two.dataset("a").train.labels)
    hashes = [hashlib.sha256(image.numpy().tobytes()).digest() for image in one.dataset("a").train.first(60)]
    assert hashes == sorted(hashes)
    np.savez(tmp_path / "two.npz", images=images[::-1], labels=labels)
    assert packed(tmp_path / "two.npz").fingerprint != one.fingerprint


def test_held_out_images_of_ones_own(tmp_path: Path) -> None:
    images = textures(100)
    train = save(tmp_path / "train", images[:80])
    held = save(tmp_path / "held", np.concatenate([images[70:], images[:1] ^ 1]))
    pack = packed(train, held)
    assert len(pack.images) == 111
    assert [int((pack.parts == part).sum()) for part in (HELDOUT, LEFT_OUT)] == [31, 11]
    dataset = pack.dataset("a")
    assert (len(dataset.heldout), len(dataset.train) + len(dataset.referee)) == (31, 69)
    theirs = {image.tobytes() for image in images[70:80]} | {images[0].tobytes()}
    assert not theirs & {image.numpy().tobytes() for image in dataset.train.first(100)}
    assert packed(train).fingerprint != pack.fingerprint


def test_stacked_digits_are_what_their_labels_say() -> None:
    digits, found = duelo.load("digits"), stacked.load()
    assert found.shape == (3, 28, 28)
    assert found.classes == tuple(f"{i:03d}" for i in range(1000))
    assert {name: len(found.__dict__[name]) for name in stacked.SIZES} == stacked.SIZES
    for name in stacked.SIZES:
        part, source = found.__dict__[name], digits.__dict__[name]
        labels = {image.numpy().tobytes(): int(label) for image, label in zip(source.values, source.labels, strict=True)}
        chosen = torch.randint(len(part), (300,), generator=torch.Generator().manual_seed(1))
        for image, label in zip(part.take(chosen), part.labels[chosen].tolist(), strict=True):
            three = [labels[channel.numpy().tobytes()] for channel in image]  # each is a digit of the same part
            assert label == 100 * three[0] + 10 * three[1] + three[2]
        assert (int(part.labels.min()), int(part.labels.max())) == (0, 999)
    counts = torch.bincount(found.train.labels, minlength=1000)
    assert (counts > 0).all()
    again = stacked.Triples(digits.referee, 2000, 1)
    assert torch.equal(again.first(50), found.referee.first(50))
    assert not torch.equal(stacked.Triples(digits.referee, 2000, 2).first(50), again.first(50))

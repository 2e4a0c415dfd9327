from __future__ import annotations

import gzip
import hashlib
import math
import subprocess
import sys
import zlib
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import duelo
from duelo.data import batch_indices
from duelo.data.digits import CANONICAL, unpack
from duelo.data.pixels import scatter, tile, to_bytes, to_floats
from duelo.data.split import split_by_content
from duelo.words import UserError

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def packed() -> bytes:
    return files("duelo.data").joinpath("digits.bin").read_bytes()


def test_digits_have_the_canonical_bytes(packed: bytes) -> None:
    assert len(packed) <= 11.5e6
    prefixes = ["ba891046", "65a50cbb", "0fa7898d", "ff7bcfd4"]
    assert [hashlib.sha256(content).hexdigest()[:8] for content in unpack(packed)] == prefixes
    assert files("duelo.data").joinpath("digits.LICENSE.txt").read_text().count("CC BY-SA 3.0") == 1


def test_damaged_digits_are_refused_in_a_sentence(packed: bytes) -> None:
    joined = bytearray(zlib.decompress(packed))
    joined[20_000_000] ^= 1
    with pytest.raises(UserError, match="train-images-idx3-ubyte does not have its SHA-256"):
        unpack(zlib.compress(bytes(joined), 1))
    with pytest.raises(UserError, match=r"digits\.bin"):
        unpack(packed[:-1000])


def test_digits_are_rebuilt_from_the_idx_files(packed: bytes, tmp_path: Path) -> None:
    for i, (file, content) in enumerate(zip(CANONICAL, unpack(packed), strict=True)):
        if i % 2:
            (tmp_path / file.name).write_bytes(content)
        else:
            (tmp_path / f"{file.name}.gz").write_bytes(gzip.compress(content, 1))
    out = tmp_path / "digits.bin"
    subprocess.run([sys.executable, ROOT / "tools/pack_digits.py", tmp_path, out], check=True, capture_output=True)
    assert unpack(out.read_bytes()) == unpack(packed)
    assert abs(len(out.read_bytes()) - len(packed)) < 50_000  # another zlib may pack a little differently


def test_digits_parts_have_their_sizes_and_share_nothing(packed: bytes) -> None:
    digits = duelo.load("digits")
    parts = {"train": digits.train, "referee": digits.referee, "heldout": digits.heldout, "test": digits.test}
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 48_000,
        "referee": 2_000,
        "heldout": 10_000,
        "test": 10_000,
    }
    assert digits.shape == (1, 28, 28)
    hashes = {
        name: {hashlib.sha256(image.numpy().tobytes()).digest() for image in part.values} for name, part in parts.items()
    }
    assert not hashes["train"] & (hashes["referee"] | hashes["heldout"])
    assert not hashes["referee"] & hashes["heldout"]
    # together they are the canonical training images, each with its own label
    images = np.frombuffer(unpack(packed)[0], np.uint8, offset=16).reshape(-1, 784)
    labels = np.frombuffer(unpack(packed)[1], np.uint8, offset=8)
    truth = {image.tobytes(): int(label) for image, label in zip(images, labels, strict=True)}
    together = [digits.train, digits.referee, digits.heldout]
    found = {
        image.numpy().tobytes(): int(label)
        for part in together
        for image, label in zip(part.values, part.labels, strict=True)
    }
    assert found == truth


def test_the_parts_of_digits_are_of_one_distribution() -> None:
    digits = duelo.load("digits")
    for part in (digits.referee, digits.heldout):
        share = torch.bincount(part.labels, minlength=10) / len(part)
        expected = torch.bincount(digits.train.labels, minlength=10) / len(digits.train)
        # five standard deviations of a multinomial share
        assert ((share - expected).abs() < 5 * (expected * (1 - expected) / len(part)).sqrt()).all()


@given(
    members=st.lists(st.binary(min_size=1, max_size=2), min_size=4, max_size=60),
    heldout=st.integers(1, 10),
    referee=st.integers(1, 10),
    chance=st.randoms(),
)
def test_a_split_depends_on_contents_alone(members: list[bytes], heldout: int, referee: int, chance) -> None:
    def contents(order: list[bytes]) -> dict[str, list[bytes]]:
        hashes = [hashlib.sha256(member).digest() for member in order]
        parts = split_by_content(hashes, heldout, referee)
        assert sorted(i for part in parts.values() for i in part) == list(range(len(order)))
        return {name: sorted(order[i] for i in part) for name, part in parts.items()}

    shuffled = members.copy()
    chance.shuffle(shuffled)
    parts = contents(members)
    assert contents(shuffled) == parts
    assert not set(parts["train"]) & set(parts["heldout"])
    assert not set(parts["train"]) & set(parts["referee"])
    assert not set(parts["referee"]) & set(parts["heldout"])
    if len(set(members)) == len(members) >= heldout + referee:
        assert (len(parts["heldout"]), len(parts["referee"])) == (heldout, referee)


@given(n=st.integers(1, 50), batch=st.integers(1, 120), seed=st.integers(0, 5))
def test_each_pass_reads_every_member_once_and_batches_join_up(n: int, batch: int, seed: int) -> None:
    stream = torch.cat([batch_indices(n, batch, k * batch, seed) for k in range(1 + 3 * n // batch)])
    for k in range(len(stream) // n):
        assert sorted(stream[k * n : (k + 1) * n].tolist()) == list(range(n))
    assert torch.equal(stream[:n], batch_indices(n, n, 0, seed))


def test_passes_and_seeds_have_orders_of_their_own() -> None:
    orders = [batch_indices(1000, 1000, turn * 1000, seed) for turn in (0, 1) for seed in (0, 1)]
    for i, order in enumerate(orders):
        for other in orders[:i]:
            assert (order == other).float().mean() < 0.02


@pytest.mark.parametrize(("toy", "modes", "sigma", "extent"), [(duelo.ring(), 8, 0.01, 1.2), (duelo.grid(), 25, 0.05, 4.6)])
def test_toys_sample_and_density_agree(toy: duelo.Mixture, modes: int, sigma: float, extent: float) -> None:
    assert (len(toy.means), toy.sigma) == (modes, sigma)
    points = toy.sample(50_000, torch.Generator().manual_seed(1))
    distance, nearest = torch.cdist(points, toy.means).min(1)
    share = torch.bincount(nearest, minlength=modes) / len(points)
    assert ((share - 1 / modes).abs() < 5 * math.sqrt(1 / modes / len(points))).all()
    # for a round Gaussian in the plane, 1 - exp(-9/2) = 98.9 % lie within three sigma
    assert (distance < 3 * sigma).float().mean() == pytest.approx(1 - math.exp(-4.5), abs=0.003)
    # the density integrates to 1 over a fine lattice
    axis = torch.linspace(-extent, extent, int(8 * extent / sigma) + 1, dtype=torch.float64)
    cell = float(axis[1] - axis[0]) ** 2
    lattice = torch.cartesian_prod(axis, axis)
    total = sum(float(toy.log_density(rows).exp().sum()) for rows in lattice.split(200_000)) * cell
    assert total == pytest.approx(1.0, abs=1e-3)
    # and its mean log is minus the entropy, which is known for modes that do not touch
    entropy = math.log(modes) + math.log(2 * math.pi * math.e * sigma**2)
    assert float(toy.log_density(points).mean()) == pytest.approx(-entropy, abs=0.03)


def test_ring_and_grid_stand_where_they_should() -> None:
    assert torch.allclose(duelo.ring().means.norm(dim=1), torch.ones(8))
    assert {tuple(mean) for mean in duelo.grid().means.tolist()} == {
        (float(x), float(y)) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)
    }


@pytest.mark.parametrize("pixel_range", [(-1.0, 1.0), (0.0, 1.0)])
def test_pixels_go_there_and_back(pixel_range: tuple[float, float]) -> None:
    values = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    floats = to_floats(values, pixel_range)
    assert (float(floats.min()), float(floats.max())) == pytest.approx(pixel_range)
    assert torch.equal(to_bytes(floats, pixel_range), values)
    low, high = pixel_range
    beyond = torch.tensor([low - 3, low, (low + high) / 2, high, high + 3])
    assert to_bytes(beyond, pixel_range).tolist() == [0, 0, 128, 255, 255]
    points = torch.randn(5, 2)
    assert to_floats(points, None) is points
    assert to_bytes(points, None) is points


def test_tile_and_scatter_put_things_where_they_belong() -> None:
    images = torch.zeros(3, 1, 4, 5, dtype=torch.uint8)
    images[1] = 255
    sheet = np.asarray(tile(images, columns=2, border=1))
    assert sheet.shape == (11, 13)
    assert (sheet[1:5, 7:12] == 255).all()
    assert (sheet[1:5, 1:6] == 0).all()
    corner, real = torch.tensor([[0.9, 0.9]]).repeat(50, 1), torch.tensor([[-0.9, -0.9]])
    cloud = np.asarray(scatter(corner, real, 1.0, side=20)).astype(int)
    made, given = cloud[:2, 18:], cloud[18:, :2]
    assert (np.ptp(made, axis=-1) > 100).any()  # right and up: orange at the top right of the picture
    assert given.min() < 50  # left and down: dark
    assert np.ptp(given, axis=-1).max() < 20
    cloud[:2, 18:] = cloud[18:, :2] = 255
    assert (cloud == 255).all()

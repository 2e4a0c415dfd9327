"""The sliced distance against plain loops, closed forms, and images that must be told apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import duelo
from duelo.measure import sliced_wasserstein

DIRECTIONS, PATCH, PATCHES = 128, 7, 8192


def projected(a: np.ndarray, b: np.ndarray, directions: np.ndarray) -> float:
    """Bonneel et al. 2015, section 3, a direction at a time: a, b [n, d], directions [d, k]."""
    total = 0.0
    for direction in directions.T:
        unit = direction / math.sqrt(sum(direction**2))
        total += float(np.mean(np.abs(np.sort(a @ unit) - np.sort(b @ unit))))
    return total / directions.shape[1]


def directions_of(generator: torch.Generator, d: int) -> np.ndarray:
    """The directions that the measure draws next."""
    return torch.randn(d, DIRECTIONS, generator=generator).double().numpy()


def halved(images: np.ndarray) -> np.ndarray:
    """Each pixel the mean of those that it covers, in part or whole; [n, c, h, w] -> half of h and w, rounded up."""
    h, w = images.shape[2:]
    height, width = (h + 1) // 2, (w + 1) // 2
    small = np.empty((*images.shape[:2], height, width))
    for i in range(height):
        for j in range(width):
            rows = slice(i * h // height, math.ceil((i + 1) * h / height))
            columns = slice(j * w // width, math.ceil((j + 1) * w / width))
            small[:, :, i, j] = images[:, :, rows, columns].mean((2, 3))
    return small


def plainly(a: Tensor, b: Tensor, seed: int = 0) -> float:
    """The whole measure for images [n, c, h, w], patch by patch."""
    generator = torch.Generator().manual_seed(seed)
    x, y = (images.double().numpy() for images in (a, b))
    distances = []
    while max(x.shape[2:]) > 8:
        n, channels, h, w = x.shape
        side = min(PATCH, h, w)
        places = [torch.randint(k, (PATCHES,), generator=generator).tolist() for k in (n, h - side + 1, w - side + 1)]
        patches = [
            np.stack([z[i, :, r : r + side, c : c + side].reshape(-1) for i, r, c in zip(*places, strict=True)])
            for z in (x, y)
        ]
        distances.append(projected(*patches, directions_of(generator, channels * side * side)))
        x, y = halved(x), halved(y)
    whole = [z.reshape(len(z), -1) for z in (x, y)]
    return float(np.mean([*distances, projected(*whole, directions_of(generator, whole[0].shape[1]))]))


def random_images(n: int, shape: tuple[int, ...], seed: int, most: int = 256) -> Tensor:
    """Noise, uint8."""
    return torch.randint(0, most, (n, *shape), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


@pytest.mark.parametrize("d", [1, 2, 7])
def test_points_agree_with_a_plain_loop(d: int) -> None:
    generator = torch.Generator().manual_seed(3)
    a, b = torch.randn(200, d, generator=generator), torch.rand(200, d, generator=generator) + 0.5
    expected = projected(a.double().numpy(), b.double().numpy(), directions_of(torch.Generator().manual_seed(5), d))
    assert sliced_wasserstein(a, b, seed=5) == pytest.approx(expected, rel=1e-4)
    assert sliced_wasserstein(b, a, seed=5) == sliced_wasserstein(a, b, seed=5)
    if d > 1:
        assert sliced_wasserstein(a, b, seed=6) != pytest.approx(expected, rel=1e-4)


def test_a_shift_is_as_far_as_its_projections() -> None:
    """Sorted, every point has moved by v . direction; over all directions in the plane that is 2/pi |v| on average."""
    points = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    v = torch.tensor([3.0, -4.0])
    directions = directions_of(torch.Generator().manual_seed(0), 2)
    expected = np.mean(np.abs(v.numpy() @ directions) / np.linalg.norm(directions, axis=0))
    assert sliced_wasserstein(points, points + v) == pytest.approx(expected, rel=1e-5)
    assert expected == pytest.approx(5 * 2 / math.pi, rel=0.1)
    many = torch.randn(2, 20_000, 2, generator=torch.Generator().manual_seed(1))
    assert sliced_wasserstein(many[0], many[1] + v) == pytest.approx(expected, rel=0.02)  # also of two draws
    # of a Gaussian twice as wide: the distance of two centred normal distributions, |2 - 1| E|N(0, 1)|
    assert sliced_wasserstein(many[0], 2 * many[1]) == pytest.approx(math.sqrt(2 / math.pi), rel=0.03)


@pytest.mark.parametrize("shape", [(2,), (1, 28, 28), (3, 9, 14), (1, 8, 5), (2, 7, 31)])
def test_a_set_is_at_distance_zero_from_itself_and_nothing_else_is(shape: tuple[int, ...]) -> None:
    members = torch.randn(64, *shape) if len(shape) == 1 else random_images(64, shape, 0)
    assert sliced_wasserstein(members, members) == 0
    other = members + 1 if len(shape) == 1 else (members // 2)
    assert sliced_wasserstein(members, other) > 0
    if len(shape) == 1:
        assert sliced_wasserstein(members, members.flip(0)) == 0  # the order means nothing


def test_sets_of_different_sizes_are_cut_to_the_smaller() -> None:
    points = torch.randn(2, 300, 2, generator=torch.Generator().manual_seed(0))
    images = random_images(300, (1, 12, 12), 0), random_images(300, (1, 12, 12), 1, most=128)
    for a, b in (points, images):
        cut = sliced_wasserstein(a[:100], b[:100])
        assert sliced_wasserstein(a[:100], b) == sliced_wasserstein(a, b[:100]) == cut
        assert sliced_wasserstein(a, b) != cut


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 14), (1, 17, 5), (4, 8, 8), (1, 8, 9)])
def test_images_of_any_size_agree_with_patches_in_a_plain_loop(shape: tuple[int, ...]) -> None:
    a, b = random_images(40, shape, 0), random_images(40, shape, 1, most=128)
    found = sliced_wasserstein(a, b)
    assert found == pytest.approx(plainly(a, b), rel=1e-4)
    assert sliced_wasserstein(a, b, seed=1) != found
    # grey levels: each direction's sum is random, but its size is that of one level
    assert 1 < found < 256


def test_blurred_images_are_further_than_a_second_real_half() -> None:
    digits = duelo.load("digits").train.first(2000)
    one, other = digits[:1000], digits[1000:]
    floor = sliced_wasserstein(one, other)
    blurred = F.avg_pool2d(other.float(), 3, stride=1, padding=1).round().byte()
    shifted = other.roll(3, 3)
    noisy = (other.float() + 20 * torch.randn(other.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 255).byte()
    for worse in (blurred, shifted, noisy, 255 - other, other[:1].expand(1000, -1, -1, -1)):
        assert sliced_wasserstein(one, worse) > 1.5 * floor
    # more blur is further
    again = F.avg_pool2d(blurred.float(), 3, stride=1, padding=1).round().byte()
    assert sliced_wasserstein(one, again) > 1.2 * sliced_wasserstein(one, blurred)

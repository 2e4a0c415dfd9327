from __future__ import annotations

import math

import pytest
import torch

import duelo
from duelo.measure import judged, neighbour_distance, sliced_wasserstein


def test_the_distance_of_points_by_hand() -> None:
    a, b = torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 1.0]])
    assert neighbour_distance(a, b) == pytest.approx(1 + (5 + 1) / 2)
    assert neighbour_distance(b, a) == neighbour_distance(a, b)
    assert neighbour_distance(b, b.flip(0)) == 0
    assert math.isnan(neighbour_distance(a, torch.tensor([[math.nan, 0.0]])))


def test_sharp_heaps_with_uneven_shares_beat_an_even_cloud() -> None:
    """What sliced Wasserstein got wrong: it took the cloud for the best point of a run on `grid`."""
    data = duelo.load("grid")
    assert data.truth is not None
    chance = torch.Generator().manual_seed(0)
    real = data.referee.drawn(1000)
    cloud = (torch.rand(1000, 2, generator=chance) - 0.5) * 2 * 1.1 * data.truth.means.max()
    points, modes = data.truth.draw(4000, chance)
    uneven = torch.cat([points[modes < 12][:700], points[modes >= 12][:300]])
    assert sliced_wasserstein(cloud, real) < sliced_wasserstein(uneven, real)
    assert neighbour_distance(uneven, real) < 0.2 * neighbour_distance(cloud, real)
    lost = points[modes != 7][:1000]
    assert neighbour_distance(lost, real) > 1.5 * neighbour_distance(points[:1000], real)


def test_each_kind_of_data_has_its_measure() -> None:
    points, images = duelo.load("ring").referee.drawn(50), duelo.load("digits").referee.drawn(50)
    assert (judged(points, points).measure, judged(points, points).value) == ("nearest-neighbour", 0)
    found = judged(images[:25], images[25:])
    assert (found.measure, found.value) == ("sliced-wasserstein", sliced_wasserstein(images[:25], images[25:]))

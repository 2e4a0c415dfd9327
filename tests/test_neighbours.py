from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import duelo
from duelo.measure import neighbours, shifted
from duelo.measure.neighbours import nearest
from duelo.measure.shifted import nearest_shifted


def reference(queries: Tensor, keys: Tensor, k: int, others: bool = False) -> Tensor:
    """Distances [n, k] float64, from differences alone."""
    distances = (queries.double()[:, None] - keys.double()).square().sum(2).sqrt()
    if others:
        distances.fill_diagonal_(math.inf)
    return distances.sort(1).values[:, :k]


def agrees(queries: Tensor, keys: Tensor, k: int, others: bool = False) -> None:
    distances, indices = nearest(queries, keys, k, others=others)
    assert (distances.dtype, indices.dtype) == (torch.float32, torch.int64)
    assert distances.shape == indices.shape == (len(queries), k)
    truth = reference(queries, keys, k, others)
    torch.testing.assert_close(distances.double(), truth, rtol=1e-5, atol=0)
    named = (queries.double()[:, None] - keys.double()[indices]).square().sum(2).sqrt()
    torch.testing.assert_close(named, truth, rtol=1e-5, atol=0)
    assert all(len(set(row)) == k for row in indices.tolist())


@pytest.mark.parametrize("k", [1, 3, 40])
@pytest.mark.parametrize("others", [False, True])
def test_distances_and_names_agree_with_differences_in_float64(
    k: int, others: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "ROWS", 7)
    monkeypatch.setattr(neighbours, "COLUMNS", 19)
    chance = torch.Generator().manual_seed(0)
    keys = torch.randn(41, 5, generator=chance)
    agrees(keys if others else torch.randn(23, 5, generator=chance), keys, k, others)


def test_digits_agree_with_cdist_in_float64() -> None:
    data = duelo.load("digits")
    queries, keys = (part.first(n).flatten(1) / 255 for part, n in ((data.heldout, 300), (data.train, 17_000)))
    truth = torch.cdist(queries.double(), keys.double(), compute_mode="use_mm_for_euclid_dist").topk(5, largest=False)
    distances, indices = nearest(queries, keys, 5)
    torch.testing.assert_close(distances.double(), truth.values, rtol=1e-5, atol=0)
    assert torch.equal(indices, truth.indices)


@pytest.mark.parametrize("offset", [0.0, 300.0, 1e5])
def test_nearly_equal_vectors_keep_their_distance_and_copies_have_none(offset: float) -> None:
    """||x||^2 - 2 x y + ||y||^2 alone loses these: so far apart, two clusters are not helped by centring either."""
    chance = torch.Generator().manual_seed(1)
    keys = torch.randn(300, 16, generator=chance) + offset * (torch.arange(300) % 2)[:, None]
    queries = torch.cat([keys[:100], keys[100:200] * (1 + 1e-6) + 1e-3])
    agrees(queries, keys, 3)
    distances, indices = nearest(queries, keys)
    assert (distances[:100] == 0).all()
    assert torch.equal(indices[:200, 0], torch.arange(200))


def test_a_row_is_not_its_own_neighbour_but_its_duplicate_is() -> None:
    keys = torch.randn(30, 4, generator=torch.Generator().manual_seed(2))
    keys[7] = keys[3]
    distances, indices = nearest(keys, keys, others=True)
    assert (indices[:, 0] != torch.arange(30)).all()
    assert (indices[7, 0], indices[3, 0]) == (3, 7)
    assert distances[3] == distances[7] == 0
    assert (distances > 0).sum() == 28


def test_many_equal_keys_hide_no_nearer_one() -> None:
    keys = torch.ones(500, 8)
    keys[250] = 0.99
    agrees(torch.zeros(3, 8), keys, 1)
    agrees(keys, keys, 2, others=True)


def test_one_key_and_more_candidates_than_keys() -> None:
    agrees(torch.rand(5, 3, generator=torch.Generator().manual_seed(5)), torch.ones(1, 3), 1)
    agrees(torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [1.0]]), 1, others=True)


def test_what_does_not_fit_is_refused() -> None:
    rows = torch.zeros(4, 2)
    with pytest.raises(ValueError, match="one length"):
        nearest(rows, torch.zeros(4, 3))
    with pytest.raises(ValueError, match="k must be"):
        nearest(rows, rows, 4, others=True)
    with pytest.raises(ValueError, match="themselves"):
        nearest(rows[:3], rows, others=True)
    with pytest.raises(ValueError, match="finite"):
        nearest(rows, torch.full((4, 2), math.nan))


def shifted_reference(queries: Tensor, keys: Tensor) -> Tensor:
    """The distance of every pair at the best of nine shifts [n, m], by plain loops over the shifts."""
    h, w = keys.shape[2:]
    best = torch.full((len(queries), len(keys)), math.inf, dtype=torch.float64)
    inner = keys[:, :, 1 : h - 1, 1 : w - 1].double() / 255
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            moved = torch.roll(queries, (down, right), (2, 3))[:, :, 1 : h - 1, 1 : w - 1].double() / 255
            best = torch.minimum(best, (moved[:, None] - inner).square().sum((2, 3, 4)).sqrt())
    return best


@pytest.mark.parametrize("others", [False, True])
def test_shifted_digits_agree_with_plain_loops(others: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shifted, "COLUMNS", 50)
    data = duelo.load("digits")
    keys = data.train.first(120)
    queries = keys if others else data.heldout.first(60)
    truth = torch.cat([shifted_reference(rows, keys) for rows in queries.split(20)])
    if others:
        truth.fill_diagonal_(math.inf)
    distances, indices = nearest_shifted(queries, keys, 2, others=others)
    expected = truth.topk(2, largest=False)
    torch.testing.assert_close(distances.double(), expected.values, rtol=1e-5, atol=0)
    assert torch.equal(indices, expected.indices)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 8, 9), (4, 65, 40)])
def test_a_copy_that_is_shifted_by_a_pixel_has_distance_zero(shape: tuple[int, ...]) -> None:
    keys = torch.randint(0, 256, (60, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    for down, right in ((0, 0), (1, 0), (-1, 1)):
        copies = F.pad(keys[20:40], (right, -right, down, -down), value=77)
        distances, indices = nearest_shifted(copies, keys)
        assert (distances == 0).all()
        assert torch.equal(indices[:, 0], torch.arange(20, 40))
    assert (nearest_shifted(torch.roll(keys, 2, 2), keys)[0] > 0).all()
    assert (nearest_shifted(keys, keys, others=True)[0] > 0).all()


def test_tiny_images_are_compared_as_they_are() -> None:
    keys = torch.randint(0, 256, (50, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(4))
    distances, _ = nearest_shifted(keys, keys)
    assert (distances == 0).all()
    assert (nearest_shifted(torch.roll(keys, 1, 3), keys)[0] > 0).all()
    with pytest.raises(ValueError, match="one shape"):
        nearest_shifted(keys, keys[:, :, :3])
    with pytest.raises(ValueError, match="k must be"):
        nearest_shifted(keys, keys, 50, others=True)

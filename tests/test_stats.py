from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from duelo import stats


@pytest.fixture(autouse=True)
def _start_from_nothing() -> None:
    stats.collect()


def test_moments_agree_with_numpy_over_batches_of_different_sizes() -> None:
    batches = [torch.randn(n, generator=torch.Generator().manual_seed(n)) * 3 + 7 for n in (1, 5, 64)]
    for batch in batches:
        stats.report("value", batch)
    together = np.concatenate([batch.double().numpy() for batch in batches])
    (summary,) = stats.collect().values()
    assert summary.n == 70
    assert summary.mean == pytest.approx(together.mean(), rel=1e-12)
    assert summary.std == pytest.approx(together.std(), rel=1e-9)
    assert stats.collect() == {}


def test_several_figures_at_once_are_what_each_is_alone() -> None:
    figures = {
        "loss": torch.randn(8),
        "right": torch.rand(8) > 0.5,
        "deviation": torch.tensor(2.5),
        "all": torch.randn(3, 4),
    }
    for _ in range(2):
        stats.report_all(figures)
    together = stats.collect()
    for name, values in figures.items():
        stats.report(name, values)
        stats.report(name, values)
    for name, alone in stats.collect().items():
        assert (together[name].n, together[name].mean) == (alone.n, pytest.approx(alone.mean, rel=1e-12)), name
        assert together[name].std == pytest.approx(alone.std, rel=1e-9), name


def test_numbers_booleans_and_not_numbers() -> None:
    stats.report("right", torch.tensor([True, False, True, True]))
    stats.report("rate", 0.5)
    stats.report("loss", torch.tensor([1.0, math.nan]))
    summaries = stats.collect()
    assert summaries["right"].mean == 0.75
    assert summaries["rate"] == stats.Summary(1, 0.5, 0.0)
    assert math.isnan(summaries["loss"].mean)


def test_state_carries_an_unfinished_interval() -> None:
    stats.report("value", torch.tensor([1.0, 2.0]))
    saved = stats.state()
    stats.report("value", torch.tensor([300.0]))
    stats.load(saved)
    stats.report("value", torch.tensor([3.0]))
    assert stats.collect()["value"].mean == 2.0

"""Statistics from anywhere: ``report("loss", values)`` now, means and deviations at the next ``collect()``.

Only three sums are kept per name (how many, sum, sum of squares), in float64 and on the values' own device, so that
reporting never waits for an accelerator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Summary:
    """What `n` reported values amounted to: their `mean` and (population) standard deviation `std`."""

    n: int
    mean: float
    std: float


_sums: dict[str, Tensor] = {}  # name -> [3] float64: how many, sum, sum of squares


def report(name: str, values: Tensor | float) -> None:
    """Add `values` (a number or a tensor of any shape) to the statistic `name`."""
    values = torch.as_tensor(values).detach().to(torch.float64)
    new = torch.stack([torch.full_like(values.sum(), values.numel()), values.sum(), values.square().sum()])
    _sums[name] = _sums[name] + new if name in _sums else new


def report_all(figures: Mapping[str, Tensor]) -> None:
    """``report`` each of the `figures`. Those of one shape together: on an accelerator, few operations for many names."""
    alike: dict[tuple[object, ...], list[str]] = {}
    for name, values in figures.items():
        alike.setdefault((values.shape, values.device), []).append(name)
    for names in alike.values():
        values = torch.stack([figures[name].detach().to(torch.float64).flatten() for name in names])
        counts = torch.full((len(names),), values.shape[1], dtype=torch.float64, device=values.device)
        new = torch.stack([counts, values.sum(1), values.square().sum(1)], 1)
        for name, sums in zip(names, new, strict=True):
            _sums[name] = _sums[name] + sums if name in _sums else sums


def collect() -> dict[str, Summary]:
    """Every statistic reported since the last call, by name; the sums start again from nothing."""
    summaries = {}
    for name, sums in sorted(_sums.items()):
        n, total, squares = sums.tolist()
        mean = total / n
        spread = squares / n - mean**2
        summaries[name] = Summary(int(n), mean, math.sqrt(max(spread, 0.0)) if math.isfinite(spread) else math.nan)
    _sums.clear()
    return summaries


def state() -> dict[str, Tensor]:
    """The sums of statistics not yet collected, for a checkpoint."""
    return {name: sums.cpu() for name, sums in _sums.items()}


def load(sums: dict[str, Tensor]) -> None:
    """Take back what ``state()`` gave; whatever was reported since is forgotten."""
    _sums.clear()
    _sums.update({name: values.clone() for name, values in sums.items()})

"""Measures: arithmetic on samples. They know nothing of runs, networks' training or files."""

from __future__ import annotations

from duelo.measure.mixtures import MixtureScore, score
from duelo.measure.sliced import sliced_wasserstein

__all__ = ["MixtureScore", "score", "sliced_wasserstein"]

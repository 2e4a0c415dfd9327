"""Measures: arithmetic on samples. They know nothing of runs, networks' training or files."""

from __future__ import annotations

from duelo.measure.copying import Copying, copying
from duelo.measure.mixtures import MixtureScore, score
from duelo.measure.neighbours import nearest
from duelo.measure.sliced import sliced_wasserstein

__all__ = ["Copying", "MixtureScore", "copying", "nearest", "score", "sliced_wasserstein"]

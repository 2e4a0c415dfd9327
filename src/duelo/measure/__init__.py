"""Measures: arithmetic on samples. They know nothing of runs, networks' training or files."""

from __future__ import annotations

from duelo.measure.copying import Copying, copying
from duelo.measure.estimate import Estimate
from duelo.measure.features import Features, load_features
from duelo.measure.judgement import Judged, judged, neighbour_distance
from duelo.measure.mixtures import MixtureScore, score
from duelo.measure.modes import Modes, modes
from duelo.measure.neighbours import nearest
from duelo.measure.opponent import Opponent, fresh_opponents
from duelo.measure.quality import Quality, quality
from duelo.measure.sliced import sliced_wasserstein

__all__ = [
    "Copying",
    "Estimate",
    "Features",
    "Judged",
    "MixtureScore",
    "Modes",
    "Opponent",
    "Quality",
    "copying",
    "fresh_opponents",
    "judged",
    "load_features",
    "modes",
    "nearest",
    "neighbour_distance",
    "quality",
    "score",
    "sliced_wasserstein",
]

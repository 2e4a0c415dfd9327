"""Every pair with every objective and every penalty: three rounds, and every weight's gradient is a finite number."""

from __future__ import annotations

import pytest
import torch

import duelo
from duelo.networks import PAIRS
from duelo.objectives import OBJECTIVES
from duelo.play import Game, play

SHAPES = {name: (2,) if name in ("toy", "islands") else (1, 28, 28) if name == "lecture" else (1, 16, 12) for name in PAIRS}
PENALTIES = {
    "none": {},
    "r1": {"r1": 0.1},
    "r2": {"r2": 0.1},
    "gp": {"gp": 1.0},
    "lecam": {"lecam": 0.3},
    "all": {"r1": 0.1, "r2": 0.1, "gp": 1.0, "lecam": 0.3, "entropy": 0.01, "target_kimg": 0.1, "optimistic": True},
}


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("name", PAIRS)
def test_every_combination_plays(name: str, objective: str, penalty: str) -> None:
    torch.manual_seed(0)
    shape = SHAPES[name]
    classes = 3 if penalty == "all" else 0
    pair = PAIRS[name](shape, 4, 3, classes=classes)
    game = Game(pair, objective, batch=4, generator_rate=1e-3, discriminator_rate=1e-3, **PENALTIES[penalty])
    data = torch.randn(12, 2) if shape == (2,) else torch.randint(0, 256, (12, *shape)).byte()
    rounds = play(game, duelo.data.InMemory(data, torch.arange(12) % 3))
    for _ in range(3):
        tick = next(rounds)
        for values in tick.figures().values():
            assert values.isfinite().all()
        for network in (pair.generator, pair.discriminator):
            for key, parameter in network.named_parameters():
                assert parameter.grad is not None, key
                assert parameter.grad.isfinite().all(), key
    assert duelo.sample(game, 3).shape == (3, *shape)

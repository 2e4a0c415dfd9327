"""Turns on a GPU: recorded or as written, they must play the same game. Skipped where there is no GPU."""

from __future__ import annotations

import copy
from itertools import islice

import pytest
import torch

import duelo
from duelo.balance import Controls, fixed
from duelo.build import build
from duelo.data import InMemory
from duelo.graphs import STEADY
from duelo.learner import sample
from duelo.play import Game

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
IMAGES = InMemory(torch.randint(0, 256, (256, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)))


def test_triples_are_the_same_in_the_devices_memory() -> None:
    here = duelo.load("stacked-digits").train
    there = here.near(torch.device("cuda"))
    assert there is not here
    indices = torch.tensor([5, 999_999, 7])
    assert torch.equal(there.take(indices).cpu(), here.take(indices))
    assert here.take(indices).device.type == "cpu"


def game(recorded: bool, **settings: object) -> Game:
    keys = {key.replace("__", "."): value for key, value in settings.items()}
    recipe = duelo.resolve("digits", None, {"networks.width": 8, "play.batch": 16, **keys})
    made = build(recipe, "cuda")
    assert isinstance(made, Game)
    assert made.recordings is not None
    if not recorded:
        made.recordings = None
    return made


@pytest.mark.parametrize(
    "settings", [{"objective__lazy": 1}, {"objective__lazy": 4}, {"objective__loss": "relativistic", "objective__r2": 0.1}]
)
def test_a_recorded_game_is_the_one_that_is_written(settings: dict[str, object]) -> None:
    torch.backends.cudnn.deterministic = True
    games = [game(recorded, **settings) for recorded in (False, True)]
    ticks = [list(islice(some.rounds(IMAGES, 3, fixed(), IMAGES, 1e9), 20)) for some in games]
    assert games[1].recordings is not None
    turns = {"discriminator, slopes", "generator"} | ({"discriminator"} if settings.get("objective__lazy", 4) > 1 else set())
    assert set(games[1].recordings.kept) == turns
    for plain, recorded in zip(*ticks, strict=True):
        for name, values in plain.figures().items():
            torch.testing.assert_close(recorded.figures()[name].double(), values.double(), rtol=1e-3, atol=1e-4)
    assert not torch.equal(ticks[1][-1].real_logits, ticks[1][-2].real_logits)  # a tick keeps what it showed
    for mine, theirs in zip(*(some.pair.generator.parameters() for some in games), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-4)
    assert games[0].nimg == games[1].nimg == 320


def test_chance_is_the_same_in_a_recording() -> None:
    # at rate 0, since augmented gradients are added up in an order of chance, which a few of Adam's steps make visible
    games = [game(recorded, augment__p=0.3) for recorded in (False, True)]
    still = fixed(Controls(rate=0.0, augment=0.3))
    ticks = [list(islice(some.rounds(IMAGES, 3, still, IMAGES, 1e9), 2 * STEADY)) for some in games]
    for plain, recorded in zip(*ticks, strict=True):
        torch.testing.assert_close(recorded.real_logits, plain.real_logits, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(recorded.generator_loss, plain.generator_loss, rtol=1e-3, atol=1e-4)


def test_other_numbers_are_not_played_from_an_old_recording() -> None:
    strengths = [0.0] * 6 + [1.0] * 10
    games = [game(recorded) for recorded in (False, True)]
    for some in games:
        rounds = some.rounds(IMAGES, 0, lambda_balance(strengths), IMAGES, 1e9)
        last = list(islice(rounds, len(strengths)))[-1]
        some.last = last.penalty  # type: ignore[attr-defined]
    torch.testing.assert_close(games[0].last, games[1].last, rtol=1e-3, atol=1e-4)  # type: ignore[attr-defined]
    assert float(games[0].last.abs().sum()) > 0  # type: ignore[attr-defined]


def lambda_balance(strengths: list[float]) -> duelo.balance.Schedule:
    return duelo.balance.Schedule(lambda nimg: Controls(penalty_factor=strengths[min(nimg // 16, len(strengths) - 1)]))


def test_rates_reach_a_recorded_step() -> None:
    some = game(True)
    balance = duelo.balance.Schedule(lambda nimg: Controls(rate=0.0 if nimg >= 16 * 2 * STEADY else 1.0))
    rounds = some.rounds(IMAGES, 0, balance, IMAGES, 1e9)
    list(islice(rounds, 2 * STEADY))
    before = [p.clone() for p in some.pair.generator.parameters()]
    next(rounds)
    assert all(torch.equal(a, b) for a, b in zip(before, some.pair.generator.parameters(), strict=True))


def test_a_game_goes_on_elsewhere_and_back() -> None:
    some = game(True)
    list(islice(some.rounds(IMAGES, 0, fixed(), IMAGES, 1e9), 10))
    recipe = duelo.resolve("digits", None, {"networks.width": 8, "play.batch": 16})
    there = build(recipe, "cpu")
    there.load(copy.deepcopy(some.state()))
    assert (
        torch.equal(sample(there, 4), sample(some, 4)) or (sample(there, 4).int() - sample(some, 4).int()).abs().max() <= 2
    )
    list(islice(there.rounds(IMAGES, 0, fixed(), IMAGES, 1e9), 2))
    some.load(copy.deepcopy(there.state()))
    some.nimg = 0
    list(islice(some.rounds(IMAGES, 0, fixed(), IMAGES, 1e9), 10))
    assert some.recordings is not None
    assert some.recordings.kept


def test_half_precision_keeps_the_weights_whole() -> None:
    some = game(True)
    some.half = True
    last = list(islice(some.rounds(IMAGES, 0, fixed(), IMAGES, 1e9), 12))[-1]
    assert all(values.isfinite().all() for values in last.figures().values())
    assert all(p.dtype == torch.float32 for p in some.pair.generator.parameters())

from __future__ import annotations

import json
import math
from dataclasses import fields, replace

import pytest

from duelo import recipes
from duelo.balance import (
    EVEN_MOVES,
    MOST_AUGMENT,
    MOST_DOUBLINGS,
    RATE_STEP,
    Adaptive,
    Calmed,
    Controls,
    Duel,
    annealed,
    fixed,
)
from duelo.build import build, schedule
from duelo.play import Game


def test_fixed_never_changes() -> None:
    assert fixed()(0) == Controls(1, 1, 1.0)
    controls = Controls(discriminator_steps=3)
    assert fixed(controls)(10**9) is controls


def test_annealed_stays_then_falls_in_a_line_to_its_floor() -> None:
    at = annealed(Controls(2, 1), total_kimg=100, share=0.5, floor=0.1)
    assert [at(nimg).rate for nimg in (0, 50_000)] == [1.0, 1.0]
    assert at(75_000).rate == pytest.approx(0.55)
    assert at(100_000).rate == at(200_000).rate == pytest.approx(0.1)
    assert at(75_000).discriminator_steps == 2


def test_annealed_hands_on_every_other_control() -> None:
    controls = Controls(2, 3, rate=0.5, augment=0.3)
    assert annealed(controls, total_kimg=100)(75_000) == replace(controls, rate=pytest.approx(0.275))
    assert Controls().augment == 0.0


def duel(lead: float = 0.1, memory: float = 0.0, **others: float) -> Duel:
    names = {field.name for field in fields(Duel)}
    values = {**dict.fromkeys(names, 0.0), "n": 256, "referee_right": 0.5 + lead, "fake_right": 0.5}
    return Duel(**{**values, "train_logit": 1.0, "referee_logit": 1.0 - 2 * memory, "fake_logit": -1.0, **others})


def test_the_lead_and_the_memory_are_what_they_say() -> None:
    assert duel(lead=0.3).lead == pytest.approx(0.3)
    assert duel(memory=0.25).memory == pytest.approx(0.25)
    assert duel(train_logit=-1.0).memory == 0.0


def test_shares_have_the_interval_that_their_number_tells() -> None:
    found = replace(duel(0.5, 0.0), n=100, train_right=0.5, referee_right=0.9, fake_right=1.0).intervals
    # solved by hand: the shares p from which 0.5, 0.9 and 1 of 100 are 1.96 standard errors sqrt(p (1 - p) / 100) away
    assert found["train_right"] == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert found["referee_right"] == pytest.approx((0.8256, 0.9448), abs=1e-4)
    assert found["fake_right"] == pytest.approx((0.9630, 1.0), abs=1e-4)


def test_adaptive_shifts_the_rates_until_both_sides_move_equally_fast() -> None:
    """Two sides whose weights move as their rates say, one of them ten times too fast: both rates meet in the middle."""
    for handicap in (10.0, 0.1):
        balance = Adaptive(fixed(Controls(discriminator_rate=0.5)))
        assert balance(0) == Controls(discriminator_rate=0.5)
        for _ in range(60):
            now = balance(0)
            balance.watch(duel(discriminator_move=handicap * now.discriminator_rate, generator_move=now.generator_rate))
        now = balance(0)
        assert handicap * now.discriminator_rate == pytest.approx(EVEN_MOVES * now.generator_rate, rel=0.01)
        assert now.discriminator_rate * now.generator_rate == pytest.approx(0.5)  # as the inner balance has it


def test_adaptive_goes_in_small_steps_and_not_without_end() -> None:
    balance = Adaptive(fixed())
    balance.watch(duel(discriminator_move=1e9, generator_move=1.0))
    assert balance(0).discriminator_rate == pytest.approx(2**-RATE_STEP)
    for _ in range(1000):
        balance.watch(duel(discriminator_move=1e9, generator_move=1.0))
    assert balance(0).discriminator_rate == pytest.approx(2**-MOST_DOUBLINGS)
    before = balance(0)
    for nothing in (0.0, math.nan):  # a side that stands still says nothing of how fast it should go
        balance.watch(duel(discriminator_move=1.0, generator_move=nothing))
        balance.watch(duel(discriminator_move=nothing, generator_move=1.0))
    assert balance(0) == before


def test_adaptive_augments_while_training_images_are_known_by_heart() -> None:
    balance = Adaptive(fixed(Controls(augment=0.1)))
    for _ in range(10):
        balance.watch(duel(memory=0.9))
    grown = balance(0).augment
    assert 0.1 < grown < MOST_AUGMENT
    for _ in range(5):
        balance.watch(duel(memory=0.0))
    assert 0.1 < balance(0).augment < grown
    for _ in range(1000):
        balance.watch(duel(memory=0.9))
    assert balance(0).augment == MOST_AUGMENT
    assert Adaptive(fixed(Controls(augment=0.9)))(0).augment == 0.9  # what the recipe asks for stays


def test_adaptive_remembers_and_is_not_shaken_by_what_is_no_number() -> None:
    balance, other = Adaptive(fixed()), Adaptive(fixed())
    for _ in range(7):
        balance.watch(duel(memory=0.9, discriminator_move=2.0, generator_move=1.0))
    other.load(json.loads(json.dumps(balance.state())))
    assert other(5) == balance(5) != Controls()
    balance.watch(duel(discriminator_move=math.nan, fake_logit=math.nan))
    assert other(5) == balance(5)


def test_calm_lowers_the_rates_of_another_balance_and_tells_it_what_is_seen() -> None:
    inner = Adaptive(annealed(Controls(), total_kimg=100))
    balance = Calmed(inner, lambda nimg: 0.25 if nimg >= 1000 else 1.0)
    assert balance(999).rate == 1.0
    assert balance(75_000).rate == pytest.approx(0.55 / 4)
    balance.watch(duel(discriminator_move=9.0, generator_move=1.0))
    assert balance(0).discriminator_rate == inner(0).discriminator_rate < 1


@pytest.mark.parametrize("data", ["ring", "grid", "digits"])
def test_every_kind_of_data_can_be_balanced_adaptively(data: str) -> None:
    """Points know no augmentation, and that must not keep them from it."""
    recipe = recipes.resolve(data, None, {"balance.rule": "adaptive", "networks.width": 4})
    game = build(recipe)
    assert isinstance(game, Game)
    assert bool(game.augment) == (data == "digits")
    assert isinstance(schedule(recipe), Adaptive)

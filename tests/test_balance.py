from __future__ import annotations

import pytest

from duelo.balance import Controls, annealed, fixed


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
    assert annealed(controls, total_kimg=100)(75_000) == Controls(2, 3, rate=pytest.approx(0.275), augment=0.3)
    assert Controls().augment == 0.0

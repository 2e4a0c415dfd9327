"""A run of so many minutes takes them, however wrong the trial of its speed was."""

from pathlib import Path
from typing import Any

import pytest

from duelo import recipes, run
from duelo.balance import Adaptive, Duel
from duelo.folder import RunFolder
from duelo.pace import CORRECTIONS, Pace


def minutes(kimg: float, **overrides: object) -> recipes.Recipe:
    """Ten minutes of a ring, planned with `kimg`, the rates falling from the start."""
    return recipes.resolve("ring", None, {"minutes": 10, "kimg": kimg, "play.anneal": 1.0, **overrides})


def follow(pace: Pace, speed: float, seconds: float, nimg: int = 0) -> tuple[int, float]:
    """Train in steps of a second at `speed` images a second until the length is reached: the images, and the seconds."""
    pace.start(nimg, seconds)
    while nimg < pace.recipe.length:
        nimg, seconds = nimg + round(speed), seconds + 1
        pace.correct(nimg, seconds)
    return nimg, seconds


@pytest.mark.parametrize("planned", [200, 600, 1200])
def test_the_length_follows_the_speed(planned: float) -> None:
    pace = Pace(minutes(planned))
    nimg, seconds = follow(pace, 1000, 0.0)
    assert seconds == pytest.approx(600, abs=2)
    assert nimg == pace.recipe.length == pytest.approx(600_000, rel=0.005)
    assert pace(nimg).rate == pytest.approx(0.1)  # the rates end with the time
    assert pace(nimg // 2).rate == pytest.approx(0.55)


def test_a_run_that_goes_on_on_a_slower_machine_ends_in_time() -> None:
    pace = Pace(minutes(600))
    nimg, seconds = follow(pace, 100, 300.0, nimg=300_000)
    assert seconds == pytest.approx(600, abs=2)
    assert nimg == pytest.approx(330_000, rel=0.005)


def test_a_time_that_is_over_ends_the_run() -> None:
    pace = Pace(minutes(600))
    pace.start(0, 0.0)
    assert pace.correct(50_000, 900.0)
    assert pace.recipe.length == 50_000
    assert not pace.correct(50_001, 900.0 + 600 / CORRECTIONS - 1)


def test_what_was_asked_for_in_images_stays() -> None:
    pace = Pace(recipes.resolve("ring", None, {"kimg": 600}))
    assert not pace.correct(10_000, 1e6)
    assert pace.recipe.kimg == 600


def test_a_correction_keeps_what_the_balance_remembers() -> None:
    pace = Pace(minutes(600, **{"balance.rule": "adaptive"}))
    pace.watch(Duel(100, 1, 1, 1, 1.0, 1.0, -1.0, 1.0, 0.5, None, 1.0, 1.0, 4.0, 1.0, 1.0))
    remembered = pace.state()
    assert isinstance(pace.inner, Adaptive)
    assert pace.inner.doublings != 0
    assert pace.correct(1000, 60.0)
    assert pace.state() == remembered
    other = Pace(minutes(600, **{"balance.rule": "adaptive"}))
    other.load(remembered)
    assert other(0).discriminator_rate == pace(0).discriminator_rate != 1


@pytest.mark.parametrize("factor", [1 / 3, 3])
def test_a_run_takes_the_minutes_it_was_given(factor: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial says of the speed that it is a third, or three times, what it is."""
    trial = run.planned

    def wrong(*what: Any) -> recipes.Recipe:
        found = trial(*what)
        return found.model_copy(update={"kimg": factor * found.kimg})

    monkeypatch.setattr(run, "planned", wrong)
    recipe = recipes.resolve("ring", None, {"minutes": 0.1, "networks.width": 8, "save.stats_kimg": 1})
    moments = list(run.train(recipe, tmp_path / "run", "cpu"))
    folder = RunFolder(tmp_path / "run")
    assert 5.5 < folder.training_seconds() < 9  # six were asked for; the last judgement is in it
    assert moments[-1].recipe.kimg == folder.recipe().kimg
    assert folder.finished()
    assert moments[-1].nimg == folder.images_seen() >= folder.recipe().length
    assert [moment.kind for moment in run.train(recipe, tmp_path / "run", "cpu")] == ["finished"]

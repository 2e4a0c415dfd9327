from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from livegames import ring

from duelo import lab, recipes
from duelo.diagnosis import RULES, Finding, Setting
from duelo.lab.alarms import GROUPS, alarms, missing_modes, remedy, remedy_of_a_run
from duelo.lab.game import LiveGame
from duelo.words import LANGUAGES, say, speaking

SETTING = Setting(1.386)


def judged(*found: tuple[int, float], every: int = 20_000, k: int = 8) -> list[dict[str, Any]]:
    """Lines of judgements, each of so many modes and such a share of good points."""
    return [
        {"nimg": every * (i + 1), "judgement": {"value": 9.0, "floor": 1.0, "modes": modes, "k": k, "good": good}}
        for i, (modes, good) in enumerate(found)
    ]


def test_modes_that_are_known_to_be_missing_are_a_collapse() -> None:
    finding = missing_modes(judged((0, 0.0), (8, 0.9), *[(2, 0.4)] * 4))
    assert finding is not None
    assert (finding.name, finding.nimg) == ("missing_modes", 60_000)
    assert finding.evidence == {"judgements": 4.0, "modes": 2.0, "k": 8.0, "good": 0.4}


def test_a_generator_that_jumps_from_mode_to_mode_has_collapsed_all_the_while() -> None:
    on_its_way = [(0, 0.01), (1, 0.1)]
    finding = missing_modes(judged((0, 0.0), *[(1, 0.9)] * 2, *on_its_way, *[(1, 0.8)] * 2, *on_its_way))
    assert finding is not None
    assert finding.nimg == 40_000
    assert finding.evidence == {"judgements": 4.0, "modes": 1.0, "k": 8.0, "good": 0.8}
    assert missing_modes(judged(*[(1, 0.9)] * 4, *on_its_way, (0, 0.0))) is None  # it has left them for good
    assert missing_modes(judged(*[(1, 0.9)] * 3, (8, 0.1), (1, 0.9))) is None  # it was everywhere in between


@pytest.mark.parametrize(
    "lines",
    [
        judged(*[(2, 0.4)] * 3),  # not for long
        judged(*[(2, 0.4)] * 20, every=1000),  # not for long either, though it was often looked at
        judged(*[(2, 0.4)] * 9, (8, 0.5)),  # it is over
        judged(*[(1, 0.04)] * 9),  # a beginner: hardly a point is good
        judged(*[(0, 0.5)] * 9),
        judged(*[(6, 0.5)] * 9),
        [{"nimg": 20_000 * i, "judgement": {"value": 9.0, "floor": 1.0}} for i in range(9)],  # nobody knows the truth
    ],
)
def test_few_modes_are_not_always_a_collapse(lines: list[dict[str, Any]]) -> None:
    assert missing_modes(lines) is None


def looked(**seen: float) -> list[dict[str, Any]]:
    """The same with looks of the referee between them."""
    duel: dict[str, Any] = {"n": 256, "train_right": 0.7, "referee_right": 0.69, "fake_right": 0.68, "train_logit": 0.55}
    duel |= {"referee_logit": 0.54, "fake_logit": -0.5, "train_sign": 0.4, "gap": 0.2, "generator_gap": 0.2}
    duel |= {"discriminator_gradient": 3.0, "generator_gradient": 5.0, "discriminator_move": 5e-3, "generator_move": 2e-2}
    return [line | {"duel": duel | {"variety": 0.9} | seen} for line in judged(*[(1, 0.4)] * 9)]


def test_of_a_collapse_and_its_cause_only_one_is_named() -> None:
    assert [one.name for one in alarms(looked(), SETTING)] == ["missing_modes"]
    assert [one.name for one in alarms(looked(variety=0.01), SETTING)] == ["missing_modes"]  # not mode_collapse as well
    assert [one.name for one in alarms(looked(generator_move=0.0), SETTING)] == ["generator_stuck"]
    causes = [one.name for one in alarms(looked(train_right=0.99, train_logit=3.0), SETTING)]
    assert causes == ["copying_pressure", "missing_modes"]


def test_a_live_game_that_serves_two_modes_of_eight_hears_of_it_in_both_languages() -> None:
    live = LiveGame(ring())
    assert live.dataset.truth is not None
    means, sigma = live.dataset.truth.means, live.dataset.truth.sigma

    def fakes(n: int) -> torch.Tensor:
        return means[torch.arange(n) % 2] + sigma * torch.randn(n, 2, generator=torch.Generator().manual_seed(1))

    live.fakes = fakes  # type: ignore[method-assign]
    for _ in range(5):
        live.game.nimg += 20_000
        live.judge()
    live.diagnose()
    (told,) = live.told_findings()
    assert told["numbers"]["modes"] == 2
    assert told["numbers"]["k"] == 8
    assert set(told["title"]) == set(LANGUAGES)
    assert "only 2 of the 8 modes" in told["text"]["en"]
    assert "solo 2 de los 8 modos" in told["text"]["es"]
    live.fakes = live.dataset.train.first  # type: ignore[method-assign]
    live.game.nimg += 20_000
    live.judge()
    live.diagnose()
    assert live.told_findings() == []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", [*RULES, "missing_modes"])
def test_every_remedy_names_a_control_of_the_page_and_no_option_of_the_command(name: str, lang: str) -> None:
    text = remedy(Finding(name, 0, {}), lang)
    assert "--" not in text
    controls = [say(f"lab.live.setting.{control}", lang) for control in GROUPS]
    assert any(f" › {control}”" in text for control in controls)
    assert text.endswith(".")


def test_the_controls_are_in_the_groups_that_remedies_say() -> None:
    script = (Path(lab.__file__).parent / "static/controls.js").read_text()
    groups = dict(re.findall(r'id: "(\w+)", names: \[([^\]]*)\]', script))
    for control, group in GROUPS.items():
        assert f'"{control}"' in groups[group], control


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", [*RULES, "not_a_number"])
def test_the_remedy_of_a_run_is_written_as_its_form_reads_it(name: str, lang: str) -> None:
    finding = Finding(name, 0, {})
    with speaking(lang):
        told, command = remedy_of_a_run(finding), finding.remedy()
        where = say("lab.runs.more") in told
    assert "--" not in told
    assert where == ("--" in command)
    known = recipes.flat(recipes.resolve("digits"))
    assert set(re.findall(r"[a-z]+\.[a-z_0-9]+", told)) <= set(known)
    values = re.findall(r"--(\S+) (\d+(?:\.\d+)?)", command)
    for option, value in values:
        assert f"{option} = {value}" in told


def test_one_remedy_of_a_run_in_full() -> None:
    told = remedy_of_a_run(Finding("discriminator_too_strong", 0, {}))
    assert "balance.rule = adaptive, which" in told
    assert "a lower discriminator.rate. Such values" in told

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from duelo import diagnosis, recipes
from duelo.balance import Duel
from duelo.diagnosis import HIDES, LOOKS, RULES, Finding, Setting, Spell, diagnose, named
from duelo.folder import RunFolder
from duelo.words import LANGUAGES, as_written

EVEN = 2 * math.log(2)
SETTING = Setting(EVEN)
# a duel that goes well: D leads a little, both learn
FINE = {
    "n": 256,
    "train_right": 0.7,
    "referee_right": 0.69,
    "fake_right": 0.68,
    "train_logit": 0.55,
    "referee_logit": 0.54,
    "fake_logit": -0.5,
    "train_sign": 0.4,
    "gap": 0.2,
    "generator_gap": 0.2,
    "discriminator_gradient": 3.0,
    "generator_gradient": 5.0,
    "discriminator_move": 5e-3,
    "generator_move": 2e-2,
    "variety": 0.9,
}
WON = {
    "train_right": 1.0,
    "referee_right": 1.0,
    "fake_right": 1.0,
    "train_logit": 6.0,
    "referee_logit": 6.0,
    "fake_logit": -6.0,
    "gap": EVEN - 0.01,
    "generator_gap": 5.0,
}
FLAT = [50.0] * 100
FALLING = [80.0 * 0.85**i + 3.0 for i in range(100)]


def lines(
    looks: list[dict[str, float]], judgements: list[float] | None = None, floor: float = 3.0, **controls: float
) -> Any:
    """The lines of a run with a look a kimg, each as FINE but for what it says."""
    made = []
    for i, look in enumerate(looks):
        line: dict[str, Any] = {"nimg": 1000 * (i + 1), "duel": {**FINE, **look}}
        line |= {name: {"n": 10, "mean": value, "std": 0.0} for name, value in controls.items()}
        line["real_logit"] = {"n": 1000, "mean": 0.5, "std": 1.0}
        if judgements is not None:
            line["judgement"] = {"value": judgements[i], "floor": floor, "n": 1000, "best": False}
        made.append(line)
    return made


def names(found: list[Finding]) -> list[str]:
    return [finding.name for finding in found]


def only(found: list[Finding]) -> Finding:
    assert len(found) == 1, names(found)
    return found[0]


def test_nothing_is_wrong_where_nothing_is() -> None:
    assert diagnose([], SETTING) == []
    assert diagnose([{"nimg": 500}], SETTING) == []  # a run that has no discriminator has no looks either
    assert diagnose(lines([{}] * 30, FALLING), SETTING) == []
    assert diagnose(lines([{}] * 30, FLAT), SETTING) == []
    assert named(lines([{}] * 30, FALLING), SETTING) == []


def test_a_run_of_its_first_minutes_is_left_alone() -> None:
    early = [
        {**WON, "variety": 0.02},  # an untrained generator
        {**WON, "variety": 0.1},
        {"referee_right": 0.1, "fake_right": 0.0},  # overtaken for a moment
        {**WON, "generator_gradient": 1e-6},
        {**WON, "gap": EVEN - 1e-6, "variety": 0.2},
        {"referee_right": 1.0, "fake_right": 0.05, "gap": -0.3},
        *[WON] * 20,
    ]
    run = lines(early, FALLING)
    assert named(run, SETTING) == []


def test_the_discriminator_won() -> None:
    finding = only(diagnose(lines([{}, {}, *[WON] * 12], FLAT), SETTING))
    assert (finding.name, finding.nimg) == ("discriminator_too_strong", 3000)
    assert finding.evidence["looks"] == 12
    assert finding.evidence["loss"] == pytest.approx(0.01)
    assert finding.evidence["equilibrium"] == pytest.approx(EVEN)
    assert (finding.evidence["value"], finding.evidence["floor"]) == (50.0, 3.0)


@pytest.mark.parametrize(
    ("looks", "judgements", "floor"),
    [
        ([WON] * 12, FALLING, 3.0),  # but the generator learns all the same
        ([WON] * 12, FLAT, 20.0),  # but there is hardly anything left to learn
        ([WON] * 12, None, 3.0),  # nobody judged
        ([*[WON] * 8, {}, *[WON] * 3], FLAT, 3.0),  # but not for long enough
        ([{**WON, "gap": 0.8 * EVEN}] * 12, FLAT, 3.0),  # but it is not that sure
        ([{**WON, "fake_right": 0.9}] * 12, FLAT, 3.0),  # but it is not right so often
    ],
)
def test_a_discriminator_that_leads_has_not_won_yet(looks: Any, judgements: Any, floor: float) -> None:
    assert diagnose(lines(looks, judgements, floor), SETTING) == []


def test_how_sure_it_can_be_depends_on_the_loss() -> None:
    smoothed = Setting(1.376, best=0.325)  # labels smoothed by 0.1
    run = lines([{**WON, "gap": 1.03}] * 12, FLAT)
    assert names(diagnose(run, smoothed)) == ["discriminator_too_strong"]
    assert diagnose(run, Setting(1.376)) == []
    run = lines([{**WON, "gap": 12.0}] * 12, FLAT)
    assert names(diagnose(run, Setting(0.0, best=-math.inf))) == ["discriminator_too_strong"]  # Wasserstein


SMOOTHED = [(loss, smoothing) for loss in ("minimax", "nonsaturating", "leastsquares") for smoothing in (0.0, 0.1, 0.3)]


@pytest.mark.parametrize(("loss", "smoothing"), [("hinge", 0.0), ("relativistic", 0.0), ("wasserstein", 0.0), *SMOOTHED])
def test_who_wins_is_named_with_any_loss_and_smoothed_labels_and_nobody_at_a_draw(loss: str, smoothing: float) -> None:
    """What the referee would see of logits that are sure of the label, and of a draw; the setting is of the recipe."""
    import torch

    from duelo.build import setting
    from duelo.objectives import rules_of

    recipe = recipes.resolve("digits", None, {"objective.loss": loss, "objective.smoothing": smoothing})
    rules, known = rules_of(loss, smoothing), setting(recipe, {"train": 48_000, "referee": 3_000}, [])

    def seen(real: float, fake: float, right: float) -> Any:
        gap = rules.discriminator_equilibrium - float(rules.discriminator(torch.tensor([real]), torch.tensor([fake])))
        look = dict.fromkeys(("train_right", "referee_right", "fake_right"), right) | {"fake_logit": fake, "gap": gap}
        return [look | {"train_logit": real, "referee_logit": real}] * 12

    told = math.log((1 - smoothing) / smoothing) if smoothing else 6.0  # nothing is gained beyond the label
    won = seen(*{"leastsquares": (1 - smoothing, 0.0), "hinge": (1.5, -1.5)}.get(loss, (told, -6.0)), right=1.0)
    assert names(diagnose(lines(won, FLAT), known)) == ["discriminator_too_strong"]
    assert diagnose(lines(seen(rules.border or 0.0, rules.border or 0.0, right=0.5), [3.2] * 12), known) == []
    if smoothing and loss != "leastsquares":
        assert diagnose(lines(won, FLAT), Setting(known.equilibrium)) == []  # as if the loss could come to 0


@pytest.mark.parametrize("pace", [0.0, 1e-9, 5e-6])
def test_a_discriminator_asleep(pace: float) -> None:
    finding = only(diagnose(lines([{"discriminator_move": pace}] * 6), SETTING))
    assert (finding.name, finding.evidence["move"]) == ("discriminator_asleep", pace)


def test_rates_that_were_lowered_on_purpose_are_no_sleep() -> None:
    moves = [{"discriminator_move": 8e-6, "generator_move": 8e-6}] * 6
    assert names(diagnose(lines(moves), SETTING)) == ["generator_stuck", "discriminator_asleep"]
    assert diagnose(lines(moves, rate=0.1), SETTING) == []
    assert names(diagnose(lines(moves, discriminator_rate=0.03), SETTING)) == ["generator_stuck"]
    assert names(diagnose(lines(moves, generator_rate=0.03), SETTING)) == ["discriminator_asleep"]


def test_a_discriminator_too_weak() -> None:
    beaten = {"referee_right": 0.9, "fake_right": 0.0, "gap": -2.0, "generator_gap": -0.6}
    same = {"referee_right": 1.0, "fake_right": 0.02, "gap": 0.0, "generator_gap": 0.0}
    for look in (beaten, same):
        finding = only(diagnose(lines([look] * 12, FLAT), SETTING))
        assert finding.name == "discriminator_too_weak"
        assert diagnose(lines([look] * 12, FALLING), SETTING) == []
        assert diagnose(lines([look] * 12, [4.0] * 12), SETTING) == []  # an equilibrium, as it should be


def test_the_wrong_way_round() -> None:
    flipped = {"referee_right": 0.02, "fake_right": 0.1, "gap": EVEN - 0.01, "variety": 0.01, "generator_move": 0.0}
    finding = only(diagnose(lines([flipped] * 6, FLAT), SETTING))  # the rest follows from it
    assert (finding.name, finding.nimg) == ("wrong_way_round", 1000)
    assert (
        diagnose(
            lines([{**flipped, "train_right": 0.45, "referee_right": 0.44, "variety": 0.9, "generator_move": 1e-2}] * 6),
            SETTING,
        )
        == []
    )


def test_a_generator_stuck() -> None:
    finding = only(diagnose(lines([{**WON, "generator_move": 1e-8}] * 12, FLAT), SETTING))  # that D won follows from it
    assert (finding.name, finding.evidence) == ("generator_stuck", {"looks": 12, "move": 1e-8, "gradient": 5.0})
    assert diagnose(lines([{"generator_move": 2e-5}] * 12, FLAT), SETTING) == []


def test_mode_collapse() -> None:
    finding = only(diagnose(lines([{"variety": 0.03}] * 6, FALLING), SETTING))
    assert (finding.name, finding.evidence) == ("mode_collapse", {"looks": 6, "variety": 0.03})
    thin = [{"variety": 0.2}] * 12
    assert names(diagnose(lines(thin, FLAT), SETTING)) == ["mode_collapse"]
    assert diagnose(lines(thin, FALLING), SETTING) == []
    assert names(diagnose(lines([WON | {"variety": 0.2}] * 12, FLAT), SETTING)) == ["discriminator_too_strong"]
    assert diagnose(lines([*[{"variety": 0.03}] * (LOOKS - 1), {"variety": 0.06}], FALLING), SETTING) == []


KNOWN = {
    "train_right": 0.95,
    "referee_right": 0.6,
    "fake_right": 0.9,
    "train_logit": 2.0,
    "referee_logit": 0.5,
    "fake_logit": -1.0,
}


def test_pressure_to_copy() -> None:
    finding = only(diagnose(lines([KNOWN] * 7), SETTING))
    assert (finding.name, finding.nimg) == ("copying_pressure", 1000)
    assert finding.evidence["memory"] == pytest.approx(0.5)  # (2 - 0.5) / (2 + 1)
    # by hand: 5 looks at 256 training images each, the same 256 of the referee; logits deviate by 1
    logits = 1.5 / math.sqrt(1 / 1280 + 1 / 256)
    shares = 0.35 / math.sqrt(0.775 * 0.225 * (1 / 1280 + 1 / 256))
    assert finding.evidence["deviations"] == pytest.approx(max(logits, shares))


def test_sure_of_everything_it_still_shows_in_the_logits() -> None:
    sure = {**WON, "train_logit": 6.0, "referee_logit": 4.0, "gap": 1.0}
    assert names(diagnose(lines([sure] * 6), SETTING)) == ["copying_pressure"]
    assert diagnose(lines([{**sure, "referee_logit": 5.5}] * 6), SETTING) == []  # a small part of what it knows


def test_images_that_are_looked_at_again_count_once() -> None:
    """The same shares mean nothing where the referee has eight images, however often they are looked at."""
    slight = {**KNOWN, "train_right": 0.85, "train_logit": 1.0, "referee_logit": 0.6}
    assert names(diagnose(lines([slight] * 6), SETTING)) == ["copying_pressure"]
    assert diagnose(lines([slight] * 6), Setting(EVEN, referee=8)) == []
    assert diagnose(lines([slight] * 6), Setting(EVEN, train=8)) == []
    better = {**KNOWN, "train_right": 0.6, "referee_right": 0.95, "train_logit": 0.5, "referee_logit": 2.0}
    assert diagnose(lines([better] * 6), SETTING) == []  # swapped


def test_oscillation() -> None:
    up, down = {"referee_right": 0.8, "fake_right": 0.9}, {"referee_right": 0.45, "fake_right": 0.2, "gap": -0.4}
    run = lines([{}, up, up, down, {}, up, down, down, up])
    finding = only(diagnose(run, SETTING))
    assert (finding.name, finding.nimg) == ("oscillation", 4000)
    assert finding.evidence == {"turns": 4, "looks": 9, "high": pytest.approx(0.7), "low": pytest.approx(-0.35)}
    assert diagnose(run[:-1], SETTING) == []
    mild = {"referee_right": 0.5, "fake_right": 0.4}
    assert diagnose(lines([up, mild] * 10), SETTING) == []  # a lead that comes and goes
    assert diagnose([*run, *lines([{}] * 40)[9:]], SETTING) == []  # it was, long ago


def test_vanishing_gradients() -> None:
    sure = {**WON, "generator_gradient": 1e-3, "generator_move": 1e-3}
    finding = only(diagnose(lines([*[{}] * 5, *[sure] * 6], FLAT), SETTING))  # 5 at the start
    assert (finding.name, finding.nimg) == ("vanishing_gradients", 6000)
    dead = {"referee_right": 1.0, "fake_right": 0.0, "gap": 0.0, "generator_gradient": 1e-9, "discriminator_gradient": 1e-5}
    dead |= {"variety": 0.0, "generator_move": 1e-7}
    finding = only(diagnose(lines([dead] * 12, FLAT), SETTING))
    assert finding.name == "vanishing_gradients"
    assert finding.evidence == {"looks": 12, "generator": 1e-9, "discriminator": 1e-5}
    content = {**dead, "gap": -3.0, "generator_gap": -0.69, "variety": 0.9}  # a generator that has fooled D learns no more
    assert names(diagnose(lines([content] * 12, FLAT), SETTING)) == ["discriminator_too_weak"]


@pytest.mark.parametrize(
    "look",
    [
        {"referee_logit": 160.0, "train_logit": 160.0, "fake_logit": -9.0},
        {"gap": -300.0, "referee_right": 0.7},
        {"generator_gap": 300.0},
        {"generator_gradient": 1e5},
        {"discriminator_gradient": 1e5, "generator_gap": None},
    ],
)
def test_exploding(look: Any) -> None:
    finding = only(diagnose(lines([{}, *[look] * 5]), SETTING))
    assert (finding.name, finding.nimg) == ("exploding", 2000)
    assert diagnose(lines([{}, *[look] * 4, {}]), SETTING) == []
    small = {name: None if value is None else value / 20 for name, value in look.items() if "right" not in name}
    assert diagnose(lines([{}, *[small] * 5]), SETTING) == []


def test_no_longer_a_number() -> None:
    rescues = [{"nimg": 9_500, "name": "generator_loss", "back_to": 8_000}]
    setting = Setting(EVEN, rescues=rescues)
    finding = only(diagnose(lines([{}] * 10), setting))
    assert (finding.name, finding.what, finding.nimg) == ("not_a_number", "generator_loss", 9_500)
    assert "generator_loss" in finding.sentence()
    assert diagnose(lines([{}] * 11), setting) == []  # it passed there as if nothing had been
    assert [(spell.first, spell.last) for spell in named(lines([{}] * 20), setting)] == [(9_500, 10_000)]
    broken = lines([{"referee_logit": math.nan, "gap": math.nan}] * 10)
    assert diagnose(broken, SETTING) == []  # nothing can be said of looks that are no numbers


def test_a_run_is_summed_up() -> None:
    looks = [*[{}] * 3, *[{"variety": 0.01}] * 8, *[{}] * 5, *[{"variety": 0.01}] * 6, *[{}] * 3, *[WON] * 15]
    spells = named(lines(looks, FLAT), SETTING)
    assert [spell.finding.name for spell in spells] == ["mode_collapse", "discriminator_too_strong"]
    assert [(spell.first, spell.named, spell.last) for spell in spells] == [(4_000, 8_000, 22_000), (26_000, 30_000, 40_000)]
    assert isinstance(spells[0], Spell)
    assert spells[0].finding.evidence["looks"] == 6  # as it was when last seen


def test_lines_of_other_versions_are_passed_over() -> None:
    run = lines([{"variety": 0.01}] * 10)
    more = [line | {"duel": line["duel"] | {"new": 1.0}} for line in run]
    assert names(diagnose(more, SETTING)) == ["mode_collapse"]
    less = [line | {"duel": {k: v for k, v in line["duel"].items() if k != "variety"}} for line in run]
    assert diagnose(less, SETTING) == []
    assert set(FINE) == {field.name for field in fields(Duel)}


EXAMPLES: dict[str, tuple[Any, Setting]] = {
    "discriminator_too_strong": (lines([WON] * 12, FLAT), SETTING),
    "discriminator_too_weak": (lines([{"referee_right": 0.9, "fake_right": 0.0, "gap": -2.0}] * 12, FLAT), SETTING),
    "discriminator_asleep": (lines([{"discriminator_move": 2e-7}] * 12), SETTING),
    "wrong_way_round": (lines([{"referee_right": 0.02, "fake_right": 0.1}] * 12), SETTING),
    "generator_stuck": (lines([{"generator_move": 3e-8}] * 12), SETTING),
    "mode_collapse": (lines([{"variety": 0.031}] * 12), SETTING),
    "copying_pressure": (lines([KNOWN] * 12), SETTING),
    "oscillation": (
        lines([{"referee_right": 0.8, "fake_right": 0.9}, {"referee_right": 0.45, "fake_right": 0.2}] * 6),
        SETTING,
    ),
    "vanishing_gradients": (
        lines([{"gap": 0.0, "generator_gradient": 2e-9, "discriminator_gradient": 3e-5}] * 12),
        SETTING,
    ),
    "exploding": (lines([{}, *[{"referee_logit": 163.0, "fake_logit": -9.0}] * 8]), SETTING),
    "not_a_number": (lines([{}] * 10), Setting(EVEN, rescues=[{"nimg": 9_500, "name": "penalty", "back_to": 8_000}])),
}


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_finding_says_its_numbers_and_a_remedy_in_both_languages(name: str, lang: str) -> None:
    finding = only(diagnose(*EXAMPLES[name]))
    assert finding.name == name
    text = finding.sentence(lang)
    template = LANGUAGES[lang][f"finding.{name}"]
    used = dict(re.findall(r"{(\w+)(?::([^}]*))?}", template))
    for key, value in finding.evidence.items():
        assert key in used, f"{key} is not in the sentence"
        assert as_written(value, used[key], lang) in text
    assert f"{finding.nimg / 1000:.4g}" in text
    assert text.endswith(".")
    assert finding.title(lang)
    remedy = finding.remedy(lang)
    assert remedy.endswith(".")
    known = {*recipes.flat(recipes.resolve("digits"))}
    options = re.findall(r"--([a-z_]+\.[a-z_0-9]+)", remedy)
    assert options or name == "wrong_way_round"
    assert set(options) <= known


def test_every_rule_has_an_example_and_no_cause_hides_itself() -> None:
    assert set(EXAMPLES) == {*RULES, "not_a_number"}
    for cause, consequences in HIDES.items():
        assert cause in RULES
        assert set(consequences) <= set(RULES) - {cause}
        for name in consequences:
            assert cause not in HIDES.get(name, ()), f"{cause} and {name} hide each other"


def test_it_needs_no_torch() -> None:
    code = "import sys, duelo.diagnosis; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


QUICK = {"kimg": "8", "play.batch": "64", "networks.width": "16", "balance.look_kimg": "1", "save.stats_kimg": "1"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"generator.rate": "1e-9"}, ["generator_stuck"]),
        ({"discriminator.rate": "1e-9"}, ["discriminator_asleep"]),
    ],
)
def test_real_runs(tmp_path: Path, changes: dict[str, str], expected: list[str]) -> None:
    from duelo.run import train

    folder = RunFolder(tmp_path / "run")
    for _ in train(recipes.resolve("ring", None, QUICK | {"save.judge_kimg": "2"} | changes), folder.path):
        pass
    parts = folder.data()["parts"]
    found = named(folder.stats(), Setting(EVEN, train=parts["train"], referee=parts["referee"], rescues=folder.rescues()))
    assert [spell.finding.name for spell in found] == expected
    assert json.dumps([spell.finding.evidence for spell in found])  # may be written into a line
    assert diagnosis.LOOKS <= 8

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from duelo import words
from duelo.measure.planted import ALTERATIONS
from duelo.words import LANGUAGES, UserError, language, say


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_hold_the_same_keys_and_placeholders() -> None:
    english, spanish = LANGUAGES["en"], LANGUAGES["es"]
    assert list(english) == list(spanish)
    for key in english:
        assert placeholders(english[key]) == placeholders(spanish[key]), key


def test_nothing_was_left_untranslated() -> None:
    same = {key for key, text in LANGUAGES["en"].items() if LANGUAGES["es"][key] == text}
    technical = {
        "error",
        "screen.title",
        "screen.even",
        "runs.open",
        "unit.s",
        "unit.min",
        "unit.h",
        "report.loss_d",
        "page.plain_logit",
    }
    technical |= {
        "report.loss_g",
        "inspect.warning",
        "machine.python",
        "machine.torch",
        "lab.vitals.floor",
        "page.plain_logit",
    }
    technical |= {f"lab.unit.{unit}" for unit in ("seconds", "minutes", "hours")} | {"lab.transport.rounds"}
    technical |= {f"lab.live.setting.{name}" for name in ("beta1", "beta2")} | {"lab.diagram.actor_g"}
    technical |= {f"lab.value.{name}" for name in ("wasserstein", "residual")}
    assert same <= technical


def test_every_key_is_used_and_every_used_key_exists() -> None:
    source = "\n".join(
        file.read_text(encoding="utf-8")
        for pattern in ("*.py", "*.html", "*.js")
        for file in Path(words.__file__).parents[1].rglob(pattern)
        if file.parent.name not in ("words", "uplot")
    )
    quoted = set(re.findall(r'["\'`]([a-z]+\.[a-z_]+(?:\.[a-z_]+)*)["\'`]', source))
    composed = set(re.findall(r'["\'`](lab\.[a-z_.]+[._])(?:\$\{|["\'`] \+|\{)', source))  # `lab.data.${name}`
    families = {"rule.", "preset.", "machine.", "report.title.", "report.part_", "train.packing_"}
    families |= {"inspect.channels_", "inspect.fit_", "found.", "finding.", "remedy."}  # composed at run time
    rows = "precision recall share c_t authenticity fld_gap memorisation narrowest widest"
    sizes = "small medium large small_short medium_short large_short"
    kinds = "train real generated worst best nearest interpolation discriminators"
    quoted |= {f"page.{name}" for name in f"{rows} {sizes} {kinds}".split()}
    measured = "quality equilibrium copying modes few_generated few_heldout few_train"
    quoted |= {f"measure.{name}" for name in measured.split()}
    quoted |= {f"{page}.planted.{kind}" for page in ("page", "verdict") for kind in ALTERATIONS}
    families |= composed
    unused = {key for key in LANGUAGES["en"] if key not in quoted and not any(key.startswith(f) for f in families)}
    assert unused == {"error", "did_you_mean"}
    used = set(re.findall(r'(?:say|UserError|TrainingFailed|CheckpointError|t)\(\s*"([a-z]+\.[a-z_]+)"', source))
    assert used <= set(LANGUAGES["en"])
    assert {key for key in quoted if key.startswith("lab.")} <= set(LANGUAGES["en"])


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"DUELO_LANG": "es"}, "es"),
        ({"LANG": "es_CO.UTF-8"}, "es"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"DUELO_LANG": "en", "LANG": "es_ES.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_language_follows_the_environment(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str) -> None:
    for name in ("DUELO_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language() == expected
    assert say("runs.done") == {"en": "finished", "es": "terminada"}[expected]


def test_numbers_in_sentences_are_written_as_elsewhere() -> None:
    lost = {"modes": 7, "k": 8, "good": 0.504, "judgements": 4.0, "kimg": "1"}
    assert "el 50\u00a0% de sus" in say("finding.missing_modes", "es", **lost)
    assert "50\u00a0% of" in say("finding.missing_modes", "en", **lost)
    far = {"path": "a,b%.npz", "most": 12_345.0}
    assert "12\u202f345" in say("measure.numbers", "es", **far)
    assert "12,345" in say("measure.numbers", "en", **far)
    assert "a,b%.npz" in say("measure.numbers", "es", **far)  # what is no number stays as it is


def test_an_error_is_one_sentence_that_says_what_and_what_to_do() -> None:
    for lang in LANGUAGES.values():
        for key, text in lang.items():
            if key != "sample.done" and key.startswith(
                (
                    "data.",
                    "recipe.u",
                    "recipe.v",
                    "folder.",
                    "sample.",
                    "run.",
                    "write.",
                    "checkpoint.",
                    "cli.",
                    "device.",
                    "pack.ow",
                    "pack.e",
                    "networks.",
                    "warn.",
                )
            ):
                assert "\n" not in text, key
                assert text.endswith("."), key
    assert str(UserError("cli.option_value", name="--x.y")).startswith(("--x.y", "a --x.y"))

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import duelo
from duelo import recipes
from duelo.networks import PAIRS
from duelo.objectives import OBJECTIVES
from duelo.words import UserError

KEYS = """
data seed kimg minutes play.batch play.ema_kimg play.anneal networks.pair networks.width networks.latent
objective.loss objective.r1 objective.r2 generator.rate generator.steps discriminator.rate discriminator.steps
adam.beta1 adam.beta2 save.stats_kimg save.samples_kimg save.checkpoint_kimg save.checkpoints
"""


def test_the_list_of_options_is_frozen() -> None:
    """Few options: whoever adds one has to say so here."""
    assert list(recipes.flat(recipes.resolve("digits"))) == KEYS.split()


def test_the_choices_are_what_the_tables_hold() -> None:
    def choices(section: type, key: str) -> set[str]:
        return set(section.model_fields[key].annotation.__args__)

    assert choices(recipes.Networks, "pair") == set(PAIRS)
    assert choices(recipes.Objective, "loss") == set(OBJECTIVES)
    assert choices(recipes.Recipe, "data") == set(recipes.DATA) == set(recipes.DEFAULTS)
    assert all(duelo.load(name).name == name for name in recipes.DATA)


@pytest.mark.parametrize("name", recipes.PRESETS)
def test_every_preset_is_valid_and_survives_toml(name: str, tmp_path: Path) -> None:
    recipe = recipes.resolve(None, name)
    file = tmp_path / "recipe.toml"
    file.write_text(recipes.to_toml(recipe))
    assert recipes.read(file) == recipe
    assert recipes.resolve(recipe.data, str(file)) == recipe


@pytest.mark.parametrize(
    ("data", "name", "overrides", "sentence"),
    [
        (
            "digit",
            None,
            {},
            "there is no data set 'digit' (did you mean digits?); choose one of: digits, grid, ring.",
        ),
        ("digits", "lectur", {}, "there is no recipe 'lectur' (did you mean lecture?)"),
        ("digits", "nowhere.toml", {}, "nowhere.toml cannot be read (No such file or directory)"),
        (
            "digits",
            None,
            {"kimg": "-3"},
            "kimg = '-3' on the command line is not valid: it must be greater than 0.",
        ),
        ("digits", None, {"kimg": "many"}, "kimg = 'many' on the command line is not valid: it must be a number."),
        ("digits", None, {"kimg": "nan"}, "it must be a number."),
        ("digits", None, {"kimg": "inf"}, "it must be a number."),
        ("digits", None, {"seed": "1.5"}, "it must be a whole number."),
        ("digits", None, {"play.batch": "0"}, "it must be at least 1."),
        ("digits", None, {"adam.beta1": "1"}, "it must be less than 1."),
        ("digits", None, {"play.anneal": "2"}, "it must be at most 1."),
        ("digits", None, {"adam.beta": "1"}, "there is no key 'adam.beta' in recipe digits (did you mean adam.beta"),
        ("digits", None, {"kimg.x": "1"}, "there is no key 'kimg.x'"),
        ("digits", None, {"adam": "1"}, "adam = '1' on the command line is not valid: it must be a section"),
        (
            "digits",
            None,
            {"objective.loss": "hope"},
            "it must be one of: minimax, nonsaturating, relativistic.",
        ),
        ("digits", None, {"networks.pair": "toy"}, "the networks 'toy' do not fit the data 'digits'"),
        ("ring", "lecture", {}, "the networks 'lecture' do not fit the data 'ring'"),
    ],
)
def test_wrong_input_gets_its_sentence(data: str, name: str | None, overrides: dict, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        recipes.resolve(data, name, overrides)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_wrong_files_get_their_sentence(tmp_path: Path) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text("kimg = = 3")
    with pytest.raises(UserError, match="is not valid TOML"):
        recipes.read(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="is not valid TOML"):
        recipes.read(file)
    tree = tomllib.loads(recipes.to_toml(recipes.resolve("ring")))
    del tree["play"]["batch"]
    with pytest.raises(UserError, match=r"the key 'play\.batch' is missing here"):
        recipes.validate(tree, "here")


def test_differences_name_what_changed() -> None:
    before = recipes.resolve("ring")
    after = recipes.resolve("ring", None, {"adam.beta1": "0.25", "seed": 4})
    assert recipes.differences(before, after) == ["seed: 0 -> 4", "adam.beta1: 0.0 -> 0.25"]
    assert recipes.differences(before, before) == []

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import duelo
from duelo import recipes
from duelo.data import augment, framing
from duelo.networks import PAIRS
from duelo.objectives import OBJECTIVES
from duelo.presets import PRESETS
from duelo.words import UserError

KEYS = """
data seed kimg minutes play.batch play.ema_kimg play.anneal networks.pair networks.width networks.latent
networks.conditional networks.deviation networks.two_stage networks.generator networks.discriminator networks.sources
objective.loss objective.smoothing objective.r1 objective.r2 objective.gp objective.lecam objective.lazy objective.pack
objective.noise generator.rate generator.steps discriminator.rate discriminator.steps adam.beta1 adam.beta2 augment.p
augment.kinds actor_critic.entropy actor_critic.target_kimg actor_critic.replay actor_critic.optimistic
actor_critic.extragradient balance.rule balance.look_kimg images save.stats_kimg save.judge_kimg save.samples_kimg
save.checkpoint_kimg save.checkpoints stop.patience stop.retries
"""
FOR_IMAGES = "images.size images.fit images.alpha images.heldout images.channels images.classes images.fingerprint"


def test_the_list_of_options_is_frozen(tmp_path: Path) -> None:
    """Few options: whoever adds one has to say so here."""
    assert list(recipes.flat(recipes.resolve("digits"))) == KEYS.split()
    assert list(recipes.flat(recipes.resolve(str(tmp_path)))) == KEYS.replace(" images ", f" {FOR_IMAGES} ").split()


def test_the_choices_are_what_the_tables_hold() -> None:
    def choices(section: type, key: str) -> set[str]:
        return set(section.model_fields[key].annotation.__args__)

    assert choices(recipes.Networks, "pair") == {*PAIRS, "vae"}
    assert choices(recipes.Objective, "loss") == {*OBJECTIVES, "evidence"}
    assert {name: len(duelo.load(name).train.labels.unique()) for name in recipes.CLASSES} == recipes.CLASSES
    assert set(recipes.DATA) == set(recipes.DEFAULTS) == set(recipes.SHAPES)
    assert all(duelo.load(name).name == name for name in recipes.DATA)
    assert all(duelo.load(name).shape == recipes.SHAPES[name] for name in recipes.DATA)
    assert recipes.Kind.__args__ == augment.KINDS
    assert recipes.Augment().kinds == augment.DEFAULT_KINDS
    assert recipes.Images.model_fields["fit"].annotation == framing.Fit
    assert recipes.Pixels.__metadata__[0].metadata[0].ge == framing.SMALLEST
    assert recipes.Pixels.__metadata__[0].metadata[1].le == framing.LARGEST


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_valid_and_survives_toml(name: str, tmp_path: Path) -> None:
    recipe = recipes.resolve(None, name)
    file = tmp_path / "recipe.toml"
    file.write_text(recipes.to_toml(recipe))
    assert recipes.read(file) == recipe
    if recipe.images is None:
        assert recipes.resolve(recipe.data, str(file)) == recipe


@pytest.mark.parametrize(
    ("data", "name", "overrides", "sentence"),
    [
        (
            "digit",
            None,
            {},
            "there is no data set 'digit' (did you mean digits?); choose one of: digits, grid, ring, stacked-digits",
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
            "it must be one of: evidence, hinge, leastsquares, minimax,",
        ),
        ("digits", None, {"networks.pair": "toy"}, "the networks 'toy' do not fit the data 'digits'"),
        ("ring", "lecture", {}, "the networks 'lecture' do not fit the data 'ring'"),
        ("ring", None, {"augment.p": "0.5"}, "augment.p is for images, and 'ring' are points"),
        ("digits", None, {"augment.p": "1.5"}, "it must be at most 1."),
        ("digits", None, {"augment.kinds": "flip,swirl"}, "it must be one of: flip, translate,"),
        ("digits", None, {"images.size": "32"}, "are for images of your own, not for 'digits'"),
        (".", None, {"images.size": "7"}, "images.size = '7' on the command line is not valid: it must be at least 8."),
        (".", None, {"images.size": "300 20"}, "it must be at most 256."),
        (".", None, {"images.size": "1 2 3"}, "it must be one number, or a height and a width, from 8 to 256."),
        (".", None, {"images.size": "big"}, "it must be a whole number."),
        (".", None, {"images.fit": "squeeze"}, "it must be one of: crop, pad, stretch."),
    ],
)
def test_wrong_input_gets_its_sentence(data: str, name: str | None, overrides: dict, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        recipes.resolve(data, name, overrides)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


IDLE = {
    "networks.deviation": "true",
    "networks.generator": "nets.py:generator",
    "networks.discriminator": "nets.py:discriminator",
    "objective.smoothing": "0.1",
    "objective.r1": "0.1",
    "objective.r2": "0.1",
    "objective.gp": "10",
    "objective.lecam": "0.3",
    "objective.pack": "2",
    "objective.lazy": "2",
    "objective.noise": "0.1",
    "generator.steps": "2",
    "discriminator.steps": "2",
    "augment.p": "0.2",
    "actor_critic.entropy": "0.1",
    "actor_critic.target_kimg": "5",
    "actor_critic.replay": "0.1",
    "actor_critic.optimistic": "true",
    "actor_critic.extragradient": "true",
    "balance.rule": "adaptive",
}


@pytest.mark.parametrize("key", IDLE)
def test_what_means_nothing_to_a_vae_is_refused(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, data in (("vae", "digits"), ("vae2", ".")):
        default = recipes.flat(recipes.resolve(data, name))[key]
        assert recipes.resolve(data, name, {} if default is None else {key: str(default).lower()})  # saying so is fine
        for lang, text in {"en": "means nothing to a VAE, which has no opponent", "es": "no significa nada"}.items():
            monkeypatch.setenv("DUELO_LANG", lang)
            with pytest.raises(UserError, match=f"^{key} {text}"):
                recipes.resolve(data, name, {key: IDLE[key]})
    assert recipes.resolve("digits", None, {key: IDLE[key]})  # to a duel they mean something


def test_every_key_that_only_a_duel_has_is_among_them() -> None:
    """Whoever adds an option has to say whether it means something to a VAE."""
    shared = """
    data seed kimg minutes play.batch play.ema_kimg play.anneal networks.pair networks.width networks.latent
    networks.conditional networks.two_stage networks.sources objective.loss generator.rate discriminator.rate adam.beta1
    adam.beta2 augment.kinds balance.look_kimg images save.stats_kimg save.judge_kimg save.samples_kimg
    save.checkpoint_kimg save.checkpoints stop.patience stop.retries
    """
    assert {*shared.split(), *IDLE} == {*KEYS.split()}
    assert {f"{section}.{key}" for section, keys in recipes.VAE_IDLE.items() for key in keys} == {*IDLE}


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


@pytest.mark.parametrize(
    ("written", "size"), [("48", (48, 48)), ("48 64", (48, 64)), ("48x64", (48, 64)), ("8,256", (8, 256))]
)
def test_a_size_can_be_written_in_several_ways(written: str, size: tuple[int, int], tmp_path: Path) -> None:
    images = recipes.resolve(str(tmp_path), None, {"images.size": written}).images
    assert images is not None
    assert images.size == size


def test_a_recipe_of_other_images_leaves_behind_what_was_theirs(tmp_path: Path) -> None:
    saved = recipes.resolve(str(tmp_path), None, {"images.size": "16", "images.fit": "pad", "images.heldout": "x"})
    assert saved.images is not None
    found = saved.images.model_copy(update={"channels": 3, "fingerprint": "abc"})
    file = tmp_path / "recipe.toml"
    file.write_text(recipes.to_toml(saved.model_copy(update={"images": found})))
    (tmp_path / "other").mkdir()
    again = recipes.resolve(str(tmp_path / "other"), str(file))
    assert again.images == recipes.Images(size=(16, 16), fit="pad")
    assert again.data == str(tmp_path / "other")
    assert recipes.resolve("digits", str(file)).images is None


def test_a_path_is_made_absolute_so_that_the_run_goes_on_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    assert recipes.resolve("photos").data == str(tmp_path / "photos")
    assert recipes.resolve("photos/").data == str(tmp_path / "photos")

"""Recipes: everything that decides a run, frozen, readable as TOML, checked before anything starts.

It imports no torch, so that a mistyped option is answered at once.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Container
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from duelo.presets import PRESETS
from duelo.words import UserError, did_you_mean, say

DATA = ("digits", "grid", "ring", "stacked-digits")  # by name; anything else is a path to images
SHAPES = {"digits": (1, 28, 28), "grid": (2,), "ring": (2,), "stacked-digits": (3, 28, 28)}
CLASSES = {"digits": 10, "grid": 25, "ring": 8}  # labels of the data that have some
Kind = Literal["flip", "translate", "shift", "scale", "rotate", "cutout", "brightness", "contrast", "saturation"]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1, le=65_536)]
Pixels = Annotated[int, Field(ge=8, le=256)]


class Section(BaseModel):
    """Base of the sections: frozen, and a key that does not exist is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class Networks(Section):
    """pair: a name in `duelo.networks.PAIRS`. width: channels (or units) of the narrowest layer. latent: the noise.

    conditional: do both networks get the label? deviation: does the discriminator see how the members of a batch differ (in
    `convolutional` also their moments)? Each pair has a habit of its own. generator, discriminator: networks of the user's
    that take the pair's places, as "file.py:function"; pixels have the values that they have for the pair. sources: their
    files' fingerprints, and those of files beside them that they import, filled in when a run starts. two_stage: for a VAE.
    """

    pair: Literal["convolutional", "islands", "lecture", "residual", "silva", "toy", "upsampling", "vae"]
    width: Count
    latent: Count
    conditional: bool = False
    deviation: bool | None = None
    two_stage: bool = False
    generator: str | None = None
    discriminator: str | None = None
    sources: str | None = None


class Objective(Section):
    """loss: a name in `duelo.OBJECTIVES` ("evidence" for a VAE). smoothing: taken off the label of real images.

    r1, r2, gp, lecam: weights of the penalties on the discriminator's slope at real images, at fake ones and between them,
    and on its logits. lazy: of its turns, every so-many-th pays for its slopes, as many times as much. pack: members that
    are judged at once. noise: standard deviation of the noise on all that it sees at the start; it falls to nothing.
    """

    loss: Literal["evidence", "hinge", "leastsquares", "minimax", "nonsaturating", "relativistic", "wasserstein"]
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    r1: NotNegative = 0.0
    r2: NotNegative = 0.0
    gp: NotNegative = 0.0
    lecam: NotNegative = 0.0
    lazy: Annotated[int, Field(ge=1, le=64)] = 1
    pack: Annotated[int, Field(ge=1, le=16)] = 1
    noise: NotNegative = 0.0


class ActorCritic(Section):
    """What reinforcement learning does for an actor and its critic; see docs/objectives.md.

    entropy: weight of the generator's entropy. target_kimg: half-life of the averaged discriminator from which the generator
    learns, 0 for none. replay: share of past fakes among those that the discriminator sees.
    optimistic, extragradient: how the steps are taken.
    """

    entropy: NotNegative = 0.0
    target_kimg: NotNegative = 0.0
    replay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    optimistic: bool = False
    extragradient: bool = False


class Balance(Section):
    """rule: who decides what each side may do. look_kimg: how often, in thousands of images, the referee looks."""

    rule: Literal["adaptive", "fixed", "scheduled"] = "fixed"
    look_kimg: Positive = 5.0


class Stop(Section):
    """patience: the run stops when it is past its best for this share of its length; 0: never.

    retries: how often a run that fell apart goes back and tries again with lower rates.
    """

    patience: Annotated[float, Field(ge=0, le=1)] = 0.5
    retries: Annotated[int, Field(ge=0, le=10)] = 3


class Side(Section):
    """One side of the duel. rate: Adam's learning rate. steps: its turns in each round."""

    rate: Positive
    steps: Count = 1


class Adam(Section):
    """The decays of Adam's two averages."""

    beta1: Annotated[float, Field(ge=0, lt=1)]
    beta2: Annotated[float, Field(ge=0, lt=1)]


class Play(Section):
    """batch: images a turn. ema_kimg: half-life of the generator's moving average, in thousands of images.

    anneal: the share of the run, at its end, during which the rates fall in a line to a tenth; 0 leaves them alone.
    """

    batch: Count
    ema_kimg: Positive
    anneal: Annotated[float, Field(ge=0, le=1)] = 0.0


class Augment(Section):
    """What befalls the images that the discriminator sees. p: the probability of each kind of change. kinds: which ones."""

    p: Annotated[float, Field(ge=0, le=1)] = 0.0
    kinds: tuple[Kind, ...] = ("translate", "shift", "scale", "rotate", "brightness", "contrast", "saturation")

    @field_validator("kinds", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return value.split(",") if isinstance(value, str) else value


class Images(Section):
    """How a user's own images are made alike; see `duelo.data.framing.Framing` for the first three.

    size: (height, width) in pixels, chosen by the images unless given. heldout: a path to the images of the held-out part.
    channels, classes, fingerprint: what the images turned out to be, filled in when a run starts.
    """

    size: tuple[Pixels, Pixels] | None = None
    fit: Literal["crop", "pad", "stretch"] = "crop"
    alpha: str = "white"
    heldout: str | None = None
    channels: Annotated[int, Field(ge=1, le=4)] | None = None
    classes: Annotated[int, Field(ge=0)] | None = None
    fingerprint: str | None = None

    @field_validator("size", mode="before")
    @classmethod
    def _sides(cls, value: object) -> object:
        """One number is a square; "48 64", "48x64" and [48, 64] are a height and a width."""
        if isinstance(value, str):
            value = [part for part in re.split(r"[\sx,]+", value.strip()) if part]
        if isinstance(value, int) and not isinstance(value, bool):
            value = [value]
        return value * 2 if isinstance(value, list) and len(value) == 1 else value


class Save(Section):
    """How often, in thousands of images, and how many checkpoints stay. judge_kimg: how often fakes are compared with the
    referee part, to find the best point."""

    stats_kimg: Positive = 1.0
    judge_kimg: Positive = 25.0
    samples_kimg: Annotated[float, Field(ge=0.1)] = 25.0
    checkpoint_kimg: Positive = 10.0
    checkpoints: Count = 3


class Recipe(Section):
    """Everything that decides a run.

    data: a name in DATA, or a path to images. kimg: thousands of real images that the discriminator sees. minutes: if given,
    kimg was chosen for this time, and is corrected on the way (`duelo.pace.Pace`). images: only where data is a path.
    """

    data: Annotated[str, Field(min_length=1)]
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    kimg: Annotated[float, Field(gt=0, le=1e9)]
    minutes: Positive | None = None
    play: Play
    networks: Networks
    objective: Objective
    generator: Side
    discriminator: Side
    adam: Adam
    augment: Augment = Augment()
    actor_critic: ActorCritic = ActorCritic()
    balance: Balance = Balance()
    images: Images | None = None
    save: Save = Save()
    stop: Stop = Stop()

    @property
    def length(self) -> int:
        """The length of the run in images."""
        return max(1, round(1000 * self.kimg))

    @property
    def rival(self) -> bool:
        """Is it a VAE that learns, without an opponent?"""
        return self.networks.pair == "vae"

    @property
    def points(self) -> bool:
        """Are the members points in the plane, not images?"""
        return self.data in SHAPES and len(SHAPES[self.data]) == 1

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one member; of a user's own images, only known once they have been packed."""
        if self.images is None:
            return SHAPES[self.data]
        assert self.images.size is not None
        assert self.images.channels is not None
        return (self.images.channels, *self.images.size)

    @property
    def classes(self) -> int:
        """How many classes a conditional pair tells apart; 0 if it does not."""
        if not self.networks.conditional:
            return 0
        return CLASSES.get(self.data, 0) if self.images is None else self.images.classes or 0


VAE_IDLE = {  # by section, the keys that mean nothing without an opponent
    "networks": {"deviation", "generator", "discriminator"},
    "objective": {"smoothing", "r1", "r2", "gp", "lecam", "lazy", "pack", "noise"},
    **{side: {"steps"} for side in ("generator", "discriminator")},
    "augment": {"p"},
    "actor_critic": {*ActorCritic.model_fields},
    "balance": {"rule"},
}
DEFAULTS = {"digits": "digits", "grid": "toy", "ring": "toy", "stacked-digits": "digits"}  # the recipe if none is named


def resolve(data: str | None, name: str | None = None, overrides: dict[str, Any] | None = None) -> Recipe:
    """The recipe that a command names: a preset or a TOML file, then `data`, then dotted overrides ("adam.beta1": "0").

    Raises UserError, one sentence, when something does not exist or is out of range.
    """
    own = data is not None and data not in DATA
    if own and not _exists(str(data)):
        raise UserError("data.unknown", name=data, known=", ".join(DATA), guess=did_you_mean(str(data), DATA))
    tree, where = _base(name or ("images" if own else DEFAULTS[data or "digits"]))
    if own:
        tree["data"] = os.path.abspath(str(data))  # the run can then go on from anywhere
        framing = tree.get("images")
        keep = ("size", "fit", "alpha")  # the rest is about the images of an earlier run
        tree["images"] = {key: framing[key] for key in keep if key in framing} if isinstance(framing, dict) else {}
    elif data is not None:
        tree["data"] = data
        tree.pop("images", None)
    tree.pop("minutes", None)  # a saved recipe says how long it is by kimg; minutes are measured when they are asked for
    given = {key.replace("-", "_"): value for key, value in (overrides or {}).items()}
    for key in ("networks.generator", "networks.discriminator"):
        if isinstance(given.get(key), str):
            given[key] = os.path.abspath(given[key])  # the same from anywhere, like the data
    for key, value in given.items():
        _put(tree, key, value)
    return validate(tree, where, given)


def validate(tree: dict[str, Any], where: str, overrides: Container[str] = ()) -> Recipe:
    """A recipe from plain values, texts allowed for numbers. Raises UserError naming the first wrong key and its place.

    where: what the values come from, but for those keys that are in `overrides`: these come from the command line.
    """
    try:
        recipe = Recipe.model_validate(tree)
    except ValidationError as error:
        _explain(error, where, overrides)
    if recipe.images is not None and recipe.data in DATA:
        raise UserError("recipe.images", data=recipe.data)
    if recipe.images is None and recipe.data not in DATA:
        recipe = recipe.model_copy(update={"images": Images()})
    if recipe.points and recipe.augment.p > 0:
        raise UserError("recipe.augment", data=recipe.data)
    if recipe.networks.conditional and recipe.images is None and recipe.data not in CLASSES:
        raise UserError("recipe.no_classes", data=recipe.data)
    if recipe.rival != (recipe.objective.loss == "evidence") or (recipe.networks.two_stage and not recipe.rival):
        raise UserError("recipe.vae", pair=recipe.networks.pair, loss=recipe.objective.loss)
    for section, keys in VAE_IDLE.items() if recipe.rival else ():
        for key in getattr(recipe, section).model_dump(include=keys, exclude_defaults=True):
            raise UserError("recipe.vae_idle", key=f"{section}.{key}")
    brought = recipe.networks.generator is not None and recipe.networks.discriminator is not None
    if (recipe.networks.pair in ("toy", "islands")) != recipe.points and not brought and not recipe.rival:
        raise UserError("recipe.pair", pair=recipe.networks.pair, data=recipe.data)
    return recipe


def _exists(path: str) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:  # a zero byte
        return False


def read(path: Path) -> Recipe:
    """The recipe in a TOML file. Raises UserError."""
    return validate(_toml(path), say("recipe.file", path=path))


def to_toml(recipe: Recipe) -> str:
    """The recipe as TOML, every key."""
    return tomli_w.dumps(recipe.model_dump(exclude_none=True))


def flat(recipe: Recipe) -> dict[str, Any]:
    """Every value by its dotted key, as the command line takes them."""
    values: dict[str, Any] = {}
    for key, value in recipe.model_dump().items():
        values |= {f"{key}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {key: value}
    return values


def differences(before: Recipe, after: Recipe) -> list[str]:
    """What changed, a line a key: "kimg: 250.0 -> 5.0"."""
    old, new = flat(before), flat(after)
    return [f"{key}: {old.get(key)} -> {new.get(key)}" for key in {**old, **new} if old.get(key) != new.get(key)]


def _base(name: str) -> tuple[dict[str, Any], str]:
    """The plain values of a preset or of a TOML file, and where they come from."""
    if name in PRESETS:
        return PRESETS[name](), say("recipe.preset", name=name)
    if name.endswith(".toml"):
        return _toml(Path(name)), say("recipe.file", path=name)
    raise UserError("recipe.unknown", name=name, known=", ".join(sorted(PRESETS)), guess=did_you_mean(name, PRESETS))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError("recipe.unreadable", path=path, why=error.strerror) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError("recipe.not_toml", path=path, why=error) from error


def _put(tree: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key. The tree is checked as a whole afterwards."""
    *sections, last = key.split(".")
    for section in sections:
        below = tree.setdefault(section, {})
        if not isinstance(below, dict):
            raise UserError("recipe.key", key=key, where=say("recipe.command_line"), guess="")
        tree = below
    tree[last] = value


def _explain(error: ValidationError, where: str, overrides: Container[str]) -> NoReturn:
    """The first of pydantic's complaints as a plain sentence."""
    first = error.errors()[0]
    key = ".".join(part for part in first["loc"] if isinstance(part, str))
    if key in overrides and first["type"] != "extra_forbidden":
        where = say("recipe.command_line")
    if first["type"] == "extra_forbidden":
        keys = [*_keys(Recipe), *Recipe.model_fields]
        raise UserError("recipe.key", key=key, where=where, guess=did_you_mean(key, keys)) from None
    if first["type"] == "missing":
        raise UserError("recipe.missing", key=key, where=where) from None
    if first["type"] == "string_too_short":
        raise UserError("recipe.missing", key=key, where=where) from None
    limits = first.get("ctx", {})
    rules = {"greater_than": "gt", "greater_than_equal": "ge", "less_than": "lt", "less_than_equal": "le"}
    if first["type"] in rules:
        limit = rules[first["type"]]
        wanted = say(f"rule.{limit}", limit=limits[limit])
    elif first["type"] == "literal_error":
        wanted = say("rule.one_of", choices=limits["expected"].replace("'", "").replace(" or ", ", "))
    elif first["type"].startswith(("int", "float", "finite")):
        wanted = say("rule.whole" if first["type"].startswith("int") else "rule.number")
    else:
        wanted = say("rule.size" if key.startswith("images.size") else "rule.section")
    raise UserError("recipe.value", key=key, value=first["input"], where=where, wanted=wanted) from None


def _keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, entry in model.model_fields.items():
        kind = entry.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys += _keys(kind, f"{prefix}{name}.")
        else:
            keys.append(prefix + name)
    return keys

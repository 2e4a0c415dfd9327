"""What a live game can be set to: each setting with its limits, checked, and the recipe that comes of them. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from duelo import recipes
from duelo.presets import PRESETS
from duelo.recipes import CLASSES, DATA, Recipe
from duelo.words import UserError, say

DRAWN = "drawn"  # the data that somebody drew with the mouse
ENDLESS = 1e9  # kimg: a live game has no end
UNLIMITED = 1000  # rounds a second: so fast that nothing holds the game back
TOY_ANNEAL = 500  # kimg: with rates that stay, points never come to rest
PAIRS = {"points": ("toy", "islands"), "images": ("convolutional", "lecture", "silva", "residual", "upsampling")}
OBJECTIVES = ("nonsaturating", "minimax", "leastsquares", "hinge", "wasserstein", "relativistic")


@dataclass(frozen=True)
class Number:
    """A setting that is a number from `low` to `high`; whole: without a fraction; scale: of its slider."""

    low: float
    high: float
    step: float
    scale: str = "linear"
    whole: bool = False
    restart: bool = False


@dataclass(frozen=True)
class Choice:
    """A setting that is one of some values; none: any text, which is checked elsewhere."""

    values: tuple[str, ...]
    restart: bool = False


@dataclass(frozen=True)
class Flag:
    """A setting that is on or off."""

    restart: bool = False


Kind = Number | Choice | Flag
KIND: dict[str, Kind] = {
    "data": Choice((), restart=True),
    "members": Number(0, 60_000, 1, whole=True, restart=True),
    "pair": Choice(PAIRS["points"] + PAIRS["images"], restart=True),
    "width": Number(4, 256, 4, "log", whole=True, restart=True),
    "latent": Number(1, 128, 1, "log", whole=True, restart=True),
    "conditional": Flag(restart=True),
    "seed": Number(0, 2**31 - 1, 1, whole=True, restart=True),
    "rival": Flag(restart=True),
    "batch": Number(8, 512, 8, "log", whole=True),
    "objective": Choice(OBJECTIVES),
    "generator_rate": Number(1e-6, 1.0, 1e-6, "log"),
    "discriminator_rate": Number(1e-6, 1.0, 1e-6, "log"),
    "generator_steps": Number(0, 10, 1, whole=True),
    "discriminator_steps": Number(0, 10, 1, whole=True),
    "beta1": Number(0, 0.99, 0.01),
    "beta2": Number(0, 0.9999, 0.0001),
    "smoothing": Number(0, 0.5, 0.01),
    "r1": Number(0, 100, 0.01, "log"),
    "r2": Number(0, 100, 0.01, "log"),
    "gp": Number(0, 100, 0.01, "log"),
    "lecam": Number(0, 10, 0.01, "log"),
    "noise": Number(0, 2, 0.01),
    "augment": Number(0, 0.8, 0.01),
    "anneal": Number(0, 5000, 10, whole=True),
    "balance": Choice(("fixed", "adaptive")),
    "speed": Number(1, UNLIMITED, 1, "log", whole=True),
    "neighbours": Flag(),
}


@dataclass(frozen=True)
class Settings:
    """All that a live game is set to; see `KIND` for the limits.

    data: a name in `duelo.recipes.DATA`, "drawn", or a path to images. members: train on so many only, 0 for all.
    steps: turns of each side in a round; at 0 a side looks on and does not learn. anneal: in so many thousands of images the
    rates fall in a line to a tenth; at 0 they stay. speed: rounds a second, at UNLIMITED as fast as it goes. rival: a VAE
    learns beside the game, from the same images. neighbours: the nearest training image is looked for. chapter: of the
    lesson, whose point is then watched for; "" for none.
    """

    data: str
    pair: str
    width: int
    latent: int
    batch: int
    objective: str
    generator_rate: float
    discriminator_rate: float
    beta1: float
    beta2: float
    members: int = 0
    conditional: bool = False
    seed: int = 0
    rival: bool = False
    generator_steps: int = 1
    discriminator_steps: int = 1
    smoothing: float = 0.0
    r1: float = 0.0
    r2: float = 0.0
    gp: float = 0.0
    lecam: float = 0.0
    noise: float = 0.0
    augment: float = 0.0
    anneal: int = 0
    balance: str = "fixed"
    speed: int = UNLIMITED
    neighbours: bool = False
    chapter: str = ""

    @property
    def points(self) -> bool:
        """Are the members points in the plane, not images?"""
        return is_points(self.data)

    def values(self) -> dict[str, Any]:
        """Each setting by its name."""
        return asdict(self)


def is_points(data: str) -> bool:
    """Are the members of this data points in the plane?"""
    return data == DRAWN or (data in recipes.SHAPES and len(recipes.SHAPES[data]) == 1)


def defaults(data: str) -> Settings:
    """The settings of a live game with this data: those of its own recipe."""
    tree = PRESETS["toy" if is_points(data) else recipes.DEFAULTS.get(data, "images")]()
    networks, objective = tree["networks"], tree["objective"]
    return Settings(
        data=data,
        pair=networks["pair"],
        width=networks["width"],
        latent=networks["latent"],
        batch=tree["play"]["batch"],
        objective=objective["loss"],
        generator_rate=tree["generator"]["rate"],
        discriminator_rate=tree["discriminator"]["rate"],
        beta1=tree["adam"]["beta1"],
        beta2=tree["adam"]["beta2"],
        r1=objective.get("r1", 0.0),
        r2=objective.get("r2", 0.0),
        augment=tree.get("augment", {}).get("p", 0.0),
        anneal=TOY_ANNEAL if is_points(data) else 0,
    )


def changed(before: Settings, changes: Mapping[str, Any]) -> Settings:
    """The settings with some of them changed. Raises UserError, naming the first that is wrong."""
    given = {name: checked(name, value) for name, value in changes.items()}
    new = replace(before, **given)
    family = PAIRS["points" if new.points else "images"]
    if new.pair not in family:
        raise UserError("lab.live.pair", pair=new.pair, data=new.data, known=", ".join(family))
    if new.smoothing and new.objective not in ("nonsaturating", "minimax", "leastsquares"):
        raise UserError("lab.live.smoothing", objective=new.objective)
    if new.augment and new.points:
        raise UserError("lab.live.augment", data=new.data)
    if new.conditional and idle("conditional", new.data):
        raise UserError("lab.live.classes", data=new.data)
    if new.generator_steps == 0 and new.discriminator_steps == 0:
        raise UserError("lab.live.turns")
    return new


def needs_restart(before: Settings, after: Settings) -> bool:
    """Does what changed ask for new networks?"""
    return any(
        KIND[name].restart for name, value in after.values().items() if name in KIND and value != getattr(before, name)
    )


def checked(name: str, value: Any) -> Any:
    """A value as its setting wants it. Raises UserError for a name or a value that is none."""
    if name == "chapter" and isinstance(value, str) and len(value) <= 40:
        return value
    kind = KIND.get(name)
    if kind is None:
        raise UserError("lab.live.unknown", name=str(name)[:60])
    right = False
    if isinstance(kind, Flag):
        right = isinstance(value, bool)
    elif isinstance(kind, Choice):
        right = isinstance(value, str) and (not kind.values or value in kind.values)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        value = _number(value, kind)
        right = value is not None
    if not right:
        raise UserError("lab.live.value", name=name, wanted=wanted(kind))
    return value


def _number(value: int | float, kind: Number) -> int | float | None:
    """The number as the setting has it; None if it is outside its limits."""
    if not kind.low <= value <= kind.high or not math.isfinite(value):
        return None
    if not kind.whole:
        return float(value)
    return int(value) if value == int(value) else None


def wanted(kind: Kind) -> str:
    """What a value must be, in words."""
    if isinstance(kind, Flag):
        return say("lab.live.flag")
    if isinstance(kind, Choice):
        return say("rule.one_of", choices=", ".join(kind.values)) if kind.values else say("lab.live.text")
    return say("lab.live.whole" if kind.whole else "lab.live.range", low=f"{kind.low:g}", high=f"{kind.high:g}")


def choices(data: str, known: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Every setting as a page shows it for this data. known: the names of the data that can be chosen."""
    points = is_points(data)
    listed: dict[str, dict[str, Any]] = {}
    for name, kind in KIND.items():
        entry: dict[str, Any] = {"label": f"lab.live.setting.{name}", "restart": kind.restart}
        if isinstance(kind, Flag):
            entry |= {"kind": "flag"}
        elif isinstance(kind, Choice):
            values = {"data": known, "pair": PAIRS["points" if points else "images"]}.get(name, kind.values)
            entry |= {"kind": "choice", "values": list(values)}
        else:
            entry |= {"kind": "number", "min": kind.low, "max": kind.high, "step": kind.step, "scale": kind.scale}
            entry |= {"whole": kind.whole}
        entry["idle"] = idle(name, data)
        listed[name] = entry
    return listed


def idle(name: str, data: str) -> bool:
    """Does a setting mean nothing for this data?"""
    if name == "conditional":
        return data not in CLASSES or is_points(data)
    return name in ("augment", "neighbours", "rival") and is_points(data)


def recipe_of(settings: Settings) -> Recipe:
    """The recipe whose game this is. Raises UserError."""
    own = settings.data not in DATA and settings.data != DRAWN
    tree = {
        "data": "ring" if settings.data == DRAWN else settings.data,
        "seed": settings.seed,
        "kimg": ENDLESS,
        "play": {"batch": settings.batch, "ema_kimg": 20.0 if settings.points else 5.0},
        "networks": {name: getattr(settings, name) for name in ("pair", "width", "latent", "conditional")},
        "objective": {"loss": settings.objective}
        | {name: getattr(settings, name) for name in ("smoothing", "r1", "r2", "gp", "lecam", "noise")},
        "generator": {"rate": settings.generator_rate, "steps": max(1, settings.generator_steps)},
        "discriminator": {"rate": settings.discriminator_rate, "steps": max(1, settings.discriminator_steps)},
        "adam": {"beta1": settings.beta1, "beta2": settings.beta2},
        "augment": {"p": settings.augment},
        "balance": {"rule": settings.balance, "look_kimg": 10.0 if settings.points else 2.0},
    }
    if own:
        tree["images"] = {}
    return recipes.validate(tree, say("lab.live.place"))

"""From a recipe to what it describes: the networks, the rules of the game, and the balance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from duelo import balance
from duelo.balance import Adaptive, Balance, Controls, Schedule
from duelo.diagnosis import Setting
from duelo.learner import Learner
from duelo.networks import PAIRS, Pair, own
from duelo.networks.vae import vae
from duelo.objectives import rules_of
from duelo.play import Game
from duelo.recipes import DATA, Recipe
from duelo.vae import Vae
from duelo.words import UserError

HALF_FROM = 4096  # width times side from which bfloat16 pays on a GPU: 1792 loses 5 %, 8192 wins two thirds
BURN_IN = 0.1  # the share of a scheduled game in which the penalties fall to their weights
BURN_IN_PENALTY = 10.0  # where they come from


def build(recipe: Recipe, device: str = "cpu", pair: Pair | None = None) -> Learner:
    """What learns by a recipe, before its first round. A function of the recipe alone. Raises UserError.

    pair: networks to play with instead of the recipe's own.
    """
    if pair is None:
        with torch.random.fork_rng():
            torch.manual_seed(recipe.seed)
            pair = pair_of(recipe)
    for network in (pair.generator, pair.discriminator):
        network.to(device)
    objective, tricks, adaptive = recipe.objective, recipe.actor_critic, recipe.balance.rule == "adaptive"
    pace: dict[str, Any] = {
        "batch": recipe.play.batch,
        "generator_rate": recipe.generator.rate,
        "discriminator_rate": recipe.discriminator.rate,
        "betas": (recipe.adam.beta1, recipe.adam.beta2),
        "ema_kimg": recipe.play.ema_kimg,
    }
    if recipe.rival:
        return Vae(pair, **pace)
    try:
        game = Game(
            pair,
            objective.loss,
            **pace,
            smoothing=objective.smoothing,
            r1=objective.r1,
            r2=objective.r2,
            gp=objective.gp,
            lecam=objective.lecam,
            lazy=objective.lazy,
            augment=recipe.augment.kinds if recipe.augment.p > 0 or (adaptive and not recipe.points) else (),
            pack=objective.pack,
            entropy=tricks.entropy,
            target_kimg=tricks.target_kimg,
            replay=tricks.replay,
            optimistic=tricks.optimistic,
            extragradient=tricks.extragradient,
        )
    except ValueError as error:
        raise UserError("recipe.together", why=error) from error
    game.half = game.device.type == "cuda" and recipe.networks.width * max(recipe.shape[1:], default=0) >= HALF_FROM
    return game


def pair_of(recipe: Recipe) -> Pair:
    """The two networks of a recipe, new. Raises UserError where they do not fit the data."""
    shape, settings = recipe.shape, recipe.networks
    judged = (recipe.objective.pack * shape[0], *shape[1:])
    dials = {"width": settings.width, "latent": settings.latent, "classes": recipe.classes}
    if recipe.rival:
        return vae(shape, settings.width, settings.latent, classes=recipe.classes, two_stage=settings.two_stage)
    try:
        pair = PAIRS[settings.pair](shape, **dials, deviation=settings.deviation)
        if judged != shape:
            pair = replace(
                pair, discriminator=PAIRS[settings.pair](judged, **dials, deviation=settings.deviation).discriminator
            )
    except ValueError as error:
        raise UserError("networks.shape", pair=settings.pair, shape=shape) from error
    if settings.generator is not None:
        pair = replace(
            pair, generator=own.from_file(settings.generator, shape=shape, **dials), latent_shape=(settings.latent,)
        )
    if settings.discriminator is not None:
        pair = replace(pair, discriminator=own.judging(own.from_file(settings.discriminator, shape=judged, **dials)))
    if settings.generator is not None or settings.discriminator is not None:
        own.check(pair, shape, judged)
    return pair


def opponent(recipe: Recipe) -> nn.Module:
    """A new discriminator for a run's data: of the recipe's own pair, or where it has none, of the default for such data.

    A function of the recipe alone. Raises UserError.
    """
    pair = recipe.networks.pair
    if recipe.rival:
        pair = "islands" if recipe.points else "convolutional" if recipe.data in DATA else "upsampling"
    dials = {"pair": pair, "conditional": False, "two_stage": False}
    alone = recipe.model_copy(
        update={
            "networks": recipe.networks.model_copy(update=dials),
            "objective": recipe.objective.model_copy(update={"pack": 1, "loss": "nonsaturating"}),
        }
    )
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed + 1)
        return pair_of(alone).discriminator


def setting(recipe: Recipe, parts: Mapping[str, int], rescues: Sequence[dict[str, Any]]) -> Setting:
    """What the diagnosis must know of a run. parts: how many images each has. rescues: of rescues.json."""
    train, referee = (parts.get(name, math.inf) for name in ("train", "referee"))
    if recipe.rival:
        return Setting(1.0, train=train, referee=referee, rescues=rescues)
    rules = rules_of(recipe.objective.loss, recipe.objective.smoothing)
    return Setting(rules.discriminator_equilibrium, rules.discriminator_best, train, referee, rescues)


def schedule(recipe: Recipe) -> Balance:
    """What each side may do at each time of the run."""
    controls = Controls(recipe.discriminator.steps, recipe.generator.steps, augment=recipe.augment.p)
    base = balance.annealed(controls, recipe.kimg, recipe.play.anneal) if recipe.play.anneal else balance.fixed(controls)
    noise, burn_in = recipe.objective.noise, BURN_IN if recipe.balance.rule == "scheduled" else 0.0

    def at(nimg: int) -> Controls:
        gone = min(nimg / recipe.length, 1.0)
        left = max(0.0, 1 - gone / burn_in) if burn_in else 0.0
        return replace(base(nimg), noise=noise * (1 - gone), penalty_factor=BURN_IN_PENALTY**left)

    whole = Schedule(at)
    return Adaptive(whole) if recipe.balance.rule == "adaptive" else whole

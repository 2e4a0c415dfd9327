"""A game that is played live: its settings can change between two rounds, and what it shows is ready to be sent.

One more consumer of ``duelo.play``: the rounds, the referee's looks, the judgement and the diagnosis are the library's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor

from duelo import balance, data, run
from duelo.balance import Adaptive, Balance, Controls, Duel
from duelo.build import build, setting
from duelo.data import Dataset, InMemory, Mixture, Progress
from duelo.diagnosis import Finding
from duelo.lab.alarms import alarms, remedy
from duelo.lab.settings import DRAWN, Settings, needs_restart, recipe_of
from duelo.learner import sample
from duelo.measure import judged, score
from duelo.networks.blocks import apply
from duelo.objectives import rules_of
from duelo.play import Game, Tick
from duelo.presets import PRESETS
from duelo.recipes import Recipe, validate
from duelo.referee import gradient_length
from duelo.vae import Vae, VaeTick
from duelo.verdict import plain
from duelo.words import LANGUAGES

KEPT_FIRST, KEPT = 20, 600  # lines for the diagnosis: the first ones, and the latest
JUDGED_POINTS, JUDGED_IMAGES = 1000, 256
TOLD = ("discriminator_loss", "generator_loss", "real_right", "fake_right")  # of a round's figures
CALM = 0.1  # what the rates fall to
Hear = Callable[[Progress], object]
SMEAR = 0.01  # of a drawn distribution's extent: the standard deviation around each point that was drawn


class Dials(Balance):
    """What each side may do, as the settings say; alone: the side that has the turn to itself while somebody steps."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.alone = ""

    def __call__(self, nimg: int) -> Controls:
        settings = self.settings
        gone = min(nimg / (1000 * settings.anneal), 1.0) if settings.anneal else 0.0
        controls = Controls(
            settings.discriminator_steps,
            settings.generator_steps,
            rate=1 - (1 - CALM) * gone,
            augment=settings.augment,
            noise=settings.noise,
        )
        if self.alone == "discriminator":
            return replace(controls, discriminator_steps=1, generator_steps=0)
        if self.alone == "generator":
            return replace(controls, discriminator_steps=0, generator_steps=1)
        return controls


class LiveGame:
    """Two networks at play, and perhaps a VAE beside them.

    settings: see there. drawn: points [n, 2] of a distribution that was drawn, where the data are "drawn". hear: is told
    how far the reading of images is.
    Raises UserError where these settings make no game.
    """

    def __init__(self, settings: Settings, drawn: Tensor | None = None, hear: Hear = lambda progress: None) -> None:
        self.settings, self.drawn = settings, drawn
        self.recipe, self.dataset = dataset_of(settings, drawn, hear)
        learner = build(self.recipe)
        assert isinstance(learner, Game)
        self.game = learner
        self.rival = rival_of(self.recipe) if settings.rival else None
        self.dials = Dials(settings)
        self.balance: Balance = self.dials
        self.recent: list[Tick] = []  # since they were told
        self.told = False
        self.lines: list[dict[str, Any]] = []
        self.duel: Duel | None = None
        self.looks = 0
        self.findings: list[Finding] = []
        self.judgement: dict[str, Any] = {}
        self.first_judgement: dict[str, Any] = {}
        self.floor = math.nan
        self.frames_drawn = 0
        self.apply_dials()

    @property
    def nimg(self) -> int:
        """Real images that the discriminator has seen."""
        return self.game.nimg

    @property
    def finite(self) -> bool:
        """Are the latest losses and logits numbers?"""
        return not self.recent or all(bool(values.isfinite().all()) for values in self.recent[-1].figures().values())

    def apply_dials(self) -> None:
        """Let the game be as the settings say, from the next round on. Raises ValueError for what cannot go together."""
        settings, game = self.settings, self.game
        game.rules = rules_of(settings.objective, settings.smoothing)
        game.r1, game.r2, game.gp, game.lecam = settings.r1, settings.r2, settings.gp, settings.lecam
        game.rates = {"generator": settings.generator_rate, "discriminator": settings.discriminator_rate}
        game.batch = settings.batch
        for optimizer in game.optimizers.values():
            for group in optimizer.param_groups:
                group["betas"] = (settings.beta1, settings.beta2)
        adaptive = settings.balance == "adaptive"
        game.augment = self.recipe.augment.kinds if not settings.points and (adaptive or settings.augment) else ()
        self.dials.settings = settings
        if adaptive != isinstance(self.balance, Adaptive):
            self.balance = Adaptive(self.dials) if adaptive else self.dials
        self.rounds = self._rounds(self.recipe.balance.look_kimg)
        self.watched_rounds = self._rounds(settings.batch / 1000)  # the referee looks after each one
        if self.rival:
            self.rival.batch = settings.batch
            parts = (self.dataset.train, settings.seed, balance.fixed(), self.dataset.referee, 1e9)
            self.rival_rounds = self.rival.rounds(*parts)

    def _rounds(self, look_kimg: float) -> Iterator[Any]:
        return self.game.rounds(self.dataset.train, self.settings.seed, self.balance, self.dataset.referee, look_kimg)

    def change(self, settings: Settings) -> None:
        """Go on with other settings that need no new networks. Raises UserError or ValueError, and all stays as it was."""
        assert not needs_restart(self.settings, settings)
        before, recipe = (self.settings, self.recipe), recipe_of(settings)
        if self.recipe.images is not None:
            recipe = recipe.model_copy(update={"images": self.recipe.images})
        self.settings, self.recipe = settings, recipe
        try:
            self.apply_dials()
        except ValueError:
            self.settings, self.recipe = before
            self.apply_dials()
            raise
        if (settings.objective, settings.smoothing) != (before[0].objective, before[0].smoothing):
            self.lines.clear()  # a loss means something else from here on
            self.findings = []

    def play(self, alone: str = "", look: bool = False) -> None:
        """One round. alone: of that side only. look: the referee looks afterwards, whenever it last did."""
        self.dials.alone = alone
        tick: Tick = next(self.watched_rounds if look or alone else self.rounds)
        self.dials.alone = ""
        self.recent = [*([] if self.told else self.recent[-49:]), tick]
        self.told = False
        if self.rival and not alone:
            seen: VaeTick = next(self.rival_rounds)
            self.rival_loss = float(seen.bound.loss.mean())
        if tick.duel is not None:
            self.look(tick)

    def look(self, tick: Tick) -> None:
        """Take down what the referee saw, as a line that the diagnosis reads."""
        assert tick.duel is not None
        self.duel, self.looks = tick.duel, self.looks + 1
        controls = tick.controls
        line: dict[str, Any] = {"nimg": tick.nimg, "duel": asdict(tick.duel)}
        line |= {name: {"mean": getattr(controls, name)} for name in ("rate", "discriminator_rate", "generator_rate")}
        line["real_logit"] = {"std": float(tick.real_logits.std(correction=0))}
        self.note(line)

    def note(self, line: dict[str, Any]) -> None:
        """Add a line; of many, the first and the latest are kept."""
        self.lines.append(line)
        if len(self.lines) > 2 * KEPT:
            del self.lines[KEPT_FIRST:-KEPT]

    def diagnose(self) -> None:
        """Ask what is wrong."""
        parts = {"train": len(self.dataset.train), "referee": len(self.dataset.referee)}
        self.findings = alarms(self.lines, setting(self.recipe, parts, []))

    def judge(self) -> None:
        """Compare fakes with the referee part, as a run does; of points whose truth is known, count the modes."""
        n = min(JUDGED_POINTS if self.settings.points else JUDGED_IMAGES, len(self.dataset.referee))
        real = self.dataset.referee.drawn(n)
        if math.isnan(self.floor):
            self.floor = judged(self.dataset.train.drawn(n), real).value
        fakes = self.fakes(n)
        here = judged(fakes, real)
        value = here.value
        if not math.isfinite(value):
            return
        found: dict[str, Any] = {"measure": here.measure, "value": value, "floor": self.floor, "n": n}
        if self.settings.data in ("ring", "grid") and self.dataset.truth is not None:
            points = score(fakes, self.dataset.truth)
            found |= {"modes": points.modes, "k": points.k, "good": points.good, "good_ideal": points.good_ideal}
        if self.rival:
            found["rival"] = judged(sample(self.rival, n, self.settings.seed), real).value
        self.judgement = found
        self.first_judgement = self.first_judgement or found
        self.note({"nimg": self.nimg, "judgement": found})

    @torch.no_grad()
    def fakes(self, n: int) -> Tensor:
        """`n` fakes of latents that stay the same: of the averaged generator for images, of the playing one for points.

        Images [n, c, h, w] uint8 or points [n, 2] float32. Of points one wants to see what a single turn does.
        """
        if not self.settings.points:
            return sample(self.game, n, self.settings.seed, self.labels(n))
        generator = torch.Generator().manual_seed(self.settings.seed)
        return apply(self.game.pair.generator, torch.randn(n, *self.game.pair.latent_shape, generator=generator), None)

    def labels(self, n: int) -> Tensor | None:
        """The classes [n] of ``fakes``, in their order, of a conditional game."""
        classes = self.game.pair.classes
        return (torch.arange(n) * classes) // n if classes else None

    def tick(self) -> dict[str, Any]:
        """What the last rounds showed, in numbers that JSON has."""
        rules = self.game.rules
        figures = [tick.figures() for tick in self.recent]
        means = {name: mean([one[name] for one in figures]) for name in TOLD if figures}
        controls = self.recent[-1].controls if self.recent else self.balance(self.nimg)
        self.told = True
        told: dict[str, Any] = {
            "nimg": self.nimg,
            "real_right": means.get("real_right"),
            "fake_right": means.get("fake_right"),
            "referee_right": self.duel.referee_right if self.duel else None,
            "referee_fake_right": self.duel.fake_right if self.duel else None,
            "losses": {
                "discriminator": means.get("discriminator_loss"),
                "generator": means.get("generator_loss"),
                "discriminator_equilibrium": rules.discriminator_equilibrium,
                "generator_equilibrium": rules.generator_equilibrium,
            },
            "accuracy_equilibrium": 0.5,
            "gradients": self.gradients(),
            "controls": {
                **asdict(controls),
                "generator_learning_rate": self.settings.generator_rate * controls.rate * controls.generator_rate,
                "discriminator_learning_rate": self.settings.discriminator_rate
                * controls.rate
                * controls.discriminator_rate,
            },
            "judgement": self.judgement or None,
        }
        if self.rival:
            told["rival"] = {"loss": getattr(self, "rival_loss", None), "value": self.judgement.get("rival")}
        cleaned: dict[str, Any] = plain(told)
        return cleaned

    def gradients(self) -> dict[str, float]:
        """The lengths of both sides' latest gradients."""
        return {side: gradient_length(network) for side, network in self.game.pair.sides().items()}

    def told_findings(self) -> list[dict[str, Any]]:
        """What is wrong, in both languages, and what to turn on the page."""
        texts = {"title": Finding.title, "text": Finding.sentence, "remedy": remedy}
        return [
            {"kind": one.name, "nimg": one.nimg, "numbers": plain(one.evidence)}
            | {name: {lang: text(one, lang) for lang in LANGUAGES} for name, text in texts.items()}
            for one in self.findings
        ]


def dataset_of(settings: Settings, drawn: Tensor | None, hear: Hear) -> tuple[Recipe, Dataset]:
    """The recipe with what its data turned out to be, and these. Raises UserError."""
    recipe = recipe_of(settings)
    if settings.data == DRAWN:
        assert drawn is not None
        extent = 1.25 * float(drawn.abs().max())
        dataset = data.toy_dataset(Mixture(DRAWN, drawn, max(SMEAR * extent, 1e-3)))
    else:
        recipe, dataset = data.end_of(run.fetch(recipe), lambda moment: moment.progress and hear(moment.progress))
    if 0 < settings.members < len(dataset.train):
        labels = dataset.train.labels
        few = InMemory(dataset.train.first(settings.members), None if labels is None else labels[: settings.members])
        dataset = replace(dataset, train=few)
    return recipe, dataset


def rival_of(recipe: Recipe) -> Vae:
    """A VAE for the same data, as its own recipe has it, with batches of the same size."""
    tree = PRESETS["vae"]()
    tree |= {"data": recipe.data, "seed": recipe.seed, "images": recipe.images}
    tree["play"] = {"batch": recipe.play.batch, "ema_kimg": recipe.play.ema_kimg}
    tree["networks"]["width"] = recipe.networks.width
    if recipe.points:
        tree["networks"]["latent"] = 2
    learner = build(validate(tree, "vae"))
    assert isinstance(learner, Vae)
    return learner


def mean(values: Sequence[Tensor]) -> float:
    """The mean over all of several rounds' samples."""
    return float(torch.cat([*values]).double().mean())

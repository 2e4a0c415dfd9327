"""What went wrong, in words: from the lines of stats.jsonl to findings, each with its evidence and a remedy.

A finding must hold at several looks of the referee in a row, since one look is 256 samples, a duel sways, and a healthy run
often looks odd once. The thresholds stand beside what healthy runs showed; bench/diagnosis.py measures how they fare.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any

from duelo.balance import Duel
from duelo.words import say

LOOKS = 5  # in a row: chosen, since healthy runs are overtaken, or sure of everything, at single looks
SURE = 0.95  # right on so many of both kinds: healthy runs get there too, so that more must be seen, see `stalled`
WON = 0.95  # of the way from the loss at the equilibrium to the best possible one
NO_LEAD = 0.1  # two standard deviations of a lead of nothing, at 256 samples
WRONG = 0.35  # five standard deviations below a half at 256 samples; a coin's share of 64 falls below once in 100 looks
ASLEEP = 1e-5  # a share of the weights' length: at this pace a thousand rounds change 1 %; healthy rates: over 1e-4
THIN = 0.25  # of the referee's distance to the nearest; healthy runs pass here too, but they go on improving
ALIKE = 0.05  # of the referee's distance to the nearest; an untrained generator of digits: 0.12, healthy runs: over 0.08
SWING = 0.2  # a lead beyond is no chance at 256 samples (4.5 standard deviations)
TURNS, TURNS_IN = 4, 20  # changes between a clear lead and a clear defeat, within so many looks; healthy runs: at most 1
FAINT = 1e-2  # length of the generator's gradient; healthy runs: over 1 where the discriminator is sure
FADED = 1e-3  # the same as a share of what it was in the first looks
VANISHED = 1e-4  # the same where it is not sure; healthy runs: over 0.006, ever less at an equilibrium
EXPLODED = 100.0  # logits apart, or losses: e^100 to one; no healthy run went beyond 30
STEEP = 1e4  # length of a gradient; healthy runs: below 400
BY_HEART = 0.1  # share of what tells real from fake that is true of the training images alone; 48,000 digits: below 0.03
CERTAIN = 3.3  # standard deviations: by chance once in 2,000
MORE_OFTEN = 0.1  # a difference of two shares that matters
FAR = 3.0  # times the judgement that real images get
PROGRESS = 0.05  # the judgement's fall, as a share, below which there is none: chosen; never asked alone
SLOW = 0.1  # the same where the discriminator is right and sure of everything; healthy runs then fall by 0.19 or more
RECENT, JUDGEMENTS = 0.3, 3  # the part of the run, and the fewest judgements, in which it should have fallen


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, since the time `nimg` in images.

    evidence: the numbers that say so, by name. what: the statistic that is meant, where the numbers cannot say it.
    """

    name: str
    nimg: int
    evidence: dict[str, float]
    what: str = ""

    def title(self, lang: str | None = None) -> str:
        """A few words for it."""
        return say(f"found.{self.name}", lang)

    def sentence(self, lang: str | None = None) -> str:
        """What is seen, with the numbers."""
        return say(f"finding.{self.name}", lang, kimg=f"{self.nimg / 1000:.4g}", what=self.what, **self.evidence)

    def remedy(self, lang: str | None = None) -> str:
        """What to try: one option, and how to set it."""
        return say(f"remedy.{self.name}", lang)


@dataclass(frozen=True)
class Spell:
    """A finding over a whole run, as it was when last named.

    first, last: from when to when it held, in images. named: when it could first be named.
    """

    finding: Finding
    first: int
    last: int
    named: int


@dataclass(frozen=True)
class Look:
    """A look of the referee at time `nimg`.

    deviation: standard deviation of D's logits for training images since the last line. discriminator_pace,
    generator_pace: how far a round at full rates moves the weights, as a share of their length.
    """

    nimg: int
    duel: Duel
    deviation: float
    discriminator_pace: float
    generator_pace: float


@dataclass(frozen=True)
class Judgement:
    """What fakes got at time `nimg`, and what real images get: lower is better."""

    nimg: int
    value: float
    floor: float


@dataclass(frozen=True)
class Setting:
    """What must be known of a run beside its lines.

    equilibrium, best: the discriminator's loss where nobody leads, and where it is right and sure of everything.
    train, referee: how many images these parts have, since one that is looked at twice counts once.
    rescues: of rescues.json.
    """

    equilibrium: float
    best: float = 0.0
    train: float = math.inf
    referee: float = math.inf
    rescues: Sequence[dict[str, Any]] = ()

    @property
    def unit(self) -> float:
        """How far the discriminator's loss can fall from its equilibrium; 1 where there is no end."""
        room = self.equilibrium - self.best
        return room if 0 < room < math.inf else 1.0


@dataclass(frozen=True)
class History:
    """A run up to the time `nimg`, as far as it matters here."""

    nimg: int
    looks: Sequence[Look]
    judgements: Sequence[Judgement]
    setting: Setting

    def until(self, nimg: int) -> History:
        """The same as it was at an earlier time."""
        rescues = [rescue for rescue in self.setting.rescues if rescue["back_to"] <= nimg]
        looks, judgements = (
            [look for look in self.looks if look.nimg <= nimg],
            [judgement for judgement in self.judgements if judgement.nimg <= nimg],
        )
        return History(nimg, looks, judgements, replace(self.setting, rescues=rescues))


Found = tuple[int, dict[str, float]] | None  # since when, and the evidence


def diagnose(lines: Sequence[dict[str, Any]], setting: Setting) -> list[Finding]:
    """What is wrong at the time of the last of `lines`, given all lines of stats.jsonl so far. Empty where nothing is."""
    return findings(history(lines, setting))


def named(lines: Sequence[dict[str, Any]], setting: Setting) -> list[Spell]:
    """Whatever was wrong at some time of a run, in the order in which it began."""
    whole = history(lines, setting)
    spells: dict[str, Spell] = {}
    times = {look.nimg for look in whole.looks} | {judgement.nimg for judgement in whole.judgements} | {whole.nimg}
    for nimg in sorted(times):
        for finding in findings(whole.until(nimg)):
            at = max(nimg, finding.nimg)  # lines from before a rescue were written after it
            before = spells.get(finding.name, Spell(finding, finding.nimg, at, at))
            spells[finding.name] = replace(before, finding=finding, first=min(before.first, finding.nimg), last=at)
    return sorted(spells.values(), key=lambda spell: spell.first)


def history(lines: Sequence[dict[str, Any]], setting: Setting) -> History:
    """What the lines say that matters here. Looks that are not finite, or that another version wrote, are passed over."""
    wanted = [field.name for field in fields(Duel)]
    looks = []
    for line in lines:
        seen = line.get("duel", {})
        values = {name: seen[name] for name in wanted if name in seen}
        if len(values) < len(wanted) or not all(value is None or math.isfinite(value) for value in values.values()):
            continue
        duel = Duel(**values)
        rate = {name: line.get(name, {}).get("mean", 1.0) for name in ("rate", "discriminator_rate", "generator_rate")}
        looks.append(
            Look(
                line["nimg"],
                duel,
                line.get("real_logit", {}).get("std", 0.0),
                duel.discriminator_move / max(rate["rate"] * rate["discriminator_rate"], 1e-12),
                duel.generator_move / max(rate["rate"] * rate["generator_rate"], 1e-12),
            )
        )
    judged = [(line["nimg"], line["judgement"]) for line in lines if "judgement" in line]
    judgements = [Judgement(nimg, judgement["value"], judgement["floor"]) for nimg, judgement in judged]
    return History(lines[-1]["nimg"] if lines else 0, looks, judgements, setting)


def findings(run: History) -> list[Finding]:
    """What is wrong now, causes only."""
    found = {name: rule(run) for name, rule in RULES.items()}
    all_ = [Finding(name, *what) for name, what in found.items() if what is not None]
    hidden = {name for finding in all_ for name in HIDES.get(finding.name, ())}
    return [*not_a_number(run), *(finding for finding in all_ if finding.name not in hidden)]


def lasting(run: History, holds: Callable[[Look], bool]) -> Sequence[Look]:
    """The latest looks in a row at which something holds; none if they are fewer than LOOKS."""
    start = len(run.looks)
    while start > 0 and holds(run.looks[start - 1]):
        start -= 1
    return run.looks[start:] if len(run.looks) - start >= LOOKS else ()


def typical(looks: Sequence[Look], value: Callable[[Duel], float]) -> float:
    """The median of a number over the latest looks."""
    return statistics.median(value(look.duel) for look in looks[-LOOKS:])


def seen(looks: Sequence[Look], judged: dict[str, float] | None, **values: Callable[[Duel], float]) -> Found:
    """What the looks show: since when, at how many, and what is typical of the latest. None without looks or `judged`."""
    if not looks or judged is None:
        return None
    return looks[0].nimg, {"looks": len(looks), **{name: typical(looks, value) for name, value in values.items()}, **judged}


def stalled(run: History, least: float = PROGRESS) -> dict[str, float] | None:
    """The judgement is far from that of real images and has not fallen by the share `least` of late; then its numbers.

    Of late: in the last RECENT of all the images seen, since progress slows as a run grows old.
    """
    judgements = run.judgements
    if len(judgements) <= JUDGEMENTS or judgements[-1].value < FAR * judgements[-1].floor:
        return None
    now = judgements[-1]
    start = min(sum(at.nimg <= (1 - RECENT) * now.nimg for at in judgements), len(judgements) - JUDGEMENTS)
    if start == 0:
        return None
    before, recent = (min(at.value for at in part) for part in (judgements[:start], judgements[start:]))
    if recent < (1 - least) * before:
        return None
    return {"value": now.value, "floor": now.floor, "before": before}


RIGHT: dict[str, Callable[[Duel], float]] = {
    "referee_right": lambda duel: duel.referee_right,
    "fake_right": lambda duel: duel.fake_right,
}


def discriminator_too_strong(run: History) -> Found:
    """It is right on nearly everything, and sure of it; and the generator does not improve."""
    even, unit = run.setting.equilibrium, run.setting.unit
    looks = lasting(run, lambda at: min(at.duel.referee_right, at.duel.fake_right) >= SURE and at.duel.gap >= WON * unit)
    return seen(looks, stalled(run, SLOW), loss=lambda duel: even - duel.gap, equilibrium=lambda duel: even, **RIGHT)


def discriminator_too_weak(run: History) -> Found:
    """It has no lead, though the fakes are far from real and do not come nearer."""
    looks = lasting(run, lambda at: at.duel.lead <= NO_LEAD and at.duel.gap <= NO_LEAD * run.setting.unit)
    return seen(looks, stalled(run), **RIGHT)


def discriminator_asleep(run: History) -> Found:
    """Its weights do not move."""
    looks = lasting(run, lambda at: at.discriminator_pace < ASLEEP)
    return seen(looks, {}, move=lambda duel: duel.discriminator_move, **RIGHT)


def wrong_way_round(run: History) -> Found:
    """The discriminator takes real for fake and fake for real, as with exchanged labels."""
    looks = lasting(run, lambda at: max(at.duel.referee_right, at.duel.fake_right) <= WRONG)
    return seen(looks, {"chance": 0.5}, **RIGHT)


def generator_stuck(run: History) -> Found:
    """The generator has a gradient, but its weights do not move."""
    looks = lasting(run, lambda at: at.generator_pace < ASLEEP and at.duel.generator_gradient > FAINT)
    return seen(looks, {}, move=lambda duel: duel.generator_move, gradient=lambda duel: duel.generator_gradient)


def mode_collapse(run: History) -> Found:
    """The fakes are all nearly the same; or much alike and no better, though the discriminator is not sure of them."""
    looks = lasting(run, lambda at: at.duel.variety < ALIKE)
    if not looks and stalled(run):
        looks = lasting(run, lambda at: at.duel.variety < THIN and at.duel.lead < 2 * SURE - 1)
    return seen(looks, {}, variety=lambda duel: duel.variety)


def copying_pressure(run: History) -> Found:
    """The discriminator knows the training images by heart, which pays the generator for copying them.

    Karras et al. 2020 (StyleGAN2-ADA), equation 1, r_v: `Duel.memory`. That it is no chance is asked of the mean logits and
    of the shares that are judged rightly (two-proportion z test); the latter say nothing where D is sure of everything.
    """
    by_logits = lasting(run, lambda at: at.duel.memory >= BY_HEART)
    by_shares = lasting(run, lambda at: at.duel.train_right - at.duel.referee_right >= MORE_OFTEN)
    looks = by_logits or by_shares
    if not looks:
        return None
    latest = [look.duel for look in looks[-LOOKS:]]
    train, referee = (
        statistics.fmean(values) for values in zip(*((d.train_right, d.referee_right) for d in latest), strict=True)
    )
    # an image that is looked at again says nothing new: all training images that were drawn count, the referee's once
    n = latest[-1].n
    spread = math.sqrt(1 / min(len(latest) * n, run.setting.train) + 1 / min(n, run.setting.referee))
    deviation = math.sqrt(statistics.fmean(look.deviation**2 for look in looks[-LOOKS:]))
    apart = statistics.fmean(d.train_logit - d.referee_logit for d in latest)
    right = (train + referee) / 2
    certainty = max(
        apart / max(deviation * spread, 1e-12) if by_logits else 0.0,
        (train - referee) / max(math.sqrt(right * (1 - right)) * spread, 1e-12) if by_shares else 0.0,
    )
    if certainty < CERTAIN:
        return None
    evidence = {"train_right": train, "referee_right": referee, "deviations": certainty}
    return seen(looks, evidence, memory=lambda duel: duel.memory)


def oscillation(run: History) -> Found:
    """The lead goes back and forth: whatever one side learns, the other undoes."""
    sides = [(at, 1 if at.duel.lead > 0 else -1) for at in run.looks[-TURNS_IN:] if abs(at.duel.lead) >= SWING]
    turns = [now for (_, side), (now, other) in pairwise(sides) if side != other]
    if len(turns) < TURNS:
        return None
    leads = [at.duel.lead for at, _ in sides]
    return turns[0].nimg, {"turns": len(turns), "looks": len(run.looks[-TURNS_IN:]), "high": max(leads), "low": min(leads)}


def vanishing_gradients(run: History) -> Found:
    """The generator gets no gradient: the discriminator is sure, or nothing comes through either network."""
    start = statistics.median(at.duel.generator_gradient for at in run.looks[:LOOKS]) if run.looks else 0.0

    def holds(at: Look) -> bool:
        if at.duel.lead >= 2 * SURE - 1:
            return at.duel.generator_gradient <= max(FAINT, FADED * start)
        return at.duel.generator_gradient <= VANISHED and abs(at.duel.gap) <= NO_LEAD * run.setting.unit

    return seen(
        lasting(run, holds),
        {},
        generator=lambda duel: duel.generator_gradient,
        discriminator=lambda duel: duel.discriminator_gradient,
    )


def exploding(run: History) -> Found:
    """Logits, losses or gradients beyond what any duel has a use for."""

    def size(duel: Duel) -> float:
        return max(abs(duel.referee_logit - duel.fake_logit), abs(duel.gap), duel.generator_gap or 0.0)

    def steepness(duel: Duel) -> float:
        return max(duel.generator_gradient, duel.discriminator_gradient)

    looks = lasting(run, lambda at: size(at.duel) >= EXPLODED or steepness(at.duel) >= STEEP)
    return seen(
        looks,
        {"first": size(run.looks[0].duel)} if looks else None,
        real_logit=lambda duel: duel.referee_logit,
        fake_logit=lambda duel: duel.fake_logit,
        size=size,
        gradient=steepness,
    )


def not_a_number(run: History) -> list[Finding]:
    """The run fell apart; named until it has come as far past that point as it was thrown back."""
    recent = [rescue for rescue in run.setting.rescues if run.nimg < 2 * rescue["nimg"] - rescue["back_to"]]
    if not recent:
        return []
    times, last = len(run.setting.rescues), recent[-1]
    evidence = {"times": float(times), "at": last["nimg"] / 1000, "back_to": last["back_to"] / 1000}
    return [Finding("not_a_number", last["nimg"], evidence, last["name"])]


RULES: dict[str, Callable[[History], Found]] = {
    "wrong_way_round": wrong_way_round,
    "vanishing_gradients": vanishing_gradients,
    "exploding": exploding,
    "generator_stuck": generator_stuck,
    "discriminator_too_strong": discriminator_too_strong,
    "discriminator_asleep": discriminator_asleep,
    "discriminator_too_weak": discriminator_too_weak,
    "oscillation": oscillation,
    "mode_collapse": mode_collapse,
    "copying_pressure": copying_pressure,
}

# what is only a consequence is not named beside its cause: the remedy would be the wrong one
HIDES: dict[str, tuple[str, ...]] = {
    "wrong_way_round": tuple(name for name in RULES if name != "wrong_way_round"),
    "vanishing_gradients": (
        *("discriminator_too_strong", "discriminator_too_weak", "discriminator_asleep"),
        *("generator_stuck", "mode_collapse"),
    ),
    "exploding": ("discriminator_too_strong",),
    "generator_stuck": ("discriminator_too_strong", "mode_collapse"),
    "discriminator_asleep": ("discriminator_too_weak", "mode_collapse", "exploding"),
    "discriminator_too_weak": ("mode_collapse", "exploding"),
    "oscillation": ("discriminator_too_weak",),
    "copying_pressure": ("discriminator_too_weak",),  # it is then wrong of unknown images, not of those it trains on
}

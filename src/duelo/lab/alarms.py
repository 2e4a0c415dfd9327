"""What goes wrong in a live game: what the diagnosis finds, the modes that are known to be missing, and what to turn."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from duelo.diagnosis import HIDES, Finding, Setting, diagnose
from duelo.words import say

FEW = 0.5  # of the modes; healthy games pass here too, but only while hardly any of their points are good
GOOD = 0.25  # of the points: enough to say that they are of these modes
JUDGEMENTS, IMAGES = 4, 50_000  # for so long at least
LAPSES = 2  # judgements in a row that say nothing: a generator on its way from one mode to the next has hardly a good point
GROUPS = {  # of the page's controls (static/controls.js): where those are that a remedy names
    "members": "start",
    **dict.fromkeys(("discriminator_rate", "discriminator_steps"), "d"),
    **dict.fromkeys(("generator_rate", "generator_steps"), "g"),
    **dict.fromkeys(("objective", "balance", "augment"), "rules"),
    **dict.fromkeys(("r1", "r2", "gp"), "penalties"),
    **dict.fromkeys(("pair", "latent", "beta1"), "networks"),
}
OPTION = re.compile(r"--([a-z_]+\.[a-z_0-9]+)(?: (\d+(?:\.\d+)?|adaptive|convolutional|minimax)\b)?")  # and its value
VALUES = ("adaptive", "minimax", "nonsaturating", "wasserstein")


def alarms(lines: Sequence[dict[str, Any]], setting: Setting) -> list[Finding]:
    """What is wrong at the time of the last of the lines; causes only, as in ``duelo.diagnosis``."""
    found = diagnose(lines, setting)
    missing = missing_modes(lines)
    if missing is None or any("mode_collapse" in HIDES.get(one.name, ()) for one in found):
        return found
    return [*(one for one in found if one.name != "mode_collapse"), missing]  # the same, known better


def missing_modes(lines: Sequence[dict[str, Any]]) -> Finding | None:
    """Mode collapse where the truth is known: many points are good ones, and for long they have been of few modes.

    Variety alone cannot say it: two modes of eight, each hit as widely as it is, leave it at nearly that of the data.
    """
    judged = [(line["nimg"], line["judgement"]) for line in lines if "modes" in line.get("judgement", {})]
    spell: list[tuple[int, Mapping[str, float]]] = []  # the latest first
    lapses = 0
    for nimg, judgement in reversed(judged):
        lapses = 0 if judgement["modes"] and judgement["good"] >= GOOD else lapses + 1
        if judgement["modes"] > FEW * judgement["k"] or lapses > LAPSES:
            break
        if not lapses:
            spell.append((nimg, judgement))
    if len(spell) < JUDGEMENTS or spell[0][0] - spell[-1][0] < IMAGES:
        return None
    now = spell[0][1]
    evidence = {"judgements": float(len(spell)), **{name: float(now[name]) for name in ("modes", "k", "good")}}
    return Finding("missing_modes", spell[-1][0], evidence)


def remedy(finding: Finding, lang: str | None = None) -> str:
    """What to try on the page against a finding, its controls called as they are there."""
    values = {value: say(f"lab.value.{value}", lang) for value in VALUES} | {"step_d": say("lab.transport.step_d", lang)}
    for control, group in GROUPS.items():
        values[control] = f"“{say(f'lab.group.{group}', lang)} › {say(f'lab.live.setting.{control}', lang)}”"
    return say(f"lab.remedy.{finding.name}", lang, **values)


def remedy_of_a_run(finding: Finding) -> str:
    """The same against a finding in a run: values of a recipe, as they are written into a new training on the page."""
    told = finding.remedy()
    written = OPTION.sub(lambda option: " = ".join(filter(None, option.groups())), told)
    return f"{written} {say('lab.runs.remedy_where', more=say('lab.runs.more'))}" if written != told else told

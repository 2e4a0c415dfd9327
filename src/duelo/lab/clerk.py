"""Errands that need torch or matplotlib: looking at data, at runs side by side, at what went wrong; pages of reports."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from duelo import compare, inspection, recipes, report
from duelo.build import setting
from duelo.data import end_of
from duelo.data.pixels import png
from duelo.diagnosis import named
from duelo.folder import RunFolder
from duelo.lab.alarms import remedy_of_a_run
from duelo.lab.errands import Errand, Tell
from duelo.objectives import rules_of
from duelo.run import Moment
from duelo.words import say


def inspect(tell: Tell, data: str, framing: dict[str, Any]) -> dict[str, Any]:
    """What there is to know of `data` before training on it: facts, the same in words, and a contact sheet (PNG).

    tell hears how far the reading is: {stage, done, total}. Raises UserError.
    """

    def hear(moment: Moment) -> None:
        if moment.progress is not None:
            stage = say(f"train.packing_{moment.progress.stage}")
            tell({"stage": stage, "done": moment.progress.done, "total": moment.progress.total})

    found = end_of(inspection.inspect(recipes.resolve(data, None, framing)), hear)
    lines = inspection.text(found.facts, Path())
    warned = {say("inspect.warning", text=text) for text in found.facts["warnings"]}
    nowhere = {say("inspect.sheet", None, path=Path())}  # the page shows the sheet itself
    told = [line for line in lines if line not in warned | nowhere]
    return {"facts": found.facts, "lines": told, "warnings": found.facts["warnings"], "sheet": png(found.sheet)}


def diagnosis(tell: Tell, path: str) -> dict[str, Any]:
    """What went wrong over a whole run, and the losses at which nobody leads."""
    run = RunFolder(Path(path))
    recipe, lines = run.recipe(), run.stats()
    spells = named(lines, setting(recipe, run.data().get("parts", {}), run.rescues()))
    found = [
        {
            "name": spell.finding.name,
            "first": spell.first / 1000,
            "last": spell.last / 1000,
            "title": spell.finding.title(),
            "sentence": spell.finding.sentence(),
            "remedy": remedy_of_a_run(spell.finding),
        }
        for spell in spells
    ]
    if recipe.rival:
        return {"findings": found, "equilibrium": {}}
    rules = rules_of(recipe.objective.loss, recipe.objective.smoothing)
    even = {"discriminator": rules.discriminator_equilibrium, "generator": rules.generator_equilibrium}
    return {"findings": found, "equilibrium": even}


def side_by_side(tell: Tell, paths: list[str]) -> dict[str, Any]:
    """Several runs compared, as `duelo compare` does it: rows of figures, judgements, differences. Raises UserError."""
    runs = compare.read([RunFolder(Path(path)) for path in paths])
    may = compare.comparable(runs)
    columns = [compare.figures(run, may) for run in runs]
    recipes_ = [recipes.flat(run.recipe) for run in runs]
    nimg, seconds = compare.reached(runs)
    pictures = {
        "images": [compare.grid_at(run, nimg + run.slack) for run in runs],
        "seconds": [compare.grid_at(run, compare.images_at(run, seconds)) for run in runs],
        "end": [run.grids[-1] if run.grids else None for run in runs],
    }
    return {
        "names": [run.name for run in runs],
        "folders": [os.path.basename(path) for path in paths],
        "rows": [[say(key), *(column[i][1] for column in columns)] for i, (key, _) in enumerate(columns[0])],
        "equal": [
            [say(key, None, **limits), *(" ".join(compare.spot(at)).strip() for at in found)]
            for key, limits, found in compare.equal_blocks(runs)
        ],
        "differences": [[key, *(compare.shown(recipe.get(key)) for recipe in recipes_)] for key in compare.differing(runs)],
        "warnings": [say(key, None, **values) for key, values in compare.warnings(runs)],
        "judged": [
            {
                "kimg": [at.nimg / 1000 for at in run.judged],
                "seconds": [at.seconds for at in run.judged],
                "value": [at.value for at in run.judged],
                "floor": [at.floor for at in run.judged],
            }
            for run in runs
        ],
        "pictures": {name: [None if grid is None else grid[0] for grid in grids] for name, grids in pictures.items()},
        "reached": {"kimg": compare.kimg(nimg), "time": compare.clock(seconds)},
    }


def comparison_page(tell: Tell, paths: list[str]) -> str:
    """The same as one page to keep. Raises UserError."""
    return compare.render(compare.read([RunFolder(Path(path)) for path in paths]))


def report_page(tell: Tell, path: str) -> str:
    """The report of a run that has none yet, as it stands now; nothing is written. Raises UserError."""
    return report.render(RunFolder(Path(path)))


ERRANDS: dict[str, Errand] = {
    "inspect": inspect,
    "diagnosis": diagnosis,
    "side_by_side": side_by_side,
    "comparison_page": comparison_page,
    "report_page": report_page,
}

"""Runs side by side, after equally many images and after equally long training: a table and one self-contained page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, TypeVar

from markupsafe import Markup

from duelo.checkpoint import write_atomically
from duelo.folder import RunFolder
from duelo.pages import NEUTRAL, Curve, both, draw, fill, picture
from duelo.recipes import Recipe, flat
from duelo.report import share_at_end, speed, top_rows, written
from duelo.verdict_page import strongest
from duelo.words import LANGUAGES, UserError, as_written, say

# a colour and a line style for each run; the page has a lighter set of the colours for dark screens
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#1c2127", "#7a4a00")
DASHES = ((), (5, 2), (1, 1.4), (6, 1.6, 1, 1.6), (10, 2.5), (6, 1.6, 1, 1.6, 1, 1.6))
FEW = 3  # so many runs get their whole grids shown, more of them only
TOP = 3  # rows of each
WIDEST = 960  # pixels of a picture in the page
LONG = 600  # seconds from which time is drawn in minutes
SMOOTH = 40  # points to which the curves of the discriminator are averaged
Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Judgement:
    """How far the generated images were from real ones of the referee part. floor: what real training images get."""

    nimg: int
    seconds: float
    measure: str
    value: float
    floor: float


@dataclass(frozen=True)
class Run:
    """What is compared of a run. lines: of stats.jsonl. grids: (kimg, file). verdict: of verdict.json."""

    name: str
    recipe: Recipe
    lines: list[dict[str, Any]]
    grids: list[tuple[float, Path]]
    machine: dict[str, Any]
    verdict: dict[str, Any]

    @property
    def nimg(self) -> int:
        """Images on which it was trained."""
        return int(self.lines[-1]["nimg"])

    @property
    def seconds(self) -> float:
        """How long it was trained."""
        return float(self.lines[-1]["time"]["seconds"])

    @property
    def slack(self) -> int:
        """By how many images its rounds may end later than those of another run with the same plan."""
        return self.recipe.play.batch * self.recipe.discriminator.steps - 1

    @property
    def judged(self) -> list[Judgement]:
        """Its judgements, oldest first; none in a run of an older version."""
        return [
            Judgement(
                line["nimg"], line["time"]["seconds"], *(line["judgement"][key] for key in ("measure", "value", "floor"))
            )
            for line in self.lines
            if "judgement" in line
        ]

    @property
    def data(self) -> str:
        """The data's name, and the size of images of the user's own."""
        size = self.recipe.images.size if self.recipe.images else None
        return Path(self.recipe.data).name + (f" ({size[1]} x {size[0]})" if size else "")

    @property
    def ground(self) -> str:
        """Equal for runs on the same data."""
        return (self.recipe.images.fingerprint if self.recipe.images else None) or self.recipe.data

    @property
    def measures(self) -> list[str]:
        """By which its judgements were made; only equal ones can be compared."""
        return sorted({at.measure for at in self.judged})


def compare(paths: Sequence[Path], out: Path | None = None) -> str:
    """What `duelo compare` does: write the page; a table, and where the page is, to print. Raises UserError."""
    folders = [RunFolder(path) for path in paths]
    runs = read(folders)
    return f"{table(runs)}\n\n{say('compare.page', path=write(runs, out or place(folders)))}"


def table(runs: list[Run]) -> str:
    """The comparison as plain text: a row a run, then the judgements at equal images and at equal seconds."""
    keys = differing(runs)
    rows = [say("compare.columns").split("|")]
    for run in runs:
        values = flat(run.recipe)
        differs = ", ".join(f"{key}={shown(values.get(key))}" for key in keys) or "-"
        rows.append([run.name, *(value for _, value in figures(run, comparable(runs))), differs])
    blocks = [aligned(rows)]
    for key, limits, found in equal_blocks(runs):
        lines = aligned([[run.name, *spot(at)] for run, at in zip(runs, found, strict=True)])
        blocks.append(f"{say(key, **limits)}\n{lines}")
    warned = [say("inspect.warning", text=say(key, **values)) for key, values in warnings(runs)]
    return "\n\n".join([*blocks, *(["\n".join(warned)] if warned else [])])


def write(runs: list[Run], out: Path) -> Path:
    """Write the comparison as one page: its path. Raises UserError."""
    if out.suffix.lower() not in (".html", ".htm"):
        raise UserError("compare.out", path=out)
    page = render(runs)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError("write.folder", path=out.parent, why=error.strerror) from error
    write_atomically(out, page.encode())
    return out


def place(folders: list[RunFolder]) -> Path:
    """Where the page goes: beside the runs if they are all in one folder, else here."""
    (parent, *others), here = {Path(os.path.abspath(folder.path)).parent for folder in folders}, Path.cwd()
    if others:
        return Path("compare.html")
    return (parent.relative_to(here) if parent.is_relative_to(here) else parent) / "compare.html"


def read(folders: list[RunFolder]) -> list[Run]:
    """The runs, each once. Raises UserError: fewer than two, a folder without a run, a run without statistics."""
    different: dict[str, RunFolder] = {}
    for folder in folders:
        different.setdefault(os.path.realpath(folder.path), folder)
    folders = [*different.values()]
    if len(folders) < 2:
        raise UserError("compare.few")
    runs = []
    for folder, name in zip(folders, names([folder.path for folder in folders]), strict=True):
        recipe, lines = folder.recipe(), folder.stats()
        if not lines:
            raise UserError("compare.no_stats", path=folder.path)
        runs.append(Run(name, recipe, lines, folder.samples(), folder.machine(), folder.verdict()))
    return runs


def names(paths: list[Path]) -> list[str]:
    """The folders' names, with as much of the path before them as they need to be told apart."""
    whole = [os.path.abspath(path) for path in paths]
    short = [os.path.basename(path) for path in whole]
    if len(set(short)) < len(short):
        short = [os.path.relpath(path, os.path.commonpath([os.path.dirname(path) for path in whole])) for path in whole]
    return [" ".join(name.encode("utf-8", "replace").decode().split()) for name in short]


def differing(runs: list[Run]) -> list[str]:
    """The keys of the recipes that are not the same in all runs."""
    recipes = [flat(run.recipe) for run in runs]
    keys = dict.fromkeys(key for recipe in recipes for key in recipe)
    return [key for key in keys if len({shown(recipe.get(key)) for recipe in recipes}) > 1]


def shown(value: object) -> str:
    """A recipe's value as a person writes it; "-" if there is none."""
    return "-" if value is None else written(value)


def comparable(runs: list[Run]) -> bool:
    """Do all verdicts that there are rest on the same samples of real members, features and numbers?"""
    return len({run.verdict["fingerprint"] for run in runs if run.verdict}) == 1


def told(run: Run, may: bool) -> list[tuple[str, str]]:
    """What the verdict says of a run, if it may be compared: (key of the name, value with its interval)."""

    def spread(estimate: dict[str, Any] | None, form: str) -> str:
        if not estimate:
            return "-"
        found = ["-" if estimate[key] is None else as_written(estimate[key], form) for key in ("value", "low", "high")]
        return "{} ({}–{})".format(*found)

    verdict = run.verdict if may else {}
    return [
        ("compare.ratio", spread(verdict.get("quality", {}).get("ratio"), ".3g")),
        ("compare.opponent", spread(strongest(verdict.get("equilibrium")).get("accuracy"), ".1%")),
        ("compare.copies", spread(verdict.get("copying", {}).get("share"), ".2%")),
    ]


def figures(run: Run, may: bool = False) -> list[tuple[str, str]]:
    """What sums a run up: (key of the name, value). may: whether the runs' verdicts can be compared."""
    best = min(run.judged, key=lambda judgement: judgement.value, default=None)
    last = run.judged[-1] if run.judged else None
    return [
        ("compare.data", run.data),
        ("compare.kimg", kimg(run.nimg)),
        ("report.time", clock(run.seconds)),
        ("report.speed", speed(run.lines)),
        ("compare.best", f"{best.value:.3g} ({kimg(best.nimg)} kimg)" if best else "-"),
        ("compare.floor", f"{best.floor:.3g}" if best else "-"),
        ("compare.last", f"{last.value:.3g} ({kimg(last.nimg)} kimg)" if last else "-"),
        ("report.real_right", share_at_end(run.lines, "real_right")),
        ("report.fake_right", share_at_end(run.lines, "fake_right")),
        *told(run, may),
    ]


def equal_blocks(runs: list[Run]) -> list[tuple[str, dict[str, str], list[Judgement | None]]]:
    """At equal images and at equal seconds: (key of the name, where that is, each run's last judgement up to there)."""
    nimg, seconds = reached(runs)
    images = [newest(run.judged, [at.nimg <= nimg + run.slack for at in run.judged]) for run in runs]
    times = [newest(run.judged, [at.seconds <= seconds for at in run.judged]) for run in runs]
    return [("compare.equal_images", {"kimg": kimg(nimg)}, images), ("compare.equal_time", {"time": clock(seconds)}, times)]


def reached(runs: list[Run]) -> tuple[int, float]:
    """How many images, and how many seconds, all of the runs have reached."""
    return min(run.nimg for run in runs), min(run.seconds for run in runs)


def newest(things: Sequence[Thing], fit: list[bool]) -> Thing | None:
    """The last of the things, oldest first, that fit."""
    return next((thing for thing, fits in zip(reversed(things), reversed(fit), strict=True) if fits), None)


def spot(at: Judgement | None) -> tuple[str, str]:
    """A judgement, and when it was made."""
    return (f"{at.value:.3g}", f"({kimg(at.nimg)} kimg, {clock(at.seconds)})") if at else ("-", "")


def kimg(nimg: int) -> str:
    """Images as thousands, to a tenth as in the names of the grids' files."""
    return f"{round(nimg / 1000, 1):g}"


def clock(seconds: float) -> str:
    """A time for a table."""
    return f"{seconds:.3g} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def warnings(runs: list[Run]) -> list[tuple[str, dict[str, str]]]:
    """What keeps these runs from being compared: (key, values)."""
    found: list[tuple[str, dict[str, str]]] = []
    if len({run.ground for run in runs}) > 1:
        found.append(("compare.other_data", {"data": ", ".join(dict.fromkeys(run.data for run in runs))}))
    machines = [[run.machine.get(key) for key in ("device", "cpu", "threads")] for run in runs if run.machine]
    if any(machine != machines[0] for machine in machines):
        found.append(("compare.other_machines", {}))
    if any(run.verdict for run in runs) and not comparable(runs):
        found.append(("compare.other_verdicts", {}))
    return found


def aligned(rows: list[list[str]]) -> str:
    """Rows of cells as lines with straight columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def render(runs: list[Run]) -> str:
    """The page's HTML."""
    return fill(
        "compare.html",
        runs=[(run.name, i % len(COLOURS), " ".join(map(str, dashes(i)))) for i, run in enumerate(runs)],
        warnings=warnings(runs),
        rows=rows_of(runs),
        differences=differences(runs),
        measures=", ".join(sorted({name for run in runs for name in run.measures})),
        judgements=judgement_figures(runs),
        duels=duel_figures(runs),
        without=", ".join(run.name for run in runs if not duels(run)),
        pictures=pictures(runs),
        top=TOP if len(runs) > FEW else None,
        smooth=SMOOTH,
    )


def rows_of(runs: list[Run]) -> list[tuple[Markup, list[str]]]:
    """The rows of the page's table, a column a run: (heading, cells)."""
    columns = [figures(run, comparable(runs)) for run in runs]
    rows = [(both(key), [column[i][1] for column in columns]) for i, (key, _) in enumerate(columns[0])]
    for key, limits, found in equal_blocks(runs):
        rows.append((both(key, **limits), [" ".join(spot(at)).strip() for at in found]))
    return rows


def differences(runs: list[Run]) -> list[tuple[Markup, list[str]]]:
    """The same for the keys in which the recipes differ."""
    recipes = [flat(run.recipe) for run in runs]
    code, dot = Markup("<code>{}</code>"), Markup(".<wbr>")
    keys = differing(runs)
    return [(code.format(dot.join(key.split("."))), [shown(recipe.get(key)) for recipe in recipes]) for key in keys]


def judgement_figures(runs: list[Run]) -> list[tuple[str, list[int], list[dict[str, Markup]]]]:
    """For each data set: its name, which runs are in its figures, and the figures over images and over time."""
    found = []
    grounds = [(run.ground, *run.measures) for run in runs]
    for ground in dict.fromkeys(ground for ground in grounds if len(ground) > 1):
        chosen = [i for i in range(len(runs)) if grounds[i] == ground]
        unit, name = (1, "compare.seconds") if max(runs[i].seconds for i in chosen) < LONG else (60, "compare.minutes")
        floors = sorted({at.floor for i in chosen for at in runs[i].judged})
        log = min(floors[0], *(at.value for i in chosen for at in runs[i].judged)) > 0
        images = [(i, [at.nimg / 1000 for at in runs[i].judged]) for i in chosen]
        times = [(i, [at.seconds / unit for at in runs[i].judged]) for i in chosen]
        drawn = []
        for axis, xs in (("report.kimg", images), (name, times)):
            curves = [curve(i, x, [at.value for at in runs[i].judged], dots=True) for i, x in xs]
            marks = [(floor, "compare.floor", NEUTRAL) for floor in floors]
            drawn.append(figure("compare.value", curves, marks, axis, log))
        found.append((runs[chosen[0]].data, chosen, drawn))
    return found


def duels(run: Run) -> bool:
    """Has the run a discriminator?"""
    return any("real_right" in line for line in run.lines)


def duel_figures(runs: list[Run]) -> tuple[list[int], list[dict[str, Markup]]]:
    """Which runs have a discriminator, and how often it was right on real and on generated images."""
    chosen = [i for i, run in enumerate(runs) if duels(run)]
    drawn = []
    for name, title in (("real_right", "report.real_right"), ("fake_right", "report.fake_right")):
        curves = []
        for i in chosen:
            lines = [line for line in runs[i].lines if name in line]
            size = -(-len(lines) // SMOOTH)
            parts = [lines[start : start + size] for start in range(0, len(lines), size)]
            x = [fmean(line["nimg"] / 1000 for line in part) for part in parts]
            curves.append(curve(i, x, [fmean(line[name]["mean"] for line in part) for part in parts]))
        drawn.append(figure(title, curves, [(0.5, "report.draw", NEUTRAL)]))
    return chosen, drawn if chosen else []


def curve(i: int, x: list[float], y: list[float], dots: bool = False) -> Curve:
    """A curve of run number `i`."""
    return Curve(x, y, COLOURS[i % len(COLOURS)], dashes=dashes(i), dots=dots)


def dashes(i: int) -> tuple[float, ...]:
    """The line style of run number `i`: no two of 36 runs have both the same colour and the same style."""
    return DASHES[(i + i // len(COLOURS)) % len(DASHES)]


def figure(
    title: str, curves: list[Curve], marks: list[tuple[float, str, str]], x: str = "report.kimg", log: bool = False
) -> dict[str, Markup]:
    """A figure in each language, its colours left to the page."""
    drawn = {lang: draw(lang, title, curves, marks, x, log) for lang in LANGUAGES}
    for i, colour in enumerate(COLOURS):
        drawn = {lang: svg.replace(colour, f"var(--run-{i})") for lang, svg in drawn.items()}
    return drawn


def pictures(runs: list[Run]) -> list[tuple[Markup, list[tuple[str, str | None]]]]:
    """Sample grids at equal images, at equal seconds and at the end: (heading, for each run its kimg and picture)."""
    nimg, seconds = reached(runs)
    rows, found = TOP if len(runs) > FEW else 10, []
    for title, grids in (
        (both("compare.pictures_images", kimg=kimg(nimg)), [grid_at(run, nimg + run.slack) for run in runs]),
        (both("compare.pictures_time", time=clock(seconds)), [grid_at(run, images_at(run, seconds)) for run in runs]),
        (both("compare.pictures_end"), [newest(run.grids, [True] * len(run.grids)) for run in runs]),
    ):
        each = zip(runs, grids, strict=True)
        found.append((title, [snapshot(grid, 10 if run.recipe.points else rows) for run, grid in each]))
    return found


def images_at(run: Run, seconds: float) -> int:
    """The images that a run had certainly seen after `seconds`."""
    return max((line["nimg"] for line in run.lines if line["time"]["seconds"] <= seconds), default=0)


def grid_at(run: Run, nimg: int) -> tuple[float, Path] | None:
    """The newest grid at or before `nimg`; as in their files' names, both are rounded to a tenth of a kimg."""
    return newest(run.grids, [round(10 * at) <= round(10 * (nimg / 1000)) for at, _ in run.grids])


def snapshot(grid: tuple[float, Path] | None, rows: int) -> tuple[str, str | None]:
    """A grid's time, and its first rows as a data: address; no picture if there is none, or it cannot be read."""
    if grid is None:
        return "-", None
    try:
        return f"{grid[0]:g}", picture(top_rows(grid[1], rows, widest=WIDEST))
    except OSError:
        return f"{grid[0]:g}", None

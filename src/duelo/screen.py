"""The live screen of a training run: rich on a terminal, plain lines elsewhere. All of it goes to stderr."""

from __future__ import annotations

import sys
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from duelo.diagnosis import Finding
from duelo.folder import RunFolder
from duelo.words import UserError, as_written, say

if TYPE_CHECKING:
    from collections.abc import Generator

    from duelo.recipes import Recipe
    from duelo.run import Moment

Result = TypeVar("Result")

BARS = "▁▂▃▄▅▆▇█"
HISTORY = 40  # how many intervals the sparklines show, where the terminal is wide enough
OTHERS = 62  # columns that the rest of the panel takes
VAE_ROWS = (("loss", "screen.loss"), ("reconstruction", "screen.reconstruction"), ("divergence", "screen.divergence"))
PLAIN_SECONDS = 10.0  # without a terminal, at most one line in this time


def duration(seconds: float) -> str:
    """Seconds as a person says them: "45 s", "3 min 05 s", "2 h 10 min"."""
    minutes, s = divmod(round(seconds), 60)
    if minutes == 0:
        return say("unit.s", s=s)
    hours, m = divmod(minutes, 60)
    return say("unit.min", m=m, s=s) if hours == 0 else say("unit.h", h=hours, m=m)


def sparkline(values: list[float], low: float, high: float) -> str:
    """Values as a row of little bars between `low` and `high`."""
    span = (high - low) or 1.0
    return "".join(BARS[min(7, max(0, int(8 * (value - low) / span)))] for value in values)


def watched(work: Generator[Moment, None, Result]) -> Result:
    """The end of some work on data, its progress shown meanwhile on stderr."""
    from duelo.data import end_of  # which loads torch, as a list of runs does not

    with screen(Path(), "") as view:
        return end_of(work, lambda moment: view.show(moment) if moment.kind == "packing" else None)


def packing_line(moment: Moment) -> str:
    """How far the reading of images is."""
    assert moment.progress is not None
    what = say(f"train.packing_{moment.progress.stage}")
    return say("train.packing", what=what, done=moment.progress.done, total=moment.progress.total)


def announce(moment: Moment, folder: Path, command: str) -> None:
    """Say what happened, if it deserves a line. `command`: what the user typed, to be typed again."""
    at, kimg = moment.nimg / 1000, moment.recipe.kimg
    lines = {
        "start": lambda: say("train.start", path=folder, kimg=kimg, data=moment.recipe.data),
        "resume": lambda: say("train.resume", path=folder, at=at, kimg=kimg),
        "spoiled": lambda: say("train.spoiled", path=moment.path),
        "interrupted": lambda: say("train.interrupted", at=at, command=command),
        "finished": lambda: say("train.finished", kimg=kimg),
        "rescued": lambda: say("train.rescued", name=moment.what, at=at),
        "stopped": lambda: say("train.stopped", at=at),
        "end": lambda: say("train.end", kimg=at, time=duration(RunFolder(folder).training_seconds())),
    }
    if moment.pack is not None:
        from duelo import inspection

        facts = inspection.of_pack(moment.pack)
        notes = [say("inspect.warning", text=text) for text in inspection.warnings(facts)]
        print("\n".join([*inspection.short(facts), *notes]), file=sys.stderr, flush=True)
    if moment.kind in lines:
        print(lines[moment.kind](), file=sys.stderr, flush=True)
    if moment.best is not None and moment.best[1] < moment.nimg:
        print(say("train.best", at=moment.best[1] / 1000), file=sys.stderr, flush=True)


def findings(stats: dict[str, Any]) -> list[Finding]:
    """What the diagnosis says in a line of the statistics."""
    return [Finding(**finding) for finding in stats.get("findings", [])]


def point_out(moment: Moment, said: set[str]) -> None:
    """Say what the diagnosis found, and what to try, the first time that it finds it. said: the names so far."""
    for finding in findings(moment.stats or {}):
        if finding.name not in said:
            said.add(finding.name)
            print(f"  ! {finding.title()}: {finding.sentence()} {finding.remedy()}", file=sys.stderr, flush=True)


class PlainScreen:
    """Plain lines, few of them: for logs, pipes and CI."""

    def __init__(self, folder: Path, command: str) -> None:
        self.folder, self.command, self.last = folder, command, 0.0
        self.said: set[str] = set()

    def __enter__(self) -> PlainScreen:
        return self

    def __exit__(self, *details: object) -> None:
        return

    def show(self, moment: Moment) -> None:
        """Print a line for this interval, unless one was printed a moment ago."""
        announce(moment, self.folder, self.command)
        point_out(moment, self.said)
        now = time.monotonic()
        if moment.kind == "packing" and self.last == 0:  # nothing need be said of what is over at once
            self.last = now
        if (moment.stats is None and moment.progress is None) or now - self.last < PLAIN_SECONDS:
            return
        self.last = now
        if moment.stats is None:
            print(packing_line(moment), file=sys.stderr, flush=True)
            return
        kimg, at = moment.recipe.kimg, moment.nimg / 1000
        speed = max(moment.stats["time"]["images_per_second"], 0.1)
        eta = duration(max(0.0, kimg - at) * 1000 / speed)
        means = {name: value["mean"] for name, value in moment.stats.items() if isinstance(value, dict) and "mean" in value}
        kind = "screen.line_vae" if moment.recipe.rival else "screen.line"
        print(say(kind, at=at, kimg=kimg, speed=speed, eta=eta, **means), file=sys.stderr, flush=True)


class LiveScreen:
    """A panel that stays in place: progress, speed, both losses, and how often D is right, with its 50 % line."""

    def __init__(self, folder: Path, command: str) -> None:
        from rich.console import Console
        from rich.live import Live

        self.folder, self.command = folder, command
        self.history: deque[dict[str, Any]] = deque(maxlen=HISTORY)
        self.said: set[str] = set()
        console = Console(stderr=True)
        self.width = max(8, min(HISTORY, console.width - OTHERS))
        self.live = Live(console=console, auto_refresh=False, transient=False)

    def __enter__(self) -> LiveScreen:
        self.live.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self.live.__exit__(None, None, None)

    def show(self, moment: Moment) -> None:
        """Redraw the panel with this interval's statistics."""
        if moment.kind == "data":
            self.live.update("", refresh=True)
        announce(moment, self.folder, self.command)
        point_out(moment, self.said)
        if moment.progress is not None:
            self.live.update(self.packing(moment), refresh=True)
        if moment.stats is None:
            return
        self.history.append(moment.stats)
        self.live.update(self.panel(moment), refresh=True)

    def packing(self, moment: Moment) -> Any:
        """A bar for the reading of images."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        assert moment.progress is not None
        table = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=max(1, moment.progress.total), completed=moment.progress.done, width=self.width)
        table.add_row(packing_line(moment), bar)
        return table

    def panel(self, moment: Moment) -> Any:
        """The panel for the latest of `history`."""
        from rich.panel import Panel
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        kimg, at, now = moment.recipe.kimg, moment.nimg / 1000, self.history[-1]
        speed = max(now["time"]["images_per_second"], 0.1)
        table = Table.grid(padding=(0, 2))
        table.add_row(
            say("screen.progress"),
            f"{at:g} / {kimg:g} kimg",
            ProgressBar(total=kimg, completed=min(at, kimg), width=self.width),
            say("screen.eta", time=duration(max(0.0, kimg - at) * 1000 / speed)),
        )
        if moment.recipe.rival:
            for key, name in VAE_ROWS:
                values = [line[key]["mean"] for line in self.history]
                table.add_row(say(name), f"{values[-1]:.1f}", self.line(key, min(values), max(values)), "")
        else:
            self.duel(table, now, moment.recipe)
        looked = next((line for line in reversed(self.history) if "findings" in line), None)
        if looked is not None:
            titles = ", ".join(finding.title() for finding in findings(looked)) or say("screen.nothing_found")
            table.add_row(say("screen.referee"), "", titles, "")
        title = say("screen.title", data=moment.recipe.data, speed=speed)
        return Panel(table, title=title, title_align="left", expand=False)

    def duel(self, table: Any, now: dict[str, Any], recipe: Recipe) -> None:
        """The rows of the duel: how often the discriminator is right, and both losses beside their values at the draw."""
        from duelo.objectives import rules_of

        rules = rules_of(recipe.objective.loss, recipe.objective.smoothing)
        for key, name in (("real_right", "screen.real"), ("fake_right", "screen.fake")):
            value = now[key]["mean"]
            table.add_row(say(name), as_written(value, ".0%"), self.line(key, 0.0, 1.0), accuracy_bar(value))
        for key, name, draw in (
            ("discriminator_loss", "screen.loss_d", rules.discriminator_equilibrium),
            ("generator_loss", "screen.loss_g", rules.generator_equilibrium),
        ):
            values = [line[key]["mean"] for line in self.history]
            table.add_row(
                say(name),
                f"{values[-1]:.3f}",
                self.line(key, min(values), max(values)),
                "" if draw is None else say("screen.balance", value=draw),
            )

    def line(self, key: str, low: float, high: float) -> str:
        """The latest history of one statistic as a sparkline."""
        return sparkline([line[key]["mean"] for line in self.history][-self.width :], low, high)


def accuracy_bar(share: float, width: int = 12) -> str:
    """A bar of `width` with a mark in its middle: the 50 % line."""
    filled = round(share * width)
    bar = "".join("█" if i < filled else "·" for i in range(width))
    return f"{bar[: width // 2]}│{bar[width // 2 :]} {say('screen.even')}"


def screen(folder: Path, command: str) -> PlainScreen | LiveScreen:
    """The screen that fits where stderr goes."""
    return (LiveScreen if sys.stderr.isatty() else PlainScreen)(folder, command)


def print_runs(place: Path, runs: list[RunFolder]) -> None:
    """A table of runs on stdout."""
    if not runs:
        print(say("runs.none", path=place))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(*say("runs.columns").split("|"), box=None, pad_edge=False)
    for run in runs:
        try:
            recipe, at = run.recipe(), run.images_seen() / 1000
        except UserError as error:  # one spoiled run must not hide the others
            table.add_row(escape(str(run.path)), "?", "?", "?", escape(str(error)), "?")
            continue
        state = say("runs.done") if run.finished() else say("runs.open", share=at / recipe.kimg)
        table.add_row(
            escape(str(run.path)),
            recipe.data,
            recipe.networks.pair,
            f"{at:g} / {recipe.kimg:g}",
            state,
            duration(run.training_seconds()),
        )
    Console(soft_wrap=True).print(table)

"""What the page shows of runs, read from their folders as it stands there. No torch here, and nothing is written."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from duelo.diagnosis import Finding
from duelo.folder import RunFolder, line_of
from duelo.lab.trainings import Trainings, complaint_of, log_tail
from duelo.recipes import Recipe, flat
from duelo.words import UserError, language

TAIL = 64 * 1024  # bytes at the end of stats.jsonl in which the last line stands
POINTS = 3000  # of a curve, at most: more than any screen has pixels
DUEL = ("real_right", "fake_right", "discriminator_loss", "generator_loss", "real_logit", "fake_logit")
VAE = ("loss", "reconstruction", "divergence")


def summary(trainings: Trainings, run: RunFolder) -> dict[str, Any]:
    """A run in a few words, for a list of many: cheap, since it is asked for again and again."""
    state = trainings.state(run)
    told: dict[str, Any] = {"name": run.path.name, "state": state, "stopping": trainings.stopping(run)}
    if state == "failed":
        told["why"] = complaint_of(run)
    try:
        recipe = run.recipe()
    except UserError as error:
        return told | ({"why": str(error)} if run.exists() else {})
    line = last_line(run)
    grids = run.samples()
    return told | {
        "data": recipe.data if recipe.images is None else Path(recipe.data).name,
        "own": recipe.images is not None,
        "points": recipe.points,
        "pair": recipe.networks.pair,
        "objective": recipe.objective.loss,
        "seed": recipe.seed,
        "nimg": max(line.get("nimg", 0), run.images_seen()),
        "length": run.end().get("nimg", recipe.length),
        "past_its_best": run.end().get("why") == "past_its_best",
        "seconds": line.get("time", {}).get("seconds", 0.0),
        "images_per_second": line.get("time", {}).get("images_per_second"),
        "right": {name: line[name]["mean"] for name in ("real_right", "fake_right") if name in line},
        "findings": titles(line),
        "grid": grids[-1][0] if grids else None,
        "verdict": run.verdict().get("sentences", {}).get(language(), []),
        "report": run.report_file.is_file(),
        "checkpoint": bool(run.checkpoints()) or run.best_file.is_file(),
    }


def details(trainings: Trainings, run: RunFolder) -> dict[str, Any]:
    """All that the page of one run shows at first."""
    told = summary(trainings, run) | {"log": log_tail(run)}
    if not run.exists():
        return told
    try:
        recipe = run.recipe()
    except UserError:
        return told
    lines = run.stats()
    return told | {
        "recipe": {key: shown(value) for key, value in flat(recipe).items() if value is not None},
        "machine": run.machine(),
        "parts": run.data().get("parts", {}),
        "rescues": run.rescues(),
        "grids": [kimg for kimg, _ in run.samples()],
        "data_picture": run.data_picture.is_file(),
        "curves": curves(lines, recipe),
        "judged": judged(lines),
        "looked": looked(lines),
    }


def shown(value: object) -> object:
    """A recipe's value as JSON has it."""
    return list(value) if isinstance(value, tuple) else value


def curves(lines: Sequence[dict[str, Any]], recipe: Recipe) -> dict[str, list[float | None]]:
    """Columns of the statistics as they stand in stats.jsonl; of very many lines, every few and the last."""
    every = -(-len(lines) // POINTS) or 1
    chosen = [line for i, line in enumerate(lines) if i % every == 0 or i == len(lines) - 1]
    names = VAE if recipe.rival else DUEL
    columns: dict[str, list[float | None]] = {"kimg": [line["nimg"] / 1000 for line in chosen]}
    columns |= {name: [line.get(name, {}).get("mean") for line in chosen] for name in names}
    return columns | {"images_per_second": [line.get("time", {}).get("images_per_second") for line in chosen]}


def judged(lines: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """The judgements: when, what generated images got, and what real ones get."""
    found = [line for line in lines if "judgement" in line]
    columns = {"kimg": [line["nimg"] / 1000 for line in found]}
    return columns | {name: [line["judgement"][name] for line in found] for name in ("value", "floor", "n")}


def looked(lines: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """What the referee saw: how often the discriminator was right on images that nobody trains on."""
    found = [line for line in lines if "duel" in line]
    columns: dict[str, list[float]] = {"kimg": [line["nimg"] / 1000 for line in found]}
    names = ("train_right", "referee_right", "fake_right", "variety")
    return columns | {name: [line["duel"].get(name) for line in found] for name in names}


def titles(line: dict[str, Any]) -> list[str]:
    """What the diagnosis had found by a line of the statistics, a few words each."""
    return [Finding(**finding).title() for finding in line.get("findings", [])]


def last_line(run: RunFolder) -> dict[str, Any]:
    """The last whole line of the statistics, and what the diagnosis last found; empty if there is none."""
    try:
        with run.stats_file.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
            texts = file.read().split(b"\n")[:-1]  # the first may be the end of a line, and is then passed over
    except OSError:
        return {}
    lines = (line for line in map(line_of, reversed(texts)) if line is not None)  # no more of them than are needed
    last = next(lines, None)
    if last is None:
        return {}
    return last | {"findings": next((line["findings"] for line in chain([last], lines) if "findings" in line), [])}


@dataclass
class Follower:
    """Follows one run for one listener: what is new since it last looked."""

    trainings: Trainings
    run: RunFolder
    _place: tuple[int, int] = (0, 0)  # of stats.jsonl: which file, and how many bytes of it were told
    _told: dict[str, Any] = field(default_factory=dict)

    def look(self) -> list[tuple[str, Any]]:
        """Events since the last look, as (name, values): "state" (a summary), "lines", "grids", "log"."""
        events: list[tuple[str, Any]] = []
        if self.run.exists():
            with_lines = self._lines()
            events += [("lines", with_lines)] if with_lines else []
        news: dict[str, Callable[[], Any]] = {
            "state": lambda: summary(self.trainings, self.run),
            "grids": lambda: [kimg for kimg, _ in self.run.samples()],
            "log": lambda: log_tail(self.run),
        }
        for name, ask in news.items():
            now = ask()
            if self._told.get(name) != now:
                self._told[name] = now
                events.append((name, now))
        return events

    def _lines(self) -> dict[str, Any] | None:
        """New lines as columns; `anew` if they replace all that was told, as when a run went back."""
        try:
            with self.run.stats_file.open("rb") as file:
                facts = os.fstat(file.fileno())
                anew = self._place[0] != facts.st_ino or facts.st_size < self._place[1]
                start = 0 if anew else self._place[1]
                if facts.st_size == start and not anew:
                    return None
                file.seek(start)
                content = file.read()
        except OSError:
            return None
        whole = content[: content.rfind(b"\n") + 1]
        self._place = (facts.st_ino, start + len(whole))
        lines = [line for line in map(line_of, whole.splitlines()) if line is not None]
        if not lines and not anew:
            return None
        recipe = self.run.recipe()
        return {"anew": anew, "curves": curves(lines, recipe), "judged": judged(lines), "looked": looked(lines)}


@dataclass
class Memory:
    """Remembers what is dear to find out and depends on a file alone."""

    most: int = 64
    _kept: dict[Any, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, file: Path, key: Any, find: Callable[[], Any]) -> Any:
        """What `find` finds, as long as `file` stays the same."""
        try:
            facts = file.stat()
            stamp = (str(file), facts.st_ino, facts.st_mtime_ns, facts.st_size, key)
        except OSError:
            return find()
        if stamp not in self._kept:
            found = find()
            with self._lock:
                while len(self._kept) >= self.most:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[stamp] = found
        return self._kept[stamp]

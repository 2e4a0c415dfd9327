"""A run's folder: where everything is, and reading it without starting anything (no torch)."""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duelo import recipes
from duelo.recipes import Recipe
from duelo.words import UserError


@dataclass(frozen=True)
class RunFolder:
    """The files of one run.

    recipe.toml (as resolved), machine.json, stats.jsonl (a line for each interval), samples/<kimg>.png,
    checkpoints/<images>.safetensors and best.safetensors (the best point), data.json (how the data were cut into parts),
    data.png (some training images), rescues.json (how often it fell apart), end.json (if it ended early), verdict.json and
    verdict/<name>.png (what was measured), report.html, train.log (what a training that the lab started said). While a
    process trains here, it holds .lock, and .pid says which one it is.
    """

    path: Path

    @property
    def recipe_file(self) -> Path:
        return self.path / "recipe.toml"

    @property
    def stats_file(self) -> Path:
        return self.path / "stats.jsonl"

    @property
    def machine_file(self) -> Path:
        return self.path / "machine.json"

    @property
    def report_file(self) -> Path:
        return self.path / "report.html"

    @property
    def data_file(self) -> Path:
        return self.path / "data.json"

    @property
    def data_picture(self) -> Path:
        return self.path / "data.png"

    @property
    def rescues_file(self) -> Path:
        return self.path / "rescues.json"

    @property
    def end_file(self) -> Path:
        return self.path / "end.json"

    @property
    def lock_file(self) -> Path:
        return self.path / ".lock"

    @property
    def holder_file(self) -> Path:
        return self.path / ".pid"

    @property
    def log_file(self) -> Path:
        return self.path / "train.log"

    @property
    def verdict_file(self) -> Path:
        return self.path / "verdict.json"

    def verdict_picture(self, name: str) -> Path:
        """Where a picture of the verdict belongs: `worst`, `best`, `nearest`, `interpolation` or `discriminators`."""
        return self.path / "verdict" / f"{name}.png"

    def verdict(self) -> dict[str, Any]:
        """What `duelo measure` found; empty if the run was not measured, or the file is spoiled."""
        found = _values(self.verdict_file)
        return found if {"fingerprint", "sentences"} <= found.keys() else {}

    @property
    def best_file(self) -> Path:
        return self.checkpoints_folder / "best.safetensors"

    @property
    def samples_folder(self) -> Path:
        return self.path / "samples"

    @property
    def checkpoints_folder(self) -> Path:
        return self.path / "checkpoints"

    def exists(self) -> bool:
        """Is there a run here?"""
        try:
            return self.recipe_file.is_file()
        except OSError:  # such as a name that is too long, or a folder that may not be looked into
            return False

    def recipe(self) -> Recipe:
        """The run's recipe. Raises UserError if there is no run here or its recipe is spoiled."""
        if not self.exists():
            raise UserError("run.none", path=self.path)
        return recipes.read(self.recipe_file)

    def stats(self) -> list[dict[str, Any]]:
        """The lines of stats.jsonl in order; a line that a kill cut short is left out."""
        if not self.stats_file.is_file():
            return []
        texts = self.stats_file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        lines = (line_of(text) for text in texts if text.endswith("\n"))
        return [line for line in lines if line is not None]

    def training_seconds(self) -> float:
        """How long the run has trained, in seconds, as far as its statistics reach."""
        lines = self.stats()
        return float(lines[-1]["time"]["seconds"]) if lines else 0.0

    def machine(self) -> dict[str, Any]:
        """What the run was last trained on; empty if unknown."""
        return _values(self.machine_file)

    def data(self) -> dict[str, Any]:
        """The data's parts, classes and shape; empty if unknown."""
        return _values(self.data_file)

    def samples(self) -> list[tuple[float, Path]]:
        """The sample grids as (kimg, file), oldest first."""
        files = [file for file in self.samples_folder.glob("*.png") if re.fullmatch(r"\d{6}(\.\d)?", file.stem)]
        return sorted((float(file.stem), file) for file in files)

    def sample_file(self, kimg: float) -> Path:
        """Where the grid at `kimg` belongs: samples/000250.png, or samples/000000.5.png between whole numbers."""
        whole, tenth = divmod(round(10 * kimg), 10)
        return self.samples_folder / (f"{whole:06d}.{tenth}.png" if tenth else f"{whole:06d}.png")

    def checkpoints(self) -> list[Path]:
        """The checkpoint files, newest first."""
        return sorted(self.checkpoints_folder.glob("[0-9]" * 12 + ".safetensors"), reverse=True)

    def checkpoint_file(self, nimg: int) -> Path:
        """Where the checkpoint at `nimg` images belongs."""
        return self.checkpoints_folder / f"{nimg:012d}.safetensors"

    def images_seen(self) -> int:
        """The time of the newest checkpoint, in images."""
        newest = self.checkpoints()[:1]
        return int(newest[0].stem) if newest else 0

    def rescues(self) -> list[dict[str, Any]]:
        """Each time that the run fell apart: `nimg`, when; `name`, what was no longer finite; `back_to`, in images."""
        return list(_values(self.rescues_file).get("rescues", []))

    def end(self) -> dict[str, Any]:
        """`nimg` and `why`, if the run ended before its length."""
        return _values(self.end_file)

    def finished(self) -> bool:
        """Has the run reached its end?"""
        return self.exists() and self.images_seen() >= min(self.recipe().length, self.end().get("nimg", math.inf))


def _values(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def default_out(data: str, recipe: str | None, options: dict[str, Any]) -> Path:
    """runs/ and a name made of what was asked for, in any order, so that the same command finds its run again."""
    parts = [data if data in recipes.DATA else Path(os.path.abspath(data)).name or "images"]
    if recipe is not None:
        parts.append(Path(recipe).stem)
    for key, value in sorted(options.items()):
        key = key.removeprefix("images.")
        parts.append(f"{key}{value:g}" if isinstance(value, float) else f"{key}{value}")
    return Path("runs") / "-".join(part.replace("/", "_") for part in parts)


def line_of(text: str | bytes) -> dict[str, Any] | None:
    """A line of stats.jsonl; None if it is none."""
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and "nimg" in line else None


def find_runs(folder: Path) -> list[RunFolder]:
    """The runs in `folder` (itself, or its direct children), by name. Raises UserError if it cannot be read."""
    try:
        candidates = [folder, *sorted(folder.iterdir())] if folder.is_dir() else []
    except OSError as error:
        raise UserError("folder.unreadable", path=folder, why=error.strerror) from error
    return [RunFolder(path) for path in candidates if RunFolder(path).exists()]

"""Trainings that outlive the lab: begun as processes of their own, found again by their folders, stopped by a signal.

Nothing about them is kept here that another server could not find out from the run folder: who trains in it stands in .pid,
held by its lock; what it had to say is in train.log.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from duelo import recipes
from duelo.folder import RunFolder, default_out
from duelo.guard import holder
from duelo.lab.doors import Refused
from duelo.presets import PRESETS
from duelo.recipes import Recipe
from duelo.words import LANGUAGES, UserError, language, say

MOST = 3  # trainings at a time: more would only slow each other down
TAIL = 8192  # bytes at the end of a log that are looked at
LINES = 12  # of a log that are shown
STARTING_SECONDS = 60.0  # a folder without a recipe whose log is younger belongs to a training that is just beginning
NAME = re.compile(r"\w[\w .,+=@-]{0,99}")
FORBIDDEN = ("networks.generator", "networks.discriminator", "networks.sources")  # they would run files that a client names
ELSEWHERE = ("data", "kimg", "minutes")  # keys that have a place of their own in a request

State = Literal["starting", "running", "finished", "interrupted", "failed"]


@dataclass
class Trainings:
    """The trainings in the folder `root`. allowed: folders in which data may lie."""

    root: Path
    allowed: Sequence[Path]
    closed: bool = False  # the server is to end, and its streams with it
    _ours: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)  # only to bury them, and to know their beginning
    _stopping: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def folders(self) -> list[RunFolder]:
        """What there is of runs, those that are just beginning included, by name."""
        try:
            places = sorted(self.root.iterdir()) if self.root.is_dir() else []
        except OSError as error:
            raise UserError("folder.unreadable", path=self.root, why=error.strerror) from error
        return [RunFolder(path) for path in places if self._is_run(path)]

    def close(self) -> None:
        """Whoever follows a run is to stop; the trainings go on."""
        self.closed = True

    def find(self, name: str) -> RunFolder:
        """The run of this name: a direct child of the root that does not lead out of it. Raises Refused."""
        if not any(run.path.name == name for run in self.folders()):
            raise Refused(404, "lab.runs.unknown", name=name[:100])
        return RunFolder(self.root / name)

    def _is_run(self, path: Path) -> bool:
        try:
            inside = speakable(path.name) and path.is_dir() and path.resolve().parent == self.root.resolve()
        except OSError:
            return False
        run = RunFolder(path)
        return inside and (run.exists() or run.log_file.is_file() or run.holder_file.is_file())

    def state(self, run: RunFolder) -> State:
        """How a run stands."""
        name = run.path.name
        began = self._ours.get(name)
        if holder(run) is not None:
            return "running" if run.exists() else "starting"
        if run.exists() and run.finished():
            return "finished"
        if self._begun(name):
            return "starting"
        complaint = complaint_of(run)
        if complaint is None and not run.exists() and _age(run.log_file) < STARTING_SECONDS and began is None:
            return "starting"
        return "failed" if complaint is not None or not run.exists() else "interrupted"

    def stopping(self, run: RunFolder) -> bool:
        """Was it told to stop, and has not yet?"""
        return self._stopping.get(run.path.name) == (holder(run) or -1)

    def start(self, wanted: dict[str, Any], name: str | None) -> str:
        """Begin the training that `wanted` describes (data, recipe, kimg or minutes, overrides): the run's name.

        Raises UserError, also where the recipe is wrong, which is asked before anything starts.
        """
        arguments, recipe, usual = self._arguments(wanted)
        name = usual if name is None else name
        if not NAME.fullmatch(name) or name != name.strip(" ."):
            raise Refused(400, "lab.runs.bad_name", name=name[:100])
        run = RunFolder(self.root / name)
        with self._lock:
            if run.exists() or holder(run) is not None or self._begun(name):
                raise Refused(409, "lab.runs.taken", name=name)
            self._launch(run, [recipe.data, *arguments])
        return name

    def resume(self, run: RunFolder) -> None:
        """Go on with a run that was interrupted, by its own recipe. Raises UserError."""
        recipe = run.recipe()
        if recipe.images is not None:
            self.inside(recipe.data)
        arguments = [recipe.data, "--recipe", str(run.recipe_file)]
        if recipe.minutes is not None:
            arguments += ["--minutes", repr(recipe.minutes)]
        if recipe.images is not None and recipe.images.heldout is not None:
            arguments += ["--heldout", recipe.images.heldout]
        with self._lock:
            if run.finished():  # though its process may still be at the report
                raise Refused(409, "lab.runs.is_finished", name=run.path.name)
            if holder(run) is not None or self._begun(run.path.name):
                raise Refused(409, "lab.runs.trains", name=run.path.name)
            self._launch(run, arguments)

    def stop(self, run: RunFolder) -> None:
        """Tell the process that trains in this folder to save and stop. Raises Refused if there is none."""
        with self._lock:
            pid, name = holder(run), run.path.name
            if pid is None and self._begun(name) and not run.finished():
                self._ours[name].terminate()  # it has not even opened its folder
                return
            if pid is None:
                raise Refused(409, "lab.runs.rests", name=name)
            if self._stopping.get(name) == pid:  # a second signal would end it before it has saved
                return
            self._stopping[name] = pid
            os.kill(pid, signal.SIGTERM)

    def inside(self, path: str) -> Path:
        """The place that a client names, if it lies in an allowed folder. Raises Refused."""
        try:
            place = Path(path).expanduser().resolve()
        except (OSError, ValueError, RuntimeError):  # a zero byte, a loop of links
            raise Refused(403, "lab.runs.outside", path=path[:200]) from None
        if not any(place.is_relative_to(root.resolve()) for root in self.allowed):
            raise Refused(403, "lab.runs.outside", path=path[:200])
        return place

    def _begun(self, name: str) -> bool:
        began = self._ours.get(name)
        return began is not None and began.poll() is None

    def _arguments(self, wanted: dict[str, Any]) -> tuple[list[str], Recipe, str]:
        """The command's options, the recipe that they mean, and the run's usual name."""
        data, preset = str(wanted["data"]), wanted.get("recipe")
        if data not in recipes.DATA:
            place = self.inside(data)
            data = str(place) if os.path.lexists(place) else data  # what is not there gets the sentence for mistyped names
        if preset is not None and preset not in PRESETS:
            raise Refused(400, "lab.runs.no_recipe", name=str(preset)[:100])
        given = {key.replace("-", "_"): value for key, value in wanted.get("overrides", {}).items()}
        for key in given:
            if key in FORBIDDEN:
                raise Refused(403, "lab.runs.own_networks", name=key)
            if key in ELSEWHERE or not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)?", key):
                raise Refused(400, "lab.runs.bad_key", name=key[:100])
        if "images.heldout" in given:
            given["images.heldout"] = str(self.inside(str(given["images.heldout"])))
        lengths = {key: float(wanted[key]) for key in ("kimg", "minutes") if wanted.get(key) is not None}
        recipe = recipes.resolve(data, preset, {**given, **lengths})
        options = ["--recipe", preset] if preset is not None else []
        options += [f"--{key}={value}" for key, value in {**given, **lengths}.items()]
        return options, recipe, default_out(data, preset, {**given, **lengths}).name

    def _launch(self, run: RunFolder, arguments: list[str]) -> None:
        """Begin a process that no longer has anything to do with this one: its own session, its words to the log."""
        busy = sum(holder(other) is not None or self._begun(other.path.name) for other in self.folders())
        if busy >= MOST:
            raise Refused(409, "lab.runs.too_many", n=busy)
        command = ["train", *arguments, "--out", str(run.path)]
        try:
            run.path.mkdir(parents=True, exist_ok=True)
            with run.log_file.open("ab") as log:
                log.write(f"$ {shlex.join(['duelo', *command])}\n".encode())
                log.flush()
                self._ours[run.path.name] = subprocess.Popen(
                    [sys.executable, "-m", "duelo", *command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, "DUELO_LANG": language()},
                    start_new_session=True,
                )
        except OSError as error:
            raise UserError("write.folder", path=run.path, why=error.strerror) from error


def log_tail(run: RunFolder) -> list[str]:
    """The last lines of a run's log, since it was last begun; none if the lab did not begin it."""
    try:
        with run.log_file.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    begun = max((i for i, line in enumerate(lines) if line.startswith("$ duelo train")), default=-1)
    return [line for line in lines[begun + 1 :] if line.strip()][-LINES:]


def complaint_of(run: RunFolder) -> str | None:
    """Why a training ended by itself, as its log says; None if it does not."""
    lines = log_tail(run)
    prefixes = tuple(say("error", lang, text="") for lang in LANGUAGES)
    interrupted = {say("error", lang, text=say("cli.interrupted", lang)) for lang in LANGUAGES}
    if lines and lines[-1].startswith(prefixes) and lines[-1] not in interrupted:
        return lines[-1].removeprefix(prefixes[0])
    return lines[-1] if any(line.startswith("Traceback") for line in lines) else None


def _age(file: Path) -> float:
    """Seconds since a file was written; endless if there is none."""
    try:
        return time.time() - file.stat().st_mtime
    except OSError:
        return float("inf")


def speakable(name: str) -> bool:
    """Can this name of a file be told to a page? Bytes that are no UTF-8 cannot."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)

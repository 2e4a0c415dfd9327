"""How much slower a game is played in the lab than without it, and how many pictures a second the lab shows.

    python bench/lab.py               # about 11 minutes

The same game is played by the library alone, in a process of its own, and by `duelo lab` with one page: a real browser that
draws all there is to see on the same cores (what a person has), or requests alone (what the lab itself costs). Both are
there all the time and play in turn, SECONDS at a time: without, with, without, with... so that other work on the machine
hits both. What counts is what all the turns together come to; the processor's time for an image is compared as well. Each
finished cell goes to bench/results/lab.jsonl.
"""

from __future__ import annotations

import http.client
import itertools
import json
import multiprocessing
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from cells import Cell, study
from playwright.sync_api import sync_playwright

from duelo import data
from duelo.build import build, schedule
from duelo.lab.settings import Settings, changed, defaults, recipe_of
from duelo.machine import processor

TURNS, SECONDS, WARM = 8, 5.0, 5.0
GAMES: dict[str, dict[str, Any]] = {
    "ring": {"data": "ring"},
    "islands": {"data": "ring", "pair": "islands", "latent": 12},
    "digits": {"data": "digits", "width": 16},
}


def alone(settings: Settings, pipe: Connection) -> None:
    """The game without the lab, in a process of its own: it plays as many seconds as it is told, and tells the images and
    the processor's seconds."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if settings.points:
        torch.set_num_threads(1)  # as the lab does
    recipe = recipe_of(settings)
    game, dataset = build(recipe), data.load(recipe.data)
    rounds = game.rounds(dataset.train, 0, schedule(recipe), dataset.referee, recipe.balance.look_kimg)
    while seconds := pipe.recv():
        start, busy, nimg = time.perf_counter(), time.process_time(), game.nimg
        while time.perf_counter() - start < seconds:
            next(rounds)
        pipe.send(((game.nimg - nimg) / (time.perf_counter() - start), game.nimg - nimg, time.process_time() - busy))


def busy(server: int) -> float:
    """The processor's seconds that the live game's process has had: the child of the server that had the most."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    times = [Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[11:13] for child in children]
    return max(sum(map(int, pair)) for pair in times) / os.sysconf("SC_CLK_TCK")


DRAWN = """window.drawn = 0; new MutationObserver((seen) => (window.drawn += seen.length))
.observe(document, { subtree: true, attributes: true, attributeFilter: ["data-frame"] });"""


class Browser:
    """A real browser that has the lab open; it draws on the same cores."""

    def __init__(self, port: int) -> None:
        self.playwright = sync_playwright().start()
        place = shutil.which("chromium") or self.playwright.chromium.executable_path
        self.browser = self.playwright.chromium.launch(executable_path=place, args=["--no-sandbox", "--disable-gpu"])
        self.page = self.browser.new_page(viewport={"width": 1280, "height": 900})
        self.page.add_init_script(DRAWN)
        self.page.goto(f"http://127.0.0.1:{port}/#watch")
        self.page.wait_for_selector("[data-frame]")

    @property
    def frames(self) -> int:
        """Pictures that it drew."""
        return int(self.page.evaluate("window.drawn"))

    def wait(self, seconds: float) -> None:
        """Let it draw for a while."""
        self.page.wait_for_timeout(1000 * seconds)

    def close(self) -> None:
        """Close it."""
        self.browser.close()
        self.playwright.stop()


class Requests:
    """A page that draws nothing: it asks for every frame and listens to every event."""

    def __init__(self, port: int) -> None:
        self.port, self.frames, self.open = port, 0, True
        for target in (self._look, self._listen):
            threading.Thread(target=target, daemon=True).start()

    def _look(self) -> None:
        after, known = 0, -1
        while self.open:
            asked = f"http://127.0.0.1:{self.port}/api/live/frame?after={after}&known={known}"
            try:
                with urllib.request.urlopen(asked, timeout=60) as answer:
                    content = answer.read()
            except (OSError, http.client.HTTPException):  # the lab is being ended
                return
            if content:
                meta = json.loads(content[4 : 4 + int.from_bytes(content[:4], "little")])["meta"]
                after, known = meta["frame"], meta["data_id"]
                self.frames += 1

    def _listen(self) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/live/events", timeout=60) as events:
            for _ in events:
                if not self.open:
                    return

    def wait(self, seconds: float) -> None:
        """Let it ask for a while."""
        time.sleep(seconds)

    def close(self) -> None:
        """Ask no more."""
        self.open = False


Page = Browser | Requests
PAGES: dict[str, Callable[[int], Page]] = {"browser": Browser, "requests": Requests}


def do(port: int, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
    """Ask the lab for something; what it answers."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/live{path}",
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        told: dict[str, Any] = json.loads(answer.read())
    return told


def begin(port: int, settings: dict[str, Any]) -> None:
    """Begin the game, as soon as the server answers."""
    for _ in range(200):
        try:
            do(port, "", settings)
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the lab does not answer")


def play(name: str, kind: str) -> Cell:
    """One game, with and without the lab in turn. kind: of the page."""
    chosen = GAMES[name]
    settings = changed(defaults(chosen["data"]), {**chosen, "anneal": 0})
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    pipe, theirs = multiprocessing.get_context("spawn").Pipe()
    library = multiprocessing.get_context("spawn").Process(target=alone, args=(settings, theirs), daemon=True)
    server = subprocess.Popen(
        [sys.executable, "-m", "duelo", "lab", "--no-browser", "--port", str(port)], stdout=subprocess.DEVNULL
    )
    page: Page | None = None
    try:
        library.start()
        begin(port, settings.values())
        page = PAGES[kind](port)
        page.wait(WARM)
        do(port, "/do", {"action": "pause"})
        pipe.send(WARM)
        pipe.recv()
        without, lab = [], []
        for _ in range(TURNS):
            pipe.send(SECONDS)
            without.append(pipe.recv())
            lab.append(turn(port, page, server.pid))
    finally:
        if page is not None:
            page.close()
        pipe.send(0)
        server.terminate()
        server.wait(30)
    speeds = [[turn[0] for turn in turns] for turns in (without, lab)]
    work = [sum(turn[2] for turn in turns) / sum(turn[1] for turn in turns) for turns in (without, lab)]
    return {
        "without": statistics.fmean(speeds[0]),
        "with": statistics.fmean(speeds[1]),
        "slower": sorted(1 - b / a for a, b in zip(*speeds, strict=True)),
        "work_without": work[0],
        "work_with": work[1],
        "frames": sorted(turn[3] for turn in lab),
        "load": os.getloadavg()[0],
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "machine": processor(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def turn(port: int, page: Page, server: int) -> tuple[float, int, float, float]:
    """The lab plays for a while: images a second, images, the processor's seconds, pictures a second."""
    nimg = do(port, "", None)["nimg"]
    frames, used = page.frames, busy(server)
    start = time.perf_counter()
    do(port, "/do", {"action": "play"})
    page.wait(SECONDS)
    do(port, "/do", {"action": "pause"})
    passed = time.perf_counter() - start
    page.wait(0.2)  # the last numbers and pictures are on their way
    frames = page.frames - frames
    images = do(port, "", None)["nimg"] - nimg
    return images / passed, images, busy(server) - used, frames / passed


def main() -> None:
    """The study, and what it comes to."""
    for cell in study("lab", itertools.product(GAMES, PAGES), ("game", "page"), play):
        slower, work = 1 - cell["with"] / cell["without"], cell["work_with"] / cell["work_without"] - 1
        print(
            f"{cell['game']:<8} {cell['page']:<8} slower by {slower:.1%} (median of {len(cell['slower'])} pairs "
            f"{statistics.median(cell['slower']):.1%}), {work:.1%} more work for an image; pictures a second "
            f"{statistics.median(cell['frames']):.1f} (at least {cell['frames'][0]:.1f}); "
            f"load {cell['load']:.1f}"
        )


if __name__ == "__main__":
    main()

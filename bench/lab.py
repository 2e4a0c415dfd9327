"""How much slower a game is played in the lab than without it, and how many pictures a second the lab shows.

    python bench/lab.py               # about 10 minutes

The same game is played in turn by the library alone, in a process of its own, and by `duelo lab` with one page that asks for
every frame and listens to every event: without, with, without, with... A pair of neighbours is compared, and the median of
the pairs counts, since other work on the machine comes and goes; the processor's time for an image is compared as well,
which other work disturbs less. Each game is played for WARM seconds first. The result goes to bench/results/lab.jsonl.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import torch
from cells import Cell, study

from duelo.lab.settings import changed, defaults

PAIRS, SECONDS, WARM = 6, 10.0, 3.0
GAMES: dict[str, dict[str, Any]] = {
    "ring": {"data": "ring"},
    "islands": {"data": "ring", "pair": "islands", "latent": 12},
    "digits": {"data": "digits", "width": 16},
}

ALONE = """
import json, sys, time, torch
from duelo.build import build, schedule
from duelo import data
from duelo.lab.settings import Settings, recipe_of
settings, warm, seconds = Settings(**json.loads(sys.argv[1])), float(sys.argv[2]), float(sys.argv[3])
if settings.points: torch.set_num_threads(1)
recipe = recipe_of(settings)
game, dataset = build(recipe), data.load(recipe.data)
rounds = game.rounds(dataset.train, 0, schedule(recipe), dataset.referee, recipe.balance.look_kimg)
start = time.perf_counter()
while time.perf_counter() - start < warm: next(rounds)
start, busy, nimg = time.perf_counter(), time.process_time(), game.nimg
while time.perf_counter() - start < seconds: next(rounds)
images = game.nimg - nimg
print(images / (time.perf_counter() - start), (time.process_time() - busy) / images)
"""


def alone(settings: dict[str, Any]) -> list[float]:
    """Images a second without the lab, and the processor's seconds for each."""
    command = [sys.executable, "-c", ALONE, json.dumps(settings), str(WARM), str(SECONDS)]
    return [float(word) for word in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()]


def busy(server: int) -> float:
    """The processor's seconds that the live game's process has had: the child of the server that had the most."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    times = [Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[11:13] for child in children]
    return max(sum(map(int, pair)) for pair in times) / os.sysconf("SC_CLK_TCK")


class Page:
    """What an open page asks for."""

    def __init__(self, port: int) -> None:
        self.port, self.frames, self.ticks, self.nimg = port, 0, 0, 0
        self.open = True
        self.threads = [threading.Thread(target=target, daemon=True) for target in (self._look, self._listen)]
        for thread in self.threads:
            thread.start()

    def _look(self) -> None:
        after, known = 0, -1
        while self.open:
            asked = f"http://127.0.0.1:{self.port}/api/live/frame?after={after}&known={known}"
            with urllib.request.urlopen(asked, timeout=60) as answer:
                content = answer.read()
            if content:
                meta = json.loads(content[4 : 4 + int.from_bytes(content[:4], "little")])["meta"]
                after, known = meta["frame"], meta["data_id"]
                self.frames += 1

    def _listen(self) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/live/events", timeout=60) as events:
            kind = b""
            for line in events:
                if line.startswith(b"event: "):
                    kind = line[7:].strip()
                elif line.startswith(b"data: ") and kind == b"tick":
                    self.ticks, self.nimg = self.ticks + 1, json.loads(line[6:])["nimg"]
                if not self.open:
                    return


def in_the_lab(settings: dict[str, Any]) -> dict[str, float]:
    """Images a second in the lab, and how often a page that looks gets a picture and the numbers."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    command = [sys.executable, "-m", "duelo", "lab", "--no-browser", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        start(port, settings)
        page = Page(port)
        time.sleep(WARM)
        begin, frames, ticks, nimg, used = time.perf_counter(), page.frames, page.ticks, page.nimg, busy(server.pid)
        time.sleep(SECONDS)
        passed, images = time.perf_counter() - begin, page.nimg - nimg
        found = {
            "images": images / passed,
            "work": (busy(server.pid) - used) / images,
            "frames": (page.frames - frames) / passed,
            "ticks": (page.ticks - ticks) / passed,
        }
        page.open = False
        for thread in page.threads:
            thread.join(10)
        return found
    finally:
        server.terminate()
        server.wait(30)


def start(port: int, settings: dict[str, Any]) -> None:
    """Begin the game, as soon as the server answers."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/live",
        json.dumps(settings).encode(),
        {"Content-Type": "application/json"},
    )
    for _ in range(200):
        try:
            urllib.request.urlopen(request, timeout=120).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the lab does not answer")


def play(name: str, number: int) -> Cell:
    """One pair."""
    chosen = GAMES[name]
    settings = changed(defaults(chosen["data"]), {**chosen, "anneal": 0}).values()
    (without, work), lab = alone(settings), in_the_lab(settings)
    return {
        "without": without,
        "work_without": work,
        **lab,
        "load": os.getloadavg()[0],
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def main() -> None:
    """The study, and what it comes to."""
    cells = study("lab", ((name, number) for number in range(PAIRS) for name in GAMES), ("game", "number"), play)
    for name in GAMES:
        mine = [cell for cell in cells if cell["game"] == name]
        slower = sorted(1 - cell["images"] / cell["without"] for cell in mine)
        more = statistics.median(cell["work"] / cell["work_without"] - 1 for cell in mine)
        frames, ticks = (sorted(cell[key] for cell in mine) for key in ("frames", "ticks"))
        print(
            f"{name:<8} {len(mine)} pairs: slower by {statistics.median(slower):.1%} ({slower[0]:.1%} to {slower[-1]:.1%}), "
            f"{more:.1%} more work for an image; pictures a second {statistics.median(frames):.1f} "
            f"(at least {frames[0]:.1f}), numbers {statistics.median(ticks):.1f}"
        )


if __name__ == "__main__":
    main()

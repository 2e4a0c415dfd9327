"""The child process: it alone loads torch, owns the live game, plays it and draws it. It hears the server through a pipe.

Heard: (number, what, values). Told: ("answer", number, error or None), an error being (key, values), a sentence to be; and
what `Worker` tells. When the pipe ends, so does the process.
"""

from __future__ import annotations

import math
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Any

import torch

from duelo.data import Progress
from duelo.lab import drawing
from duelo.lab.game import LiveGame
from duelo.lab.points import Point, point_of
from duelo.lab.settings import UNLIMITED, Settings
from duelo.lab.wire import Array
from duelo.verdict import plain
from duelo.words import LANGUAGES, UserError, say

# a second, at most, of points and of images: these take both cores, and a page that draws takes of them. Numbers are told
# with each picture: a page is then laid out and painted once for both
TICKS, PICTURES = {True: 10, False: 2}, {True: 11, False: 2.5}
# how much of the time may go into what, of points and of images: their rounds and frames take very different times
FRAMES, JUDGEMENTS, REST = {True: 0.07, False: 0.03}, {True: 0.02, False: 0.01}, 0.01
DIAGNOSIS_EVERY, READING_EVERY = 1.0, 0.3  # seconds
WANTED_FOR = 3.0  # seconds after somebody asked, frames are drawn
OPTIMAL_EVERY, OPTIMAL_FOR = 2.0, 8.0  # seconds; the latter after somebody asked for it: longer than a frame is waited for
PATIENCE = 0.1  # seconds that a paused game waits for a command before it looks around
DESERTED = 10.0  # seconds since anybody asked for anything, after which the game rests, until somebody does
Tell = Callable[..., None]


def main(pipe: Connection, frames: int, data_id: int) -> None:
    """The process, from its first command to the end of the pipe. frames, data_id: what the process before it came to: a
    page knows by these numbers what is new."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server hears Ctrl-C, and then closes the pipe
    worker = Worker(lambda *message: pipe.send(message), DESERTED)
    worker.frames, worker.data_id = frames, data_id
    try:
        while True:
            while pipe.poll(worker.pause):
                number, what, values = pipe.recv()
                pipe.send(("answer", number, worker.hear(what, values)))
            worker.go_on()
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


class Clock:
    """Says when something is due: so seldom that it takes no more than a share of the time, but at least `least` and at most
    `most` seconds after the last time."""

    def __init__(self, share: float, least: float, most: float = math.inf) -> None:
        self.share, self.least, self.most = share, least, most
        self.next = 0.0

    def due(self) -> bool:
        """Is it time?"""
        return time.perf_counter() >= self.next

    def did(self, start: float, cost: float | None = None) -> None:
        """It was done, from `start` till now. cost: the seconds that it took, if these are not all."""
        cost = time.perf_counter() - start if cost is None else cost
        self.next = start + max(self.least, min(self.most, cost / self.share))


class Worker:
    """The live game and all that is due while it is played.

    tell: called with what is to be told: ("tick", {...}), ("frame", meta, arrays, sticky) where `sticky` ones stay as they
    are for later frames, ("duel", {...}), ("finding", [...]), ("settings", {...}), ("progress", {...}), ("failed", error).
    deserted: seconds without a command after which a game that is on rests.
    """

    def __init__(self, tell: Tell, deserted: float = math.inf) -> None:
        self.tell, self.deserted = tell, deserted
        self.heard = time.perf_counter()
        self.game: LiveGame | None = None
        self.state = "empty"
        self.frames, self.data_id, self.rounds, self.seen = 0, 0, 0, 0
        self.surface = drawing.Surface(64)
        self.wanted_until, self.optimal_until, self.next_round = 0.0, 0.0, 0.0
        self.point: Point | None = None
        self.told_findings: list[dict[str, Any]] | None = None  # None: nobody was told of this game
        self.neighbours: drawing.Neighbours | None = None
        self.threads = torch.get_num_threads()
        self.since = (time.perf_counter(), 0, 0)  # of the last tick: when, rounds, images
        self._clocks()

    def _clocks(self) -> None:
        points = self.game is None or self.game.settings.points
        self.tick_clock = Clock(1.0, 1 / TICKS[points])
        self.frame_clock = Clock(FRAMES[points], 1 / PICTURES[points])
        self.judge_clock = Clock(JUDGEMENTS[points], 0.5, 8.0)
        self.optimal_clock = Clock(1.0, OPTIMAL_EVERY)
        self.neighbour_clock = Clock(2 * REST, 1.0)
        self.diagnosis_clock = Clock(REST, DIAGNOSIS_EVERY)
        self.reading_clock = Clock(1.0, READING_EVERY)

    @property
    def pause(self) -> float:
        """How long there is nothing to do but to listen, in seconds."""
        if self.state != "playing" or self.resting:
            return PATIENCE
        return min(PATIENCE, max(0.0, self.next_round - time.perf_counter()))

    @property
    def resting(self) -> bool:
        """Has nobody asked for anything for so long that nobody seems to look?"""
        return time.perf_counter() - self.heard > self.deserted

    def hear(self, what: str, values: Any) -> tuple[str, dict[str, Any]] | None:
        """Do what is asked; None, or what is wrong with it."""
        if self.resting:
            self.be(self.state)  # the speeds are those since then
        does: dict[str, Tell] = {"start": self.start, "change": self.change, "do": self.do, "watch": self.watch}
        does["attend"] = lambda: None  # somebody is there, who does not want to see frames
        try:
            does[what](**values)
        except UserError as error:
            return error.key, {name: str(value) for name, value in error.values.items()}
        except Exception as error:
            if not isinstance(error, ValueError | RuntimeError | MemoryError):
                traceback.print_exc()  # our mistake: for the terminal; the game there was goes on
            return "lab.live.impossible", {"why": " ".join(str(error).split())[:300]}
        finally:
            self.heard = time.perf_counter()
        return None

    def start(self, settings: dict[str, Any], drawn: list[list[float]] | None, play: bool) -> None:
        """A new game. Where its settings make none, the old one stays."""
        wanted = Settings(**settings)
        game = LiveGame(wanted, None if drawn is None else torch.tensor(drawn, dtype=torch.float32), self.reading)
        torch.set_num_threads(1 if wanted.points else self.threads)
        self.game, self.neighbours, self.point = game, None, point_of(wanted.chapter)
        self.told_findings = None
        self.data_id += 1
        self._clocks()
        self.tell("started", self.data_id)
        self.judge()
        self.be("playing" if play else "paused")
        self.tell("settings", wanted.values())
        self.show()

    def reading(self, progress: Progress) -> None:
        """Tell how far the reading of images is."""
        if self.reading_clock.due():
            stage = {lang: say(f"train.packing_{progress.stage}", lang) for lang in LANGUAGES}
            self.tell("progress", {"stage": stage, "done": progress.done, "total": progress.total})
            self.reading_clock.did(time.perf_counter())

    def change(self, settings: dict[str, Any]) -> None:
        """Other settings for the same networks."""
        game = self._game()
        game.change(Settings(**settings))
        self.tell("settings", game.settings.values())
        self.show()

    def do(self, action: str, n: int) -> None:
        """Play, pause, or so many steps of both sides or of one alone; whoever steps is paused."""
        game = self._game()
        if action in ("play", "pause"):
            if action == "play" and not game.finite:
                raise UserError("lab.live.diverged")
            self.be("playing" if action == "play" else "paused")
            if action == "play":
                self.tick()
                return  # pictures come by themselves
        else:
            self.be("paused")
            alone = {"step_d": "discriminator", "step_g": "generator"}.get(action, "")
            for i in range(n):
                game.play(alone, look=i == n - 1)
                self.rounds += 1
            self.judge()
        self.show()

    def watch(self, heat: int, optimal: bool = False) -> None:
        """Somebody looks: frames are drawn for a while. heat: the side of D's surface; optimal: also the best one."""
        now = time.perf_counter()
        self.wanted_until = now + WANTED_FOR
        if heat != self.surface.side:
            self.surface = drawing.Surface(heat)
        if optimal:
            anew, self.optimal_until = now >= self.optimal_until, now + OPTIMAL_FOR
            if anew:
                self.optimal_clock.next = 0.0
                if self.game is not None and self.state != "playing":
                    self.draw(self.game)

    def _game(self) -> LiveGame:
        if self.game is None:
            raise UserError("lab.live.none")
        return self.game

    def be(self, state: str) -> None:
        """Another state; the speeds begin anew."""
        self.state = state
        self.since = (time.perf_counter(), self.rounds, self.game.nimg if self.game else 0)

    def go_on(self) -> None:
        """A round, if the game is on and it is time for one, and what is due after it."""
        game = self.game
        if game is None or self.state != "playing" or self.resting or time.perf_counter() < self.next_round:
            return
        speed = game.settings.speed
        self.next_round = time.perf_counter() + 1 / speed if speed < UNLIMITED else 0.0
        game.play(look=speed <= 10)  # whoever plays slowly wants to see what the referee sees of each round
        self.rounds += 1
        if self.judge_clock.due():
            self.judge()
        drawn = time.perf_counter() < self.wanted_until and self.frame_clock.due()
        if drawn or self.tick_clock.due():
            self.tick()
        if drawn:
            self.draw(game)
        if game.looks != self.seen and self.diagnosis_clock.due():
            self.look(game)

    def show(self) -> None:
        """Tell everything now."""
        game = self._game()
        self.tick()
        self.look(game)
        self.optimal_clock.next = self.neighbour_clock.next = 0.0
        self.surface.turn = None
        self.draw(game)

    def judge(self) -> None:
        """Judge the fakes."""
        start = time.perf_counter()
        self._game().judge()
        self.judge_clock.did(start)

    def tick(self) -> None:
        """Tell the numbers; where they are none any more, the game has failed."""
        game, start = self._game(), time.perf_counter()
        if not game.finite and self.state == "playing":
            self.state = "failed"
            self.tell("failed", {lang: say("lab.live.diverged", lang) for lang in LANGUAGES})
        then, rounds, nimg = self.since
        passed = max(start - then, 1e-9)
        speeds = {"rounds_per_second": (self.rounds - rounds) / passed, "images_per_second": (game.nimg - nimg) / passed}
        if start - then > 1:
            self.since = (start, self.rounds, game.nimg)
        told = {"frame": self.frames, "state": self.state, **plain(speeds)}
        if self.point:
            told["point"] = {"id": game.settings.chapter, **plain(self.point.see(self))}
        self.tell("tick", {**told, **game.tick()})
        self.tick_clock.did(start)

    def look(self, game: LiveGame) -> None:
        """Tell what the referee saw last, and what the diagnosis says of it."""
        start, self.seen = time.perf_counter(), game.looks
        if game.duel is not None:
            duel = game.duel
            self.tell("duel", {"nimg": game.nimg, **plain(asdict(duel)), "lead": duel.lead, "memory": plain(duel.memory)})
        game.diagnose()
        found = game.told_findings()
        if found != self.told_findings:  # also if there is none any more
            self.told_findings = found
            self.tell("finding", found)
        self.diagnosis_clock.did(start)

    def draw(self, game: LiveGame) -> None:
        """Draw a frame and send it."""
        start, used = time.perf_counter(), time.process_time()
        self.frames += 1
        points = game.settings.points
        meta: dict[str, Any] = {"nimg": game.nimg, "frame": self.frames, "data_id": self.data_id}
        meta |= {"kind": "points", "extent": drawing.extent(game)} if points else {"kind": "images", "averaged": True}
        drawn = drawing.points(game, self.surface) if points else drawing.images(game)
        # on a busy machine a picture of points takes longer, as does a round, and is due no less often for that
        self.frame_clock.did(start, time.process_time() - used if points else None)
        sticky: list[Array] = []
        if game.frames_drawn == 0:
            sticky += drawing.real_points(game) if points else drawing.real_images(game)
        if points and time.perf_counter() < self.optimal_until and self.optimal_clock.due():
            start = time.perf_counter()
            sticky += drawing.optimal(game, self.surface.side)
            self.optimal_clock.did(start)
        if not points and game.settings.neighbours and self.neighbour_clock.due():
            start = time.perf_counter()
            self.neighbours = self.neighbours or drawing.Neighbours(game)
            sticky += self.neighbours.find(game.fakes(drawing.TILES))
            self.neighbour_clock.did(start)
        if self.neighbours and not math.isnan(self.neighbours.distance):
            meta |= {
                "nearest_mean": self.neighbours.distance,
                "apart": self.neighbours.apart,
                "searched": self.neighbours.searched,
            }
        game.frames_drawn += 1
        self.tell("frame", meta, drawn, sticky)

"""The server's side of the live game: its process, what is sent to it, and what it last told, for everyone who looks."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import multiprocessing
import secrets
import threading
from collections.abc import AsyncIterator, Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from duelo.lab import settings as dials
from duelo.lab import wire
from duelo.lab.curves import Curves
from duelo.lab.doors import Refused
from duelo.lab.lesson import CHAPTERS, chapter_settings
from duelo.lab.settings import DRAWN, Settings
from duelo.recipes import DATA
from duelo.words import LANGUAGES, UserError, say

REAL_EVERY = 50  # frames
WAIT = 5.0  # seconds for a newer frame
ANSWER = 60.0  # seconds for the process: it may have to load torch
LONG, LOOK = 2.0, 0.3  # seconds: data may be read so long before others take their place; between two looks whether so
NEWER = "lab.live.newer"
QUEUED = 200  # events for a page that does not take them, before it is dropped
HEARTBEAT = 10.0
REMIND = 1.0  # seconds between two words to the process that somebody looks


class Live:
    """The live game as the server knows it.

    data: what it opens with. inside: gives the place that a client names, or raises UserError if it lies outside the allowed
    folders. All methods belong to the server's event loop.
    """

    def __init__(self, data: str, inside: Callable[[str], Path]) -> None:
        self.inside = inside
        self.born = secrets.token_hex(8)  # by which a page knows whether this is still the server whose game it saw
        self.known = tuple(dict.fromkeys([data, *DATA, DRAWN]))
        self.settings = dials.defaults(data)
        self.drawn: list[list[float]] | None = None
        self.state, self.plays, self.begun = "empty", False, 0.0  # will the newest game play; when was it asked for
        self.there = False  # has the process a game
        self.choice: object = None  # the newest one of data
        self.latest: dict[str, Any] = {}  # the last event of each kind
        self.curves = Curves()
        self.frame: tuple[int, dict[str, Any], list[wire.Array]] | None = None
        self.counted = (0, 0)  # frames, and games, that there were
        self.sticky: dict[str, wire.Array] = {}
        self.listeners: set[asyncio.Queue[tuple[str, Any] | None]] = set()
        self.newer = asyncio.Event()
        self.answers: dict[int, asyncio.Future[Any]] = {}
        self.numbers = itertools.count()
        self.pipe: Connection | None = None
        self.process: Any = None
        self.sending = asyncio.Lock()
        self.turning = asyncio.Lock()  # what makes other settings of those there are, one at a time
        self.reminded: tuple[dict[str, Any], float] = ({}, 0.0)  # what the process knows to be wanted, and since when
        self.closing = False

    # --- the process

    def open(self) -> None:
        """Start the process, unless it is there."""
        if self.pipe is not None:
            return
        if self.closing:
            raise UserError("lab.live.lost")
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        from duelo.lab import child

        self.process = context.Process(target=child.live, args=(theirs, *self.counted), daemon=True, name="duelo-lab-live")
        self.process.start()
        theirs.close()
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._listen, args=(loop, self.pipe), daemon=True).start()

    def close(self) -> None:
        """End the process, which has nothing to save, and every stream."""
        self.closing = True
        if self.process is not None:
            self.process.terminate()
            self.process.join(2)
            if self.process.is_alive():
                self.process.kill()
        self._gone()
        self.newer.set()
        for queue in self.listeners:
            queue.put_nowait(None)

    def _listen(self, loop: asyncio.AbstractEventLoop, pipe: Connection) -> None:
        """In a thread of its own: hand over what the process tells, until it ends."""
        with contextlib.suppress(RuntimeError), pipe:  # the loop may be closed: so is the server
            try:
                while True:
                    message = pipe.recv()
                    loop.call_soon_threadsafe(self._heard, pipe, *message)
            except (EOFError, OSError):
                loop.call_soon_threadsafe(self._lost, pipe)

    def _lost(self, pipe: Connection) -> None:
        """The process has ended; by itself, unless we let go of the pipe."""
        if pipe is not self.pipe:
            return
        self._gone()
        self.state = "failed"
        self._publish("failed", {"error": {lang: say("lab.live.lost", lang) for lang in LANGUAGES}})

    def _gone(self, why: str = "lab.live.lost") -> None:
        self.pipe, self.there, self.reminded = None, False, ({}, 0.0)  # the thread that listens closes the pipe
        for future in self.answers.values():
            if not future.done():
                future.set_result((why, {}))

    def _heard(self, pipe: Connection, kind: str, *told: Any) -> None:
        """A process told something. Not heard any more: one that was let go, and what a game plays before it makes room."""
        if pipe is not self.pipe or (self.state == "starting" and kind in ("tick", "failed")):
            return
        if kind == "answer":
            number, error = told
            if number in self.answers and not self.answers[number].done():
                self.answers[number].set_result(error)
        elif kind == "frame":
            meta, drawn, sticky = told
            self.frame = (meta["frame"], meta, drawn)
            self.counted = (meta["frame"], meta["data_id"])
            self.sticky |= {one.name: one for one in sticky}
            drawn += sticky
            self.newer.set()
            self.newer = asyncio.Event()
        elif kind == "started":
            self.latest, self.sticky, self.frame, self.curves = {}, {}, None, Curves()
            self.counted, self.there, self.state = (self.counted[0], told[0]), True, "playing" if self.plays else "paused"
        else:
            (values,) = told
            if kind == "settings":
                self.settings = Settings(**values)
            elif kind == "tick":
                self.state = values["state"]
                self.curves.add(values)
            elif kind == "failed":
                self.state, values = "failed", {"error": values}
            self._publish(kind, values)

    def _publish(self, kind: str, values: Any) -> None:
        self.latest[kind] = values
        for queue in list(self.listeners):
            if queue.qsize() < QUEUED:
                queue.put_nowait((kind, values))
            else:  # it comes back by itself, and begins with the whole state
                self.listeners.discard(queue)
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)

    async def ask(self, what: str, **values: Any) -> None:
        """Have the process do something. Raises UserError if it will not."""
        self.open()
        pipe = self.pipe
        assert pipe is not None
        number, future = next(self.numbers), asyncio.get_running_loop().create_future()
        self.answers[number] = future
        try:
            async with self.sending:
                await asyncio.to_thread(pipe.send, (number, what, values))
            error = await asyncio.wait_for(future, None if what == "start" else ANSWER)  # data may be large
        except TimeoutError as late:
            raise UserError("lab.live.slow") from late
        except OSError as gone:
            raise UserError("lab.live.lost") from gone
        finally:
            del self.answers[number]
        if error is not None:
            raise Refused(409, NEWER) if error[0] == NEWER else UserError(error[0], **error[1])

    # --- what can be done

    def whole(self) -> dict[str, Any]:
        """All there is to know: what the first event of a stream says."""
        return {
            "server": self.born,
            "settings": self.settings.values(),
            "state": self.state,
            "nimg": self.latest.get("tick", {}).get("nimg", 0),
            "latest": self.latest,
            "curves": self.curves.columns,
        }

    async def start(self, changes: dict[str, Any], play: bool) -> None:
        """A new game, with the defaults of its data but for `changes`. Raises UserError, and Refused for a newer choice."""
        chapter = changes.get("chapter", "")
        if chapter and chapter in CHAPTERS:
            changes = chapter_settings(chapter) | changes
        data = self.data(dials.checked("data", changes.get("data", self.settings.data)))
        settings = dials.changed(dials.defaults(data), {**changes, "data": data})
        async with self._turn(choice=True):
            await self._begin(settings, play)

    async def draw(self, points: list[list[float]], play: bool | None) -> None:
        """A game on points [n][2] that somebody drew. play: else it plays if the game before it did."""
        async with self._turn(choice=True):
            self.drawn, before = points, self.settings
            keep = before if before.points else dials.defaults(DRAWN)
            settings = dials.changed(keep, {"data": DRAWN, "chapter": "", "rival": False})
            await self._begin(settings, self.playing if play is None else play)

    async def change(self, changes: dict[str, Any]) -> bool:
        """Other settings; did they need a new game? Raises UserError, and Refused for a newer choice."""
        if "data" in changes:
            changes = {**changes, "data": self.data(dials.checked("data", changes["data"]))}
            dials.changed(self._moved(self.settings, changes["data"]), changes)  # if it cannot be, nothing ends for it
        async with self._turn(choice="data" in changes):
            before = self.settings
            if changes.get("data", before.data) != before.data:
                before = self._moved(before, changes["data"])
            settings = dials.changed(before, changes)
            if any(getattr(settings, name) != getattr(self.settings, name) for name in ("data", "pair", "rival")):
                settings = dials.changed(settings, {"chapter": ""})  # that is no chapter's experiment any more
            if dials.needs_restart(self.settings, settings) or not self.there or self.state == "failed":
                await self._begin(settings, self.playing)
                return True
            await self.ask("change", settings=settings.values())
            return False

    async def do(self, action: str, n: int) -> None:
        """One of the actions, `n` times where it is a step. Raises UserError."""
        async with self._turn():
            if not self.there:  # none yet, or it was lost with its process
                await self._begin(self.settings, False)
            if action == "reset":
                await self._begin(self.settings, self.playing)
            else:
                await self.ask("do", action=action, n=n)

    @property
    def playing(self) -> bool:
        """Is the game on, or will it be once it has begun?"""
        return self.plays if self.state == "starting" else self.state == "playing"

    @contextlib.asynccontextmanager
    async def _turn(self, choice: bool = False) -> AsyncIterator[None]:
        """Alone among those who change the game. choice: of data, which does not wait for others that are being read for
        long, and gives way to newer ones. Raises UserError while data are read, and Refused for a newer choice."""
        mine = self.choice = object() if choice else self.choice
        while True:
            long = asyncio.get_running_loop().time() - self.begun > LONG
            if self.state == "starting" and "progress" in self.latest and long:
                if not choice:
                    raise UserError("lab.live.reading")
                if self.process is not None and self.pipe is not None:
                    self.process.kill()
                    self._gone(NEWER)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.turning.acquire(), LOOK)
                break
        try:
            if choice and mine is not self.choice:
                raise Refused(409, NEWER)
            yield
        finally:
            self.turning.release()
            if self.state == "starting" and self.pipe is None and mine is self.choice:  # no newer one follows
                self.state = "failed"
                self._publish("tick", {"nimg": 0, "frame": 0, "state": "failed"})

    def _moved(self, before: Settings, data: str) -> Settings:
        """The defaults for other data: rates and networks of points are no use for images."""
        if dials.is_points(data) == before.points:
            return dials.changed(before, {"data": data})
        return dials.defaults(data)

    async def _begin(self, settings: Settings, play: bool) -> None:
        if settings.data == DRAWN and self.drawn is None:
            raise UserError("lab.live.drawn")
        drawn = self.drawn if settings.data == DRAWN else None
        before, tick = self.state, self.latest.get("tick", {"nimg": 0, "frame": 0})
        for kind in ("failed", "progress"):
            self.latest.pop(kind, None)
        self.state, self.plays, self.begun = "starting", play, asyncio.get_running_loop().time()
        self._publish("tick", {"nimg": 0, "state": "starting", "frame": 0})
        try:
            await self.ask("start", settings=settings.values(), drawn=drawn, play=play)
        except UserError:
            if self.state == "starting" and self.pipe is not None:  # the game there was goes on
                self.state = before
                self._publish("tick", {**tick, "state": self.state})
            raise

    def data(self, name: str) -> str:
        """The data of this name, or an allowed path to some. Raises UserError."""
        if name in self.known:
            return name
        place = self.inside(name)
        if not place.exists():
            raise UserError("data.unknown", name=name[:100], known=", ".join(self.known), guess="")
        return str(place)

    # --- who looks

    async def events(self) -> AsyncIterator[str]:
        """What happens, as server-sent events; first the whole state."""
        queue: asyncio.Queue[tuple[str, Any] | None] = asyncio.Queue()
        self.listeners.add(queue)
        self.remind("attend")
        try:
            yield event("state", self.whole())
            while not self.closing:
                try:
                    told = await asyncio.wait_for(queue.get(), HEARTBEAT)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if told is None:
                    return
                yield event(*told)
        finally:
            self.listeners.discard(queue)

    def remind(self, what: str, **wanted: Any) -> None:
        """Let the process know that somebody looks: it rests when nobody asks for anything. A stream alone is no sign of
        somebody, since a page that is hidden keeps its own."""
        if self.pipe is not None:
            task = asyncio.create_task(self.ask(what, **wanted))
            task.add_done_callback(lambda done: done.exception())

    async def frame_after(self, after: int, heat: int, optimal: bool, known: int | None) -> bytes | None:
        """The newest frame beyond `after`, packed, or None if there is none for a while. known: whose data the page has."""
        wanted, now = {"heat": heat, "optimal": optimal}, asyncio.get_running_loop().time()
        if self.pipe is not None and (wanted != self.reminded[0] or now - self.reminded[1] > REMIND):
            self.reminded = wanted, now
            self.remind("watch", **wanted)
        if (self.frame is None or self.frame[0] <= after) and not self.closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.newer.wait(), WAIT)
        if self.frame is None or self.frame[0] <= after:
            return None
        number, meta, drawn = self.frame
        first = meta["data_id"] != known if known is not None else after <= 0 or number % REAL_EVERY == 0
        more = [one for one in self.sticky.values() if one.name not in {here.name for here in drawn}] if first else []
        return wire.pack({**meta, "first": first}, [*drawn, *more])


def event(kind: str, values: Any) -> str:
    """A server-sent event."""
    return f"event: {kind}\ndata: {json.dumps(values, allow_nan=False)}\n\n"

"""A process of its own for what needs torch: it is sent on errands, one at a time, and goes home when nobody needs it.

The server itself never imports torch, so that it starts at once and stays small; and what crashes there, the page outlives.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from duelo.lab.doors import Refused
from duelo.words import UserError, language, speaking

IDLE = 300.0  # seconds without an errand after which the process ends
PATIENCE = 300.0  # seconds that an errand may take, the start of the process included
LOOK = 0.2  # seconds between two looks whether a newer errand takes the place of the one under way
QUEUE = 16  # errands that may wait; more come from a page that does not wait for its answers

Tell = Callable[[Any], None]  # called by an errand to say how far it is
Errand = Callable[..., Any]


class Told(UserError):
    """A UserError of the other process, in its words."""

    def __init__(self, text: str) -> None:
        super().__init__("error", text="")
        self.args = (text,)


class Errands:
    """The server's end: a process that knows the errands of the module `place` (its dictionary ERRANDS), begun when needed.

    patience: seconds that one may take. latest: a newer errand takes the place of the one under way.
    """

    def __init__(self, place: str, patience: float = PATIENCE, latest: bool = False) -> None:
        self.place, self.patience, self.latest = place, patience, latest
        self._newest: object = None
        self.progress: Any = None  # what the errand under way last told
        self._turn, self._room = threading.Lock(), threading.BoundedSemaphore(QUEUE)
        self._process: multiprocessing.process.BaseProcess | None = None
        self._line: Connection | None = None

    def run(self, name: str, **values: Any) -> Any:
        """Send it on the errand `name` and wait for what it brings. Raises what the errand raises as UserError, and Refused.

        It is done in the language in force.
        """
        mine = self._newest = object()
        with self._in_turn():
            self.progress = None
            if self._newer(mine):
                raise Refused(409, "lab.server.overtaken")
            for attempt in range(2):
                line = self._connected()
                try:
                    line.send((language(), name, values))
                    return self._brought(line, mine)
                except (EOFError, OSError):  # it had just gone home, or was killed
                    self.close()
                    if attempt:
                        raise Refused(409, "lab.server.errand_lost") from None
        raise AssertionError

    def _newer(self, errand: object) -> bool:
        """Has another one taken its place?"""
        return self.latest and errand is not self._newest

    def close(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        if self._line is not None:
            self._line.close()
            self._line = None
        if process is not None:
            with suppress(ValueError):
                process.kill()
                process.join(5)

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        if not self._room.acquire(blocking=False):
            raise Refused(429, "lab.server.busy")
        try:
            with self._turn:
                yield
        finally:
            self._room.release()

    def _connected(self) -> Connection:
        if self._line is not None and self._process is not None and self._process.is_alive():
            return self._line
        self.close()
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(theirs, self.place), daemon=True)
        self._process.start()
        theirs.close()
        self._line = ours
        return ours

    def _brought(self, line: Connection, errand: object) -> Any:
        end = time.monotonic() + self.patience
        while True:
            if not line.poll(min(LOOK, self.patience)):
                late = time.monotonic() >= end
                if late or self._newer(errand):
                    self.close()
                    raise Refused(409, "lab.server.errand_lost" if late else "lab.server.overtaken")
                continue
            kind, what = line.recv()
            if kind == "tell":
                self.progress = what
            elif kind == "wrong":
                raise Told(what)
            elif kind == "broken":
                raise Refused(409, "lab.server.errand_lost")
            else:
                return what


def work(line: Connection, place: str) -> None:
    """The other end: do what is asked until the server is gone, or nothing was asked for long."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server's end is ours, and it comes as the end of the line
    with suppress(AttributeError, OSError):
        os.nice(2)  # a training on the same machine goes first
    errands: Mapping[str, Errand] = import_module(place).ERRANDS
    while True:
        try:
            if not line.poll(IDLE):
                return
            lang, name, values = line.recv()
            line.send(_done(errands[name], lang, values, lambda what: line.send(("tell", what))))
        except (EOFError, OSError):
            return


def _done(errand: Errand, lang: str, values: dict[str, Any], tell: Tell) -> tuple[str, Any]:
    try:
        with speaking(lang):
            return "good", errand(tell, **values)
    except UserError as error:
        return "wrong", str(error)
    except Exception:
        traceback.print_exc(file=sys.stderr)
        return "broken", None

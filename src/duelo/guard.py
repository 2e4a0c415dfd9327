"""What keeps a run safe from the outside: other processes, foreign folders, too little memory, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from duelo.folder import RunFolder
from duelo.words import UserError


@contextmanager
def claimed(folder: RunFolder) -> Iterator[None]:
    """The folder, made if need be, and ours alone while we are inside; what was made is gone again if nothing came of it."""
    made: list[Path] = []
    try:
        foreign = None if folder.exists() else _foreign(folder.path)
        if foreign is not None:
            raise UserError("run.foreign_folder", path=folder.path, file=foreign.name)
        made = [place for place in (folder.path, *folder.path.parents) if not place.exists()]
        folder.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.lock_file)
        lock.acquire(timeout=0.3, poll_interval=0.005)  # for `holder` may hold it for an instant
        folder.holder_file.write_text(json.dumps({"pid": os.getpid(), "began": began(os.getpid())}), encoding="utf-8")
    except Timeout as error:
        raise UserError("run.locked", path=folder.path) from error
    except OSError as error:
        raise UserError("write.folder", path=folder.path, why=error.strerror) from error
    try:
        yield
    finally:
        with suppress(OSError):
            folder.holder_file.unlink(missing_ok=True)
        lock.release()
        if made and not folder.exists():
            with suppress(OSError):
                folder.lock_file.unlink(missing_ok=True)
                for place in made:
                    place.rmdir()


def holder(folder: RunFolder) -> int | None:
    """The number of the process that trains in the folder now; None if none does. It changes nothing there."""
    try:
        signed = json.loads(folder.holder_file.read_text(encoding="utf-8"))
        pid, then = int(signed["pid"]), signed["began"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if began(pid) != then:  # it was killed; asked first, since to try the lock could be in the way of one that begins
        return None
    lock = FileLock(folder.lock_file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return pid
    except OSError:
        return None
    lock.release()
    return None


def began(pid: int) -> str | None:
    """When a process began, as the system counts; None if there is no such process; "" where the system does not say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None if Path("/proc/self/stat").exists() else ""


def _foreign(path: Path) -> Path | None:
    """Something in this place that no run of ours can have left before it saved its recipe."""
    if not path.is_dir():
        return path if path.exists() else None
    ours = {".lock", ".pid", "train.log", ".recipe.toml.tmp"}
    return next((file for file in sorted(path.iterdir()) if file.name not in ours), None)


@contextmanager
def enough_memory() -> Iterator[None]:
    """Inside, running out of memory, the computer's or the GPU's, becomes a UserError."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise UserError("run.memory") from error


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Inside, Ctrl-C and SIGTERM set the event instead of stopping in the middle of a round; a second one stops at once."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def handle(number: int, frame: object) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)

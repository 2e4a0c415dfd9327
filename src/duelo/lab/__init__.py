"""The lab: a web page on which a game is watched, played with and explained. ``serve`` runs its server till Ctrl-C."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from duelo.words import LANGUAGES, UserError, say

PORT, TRIED = 8765, 50  # the first port that is tried, and how many


def serve(
    data: str = "ring",
    *,
    port: int | None = None,
    lang: str | None = None,
    host: str = "127.0.0.1",
    runs: Path = Path("runs"),
    allow: Sequence[Path] = (),
    browser: bool = True,
) -> None:
    """Serve the lab until it is interrupted.

    data: what the live game opens with. port: None for the first free one from PORT on. host: the address to listen on;
    beyond this computer, a token in the address is needed. runs: where the runs are. allow: folders of data that a page may
    name, beside the current one. browser: open it. Raises UserError.
    """
    if lang is not None and lang not in LANGUAGES:
        raise UserError("lab.server.language", given=lang)
    if port is not None and not 1 <= port <= 65535:
        raise UserError("lab.server.port_range", port=port)
    if lang is not None:
        os.environ["DUELO_LANG"] = lang  # the processes that the server starts say it in this language as well
    try:
        from duelo.lab.running import run
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("fastapi", "starlette", "uvicorn", "h11", "anyio"):
            raise
        raise UserError("lab.server.missing") from error
    door = listen(host, port)
    token = None if is_loopback(host) else secrets.token_hex(16)
    url = address(host, door.getsockname()[1], token)
    if token:
        print(say("lab.server.open"), flush=True)
    print(say("lab.server.ready", url=url), flush=True)
    if browser:
        threading.Timer(0.3, webbrowser.open, (url,)).start()
    run(data, door, host, token, runs, (Path(), *allow))


def listen(host: str, port: int | None) -> socket.socket:
    """A socket that listens at `port`, or at the first free one from PORT on, which is then said. Raises UserError."""
    for wanted in (port,) if port is not None else range(PORT, PORT + TRIED):
        door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, wanted))
            door.listen(128)
        except OSError as error:
            door.close()
            if port is not None:
                raise UserError("lab.server.port", port=port, why=error.strerror or error) from error
            continue
        if wanted != PORT and port is None:
            print(say("lab.server.taken", port=PORT, free=wanted), flush=True)
        return door
    raise UserError("lab.server.ports", port=PORT)


def is_loopback(host: str) -> bool:
    """Does this address mean this computer alone?"""
    return host in ("localhost", "::1") or host.startswith("127.")


def address(host: str, port: int, token: str | None) -> str:
    """The address that a browser is to open."""
    shown = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)
    shown = f"[{shown}]" if ":" in shown else shown
    return f"http://{shown}:{port}/" + (f"?token={token}" if token else "")

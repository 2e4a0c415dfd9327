"""Where the child processes begin: they load torch there, and the server does not."""

from __future__ import annotations

from multiprocessing.connection import Connection


def live(pipe: Connection, frames: int, data_id: int) -> None:
    """The process of the live game."""
    from duelo.lab.worker import main

    main(pipe, frames, data_id)

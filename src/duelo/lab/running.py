"""Runs the server: the application in uvicorn, with our doors, until it is interrupted."""

from __future__ import annotations

import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import uvicorn

from duelo.lab.doors import Doors, Protocol
from duelo.lab.errands import Errands
from duelo.lab.explore import routes as of_exploring
from duelo.lab.live import Live
from duelo.lab.runs import routes as of_runs
from duelo.lab.server import Lab, application
from duelo.lab.trainings import Trainings

CLERK, EXPLORER = "duelo.lab.clerk", "duelo.lab.explorer"  # the modules of the processes that hold torch


class Server(uvicorn.Server):
    """uvicorn, whose streams end when it is to stop."""

    lab: Lab
    trainings: Trainings
    interrupted = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Remember a Ctrl-C: where the last task ends at that very moment, nothing else would."""
        self.interrupted = self.interrupted or sig == signal.SIGINT
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then everything else."""
        self.lab.live.close()
        self.trainings.close()
        await super().shutdown(sockets)


def run(data: str, door: socket.socket, host: str, token: str | None, runs: Path, roots: Sequence[Path]) -> None:
    """Serve at the socket `door` until Ctrl-C or SIGTERM. Raises KeyboardInterrupt at the former."""
    trainings = Trainings(runs, [root.resolve() for root in roots])
    clerk, inspector, explorer = Errands(CLERK), Errands(CLERK, patience=3600, latest=True), Errands(EXPLORER)
    routers = [of_runs(trainings, clerk, inspector), of_exploring(trainings, explorer)]
    lab = Lab(Live(data, trainings.inside), runs, routers)
    config = uvicorn.Config(
        application(lab, Doors(host, token)),
        http=Protocol,
        ws="none",
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=15,
    )
    server = Server(config)
    server.lab, server.trainings = lab, trainings
    try:
        server.run([door])
        if server.interrupted:
            raise KeyboardInterrupt
    finally:
        for errands in (clerk, inspector, explorer):
            errands.close()

"""Routes of the live game: what a page asks of it."""

from __future__ import annotations

import math
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from duelo.lab import settings as dials
from duelo.lab.asking import Asked
from duelo.lab.doors import body
from duelo.lab.live import Live
from duelo.words import UserError

ACTIONS = ("play", "pause", "step", "step_d", "step_g", "reset")
MOST_STEPS = 1000
FEWEST_POINTS, MOST_POINTS, REACH = 8, 20_000, 10.0
HEAT = (16, 128)


def drawn_points(values: Any) -> list[list[float]]:
    """Points that a client drew, checked. Raises UserError."""
    wrong = UserError("lab.live.points", least=FEWEST_POINTS, most=MOST_POINTS, reach=f"{REACH:g}")
    if not isinstance(values, list) or not FEWEST_POINTS <= len(values) <= MOST_POINTS:
        raise wrong
    for point in values:
        if not isinstance(point, list) or len(point) != 2:
            raise wrong
        for number in point:
            if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) <= REACH:
                raise wrong
    if not any(math.hypot(*point) > 1e-3 for point in values):
        raise wrong
    return [[float(x), float(y)] for x, y in values]


def router(live: Live) -> APIRouter:
    """The routes under /api/live."""
    routes = APIRouter(prefix="/api/live", route_class=Asked)

    def seen() -> JSONResponse:
        whole = live.whole()
        return JSONResponse(
            {name: whole[name] for name in ("settings", "state", "nimg")}
            | {"choices": dials.choices(live.settings.data, live.known)}
        )

    @routes.get("")
    async def get() -> Response:
        live.remind("attend")
        return seen()

    @routes.post("")
    async def start(request: Request) -> Response:
        changes = await body(request)
        await live.start({k: v for k, v in changes.items() if k != "play"}, changes.get("play", True) is True)
        return seen()

    @routes.patch("")
    async def change(request: Request) -> Response:
        restarted = await live.change(await body(request))
        return JSONResponse({"settings": live.settings.values(), "state": live.state, "restarted": restarted})

    @routes.post("/do")
    async def do(request: Request) -> Response:
        asked = await body(request)
        action, n = asked.get("action"), asked.get("n", 1)
        if action not in ACTIONS:
            raise UserError("lab.live.action", known=", ".join(ACTIONS))
        if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST_STEPS:
            raise UserError("lab.live.steps", most=MOST_STEPS)
        await live.do(action, n)
        return JSONResponse({"state": live.state})

    @routes.post("/points")
    async def draw(request: Request) -> Response:
        asked = await body(request)
        await live.draw(drawn_points(asked.get("points")), asked["play"] is True if "play" in asked else None)
        return seen()

    @routes.get("/events")
    async def events() -> Response:
        return StreamingResponse(live.events(), media_type="text/event-stream", headers={"cache-control": "no-store"})

    @routes.get("/frame")
    async def frame(request: Request) -> Response:
        asked = request.query_params
        try:
            after, heat = int(asked.get("after", "0")[:12]), int(asked.get("heat", "64")[:12])
            known = int(asked["known"][:12]) if "known" in asked else None
        except ValueError:
            after, heat, known = 0, 0, None
        if not HEAT[0] <= heat <= HEAT[1]:
            raise UserError("lab.live.heat", low=HEAT[0], high=HEAT[1])
        message = await live.frame_after(after, heat, asked.get("optimal") == "1", known)
        if message is None:
            return Response(status_code=204)
        return Response(message, media_type="application/octet-stream", headers={"cache-control": "no-store"})

    return routes

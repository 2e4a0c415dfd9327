"""The application: the page, its words, and the routes of the live game, the runs and exploring, behind the doors."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from duelo import __version__
from duelo.lab.asking import Asked
from duelo.lab.doors import Doors, Guard, Refused, language_of, refusal
from duelo.lab.lesson import chapters
from duelo.lab.live import Live
from duelo.lab.live_routes import router
from duelo.words import LANGUAGES, language

STATIC = Path(__file__).parent / "static"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".md": "text/plain; charset=utf-8",
    "": "text/plain; charset=utf-8",
}
KEYS = {404: "lab.server.not_found", 405: "lab.server.method"}


@dataclass(frozen=True)
class Lab:
    """What the application consists of. runs: the run root. routers: those of the other parts."""

    live: Live
    runs: Path
    routers: Sequence[APIRouter] = ()


def application(lab: Lab, doors: Doors) -> ASGIApp:
    """The whole of it, as an ASGI application."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        lab.live.open()
        yield
        lab.live.close()

    app = FastAPI(title="duelo lab", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    _errors(app)
    app.include_router(router(lab.live))
    for more in lab.routers:
        app.include_router(more)
    app.include_router(page(lab))
    return Guard(app, doors)


def _errors(app: FastAPI) -> None:
    """Every error is one sentence in the request's language; a traceback stays here."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return refusal(request, error.status, error.key, **error.values)

    async def by_status(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 400
        return refusal(request, status, KEYS.get(status, "lab.server.invalid"))

    async def broken(request: Request, error: Exception) -> Response:
        return refusal(request, 500, "lab.server.broken")  # uvicorn writes the traceback to the terminal

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(HTTPException, by_status)
    app.add_exception_handler(RequestValidationError, by_status)
    app.add_exception_handler(Exception, broken)


def page(lab: Lab) -> APIRouter:
    """The page, its files, its words, the lesson, and the state of the server."""
    routes = APIRouter(route_class=Asked)

    @routes.get("/")
    def index() -> Response:
        return static_file("index.html")

    @routes.get("/static/{path:path}")
    def static(path: str) -> Response:
        return static_file(path)

    @routes.get("/api/words")
    def words(request: Request) -> Response:
        texts = LANGUAGES[language_of(request)]
        return JSONResponse({key: text for key, text in texts.items() if key.startswith("lab.")})

    @routes.get("/api/state")
    def state(request: Request) -> Response:
        told: dict[str, Any] = {
            "version": __version__,
            "languages": list(LANGUAGES),
            "language": language(),
            "data": list(lab.live.known),
            "runs": str(lab.runs),
            "live": lab.live.state,
        }
        return JSONResponse(told)

    @routes.get("/api/lesson")
    def lesson() -> Response:
        return JSONResponse({"chapters": chapters()})

    return routes


def static_file(path: str) -> Response:
    """A file of the page. Raises HTTPException where there is none, or where it is not below the page's folder."""
    try:
        file = (STATIC / path).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        raise HTTPException(404) from None
    if not file.is_relative_to(STATIC.resolve()) or not file.is_file() or file.suffix not in KINDS:
        raise HTTPException(404)
    return FileResponse(file, media_type=KINDS[file.suffix], headers={"cache-control": "no-cache"})

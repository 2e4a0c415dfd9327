"""Routes of the runs: what there is, how it goes, start, stop, resume, look at data first, compare."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, HTMLResponse, Response, StreamingResponse
from pydantic import Field

from duelo.lab import ledger
from duelo.lab.asking import Asked, Body, reading
from duelo.lab.doors import Refused
from duelo.lab.errands import Errands
from duelo.lab.trainings import Trainings, speakable
from duelo.presets import PRESETS
from duelo.recipes import DATA, DEFAULTS
from duelo.words import UserError, language, say, speaking

LOOK_SECONDS = 0.7  # between looks at a run that somebody follows
QUIET_SECONDS = 15.0  # after which a listener hears that the server is still there
SHEETS = 4  # contact sheets that are kept
ENTRIES = 300  # of a folder that are listed
COMPARED = 6  # runs side by side, at most
# a report is a page of its own with scripts inside: it may run them, but belongs to no site, so that it can ask us nothing
REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
)
Text = Annotated[str, Field(min_length=1, max_length=1000)]
Value = bool | int | float | Annotated[str, Field(max_length=1000)]
Overrides = Annotated[dict[Annotated[str, Field(max_length=100)], Value], Field(max_length=40)]


class Wanted(Body):
    """A training. data: a name or a path. recipe: a preset. overrides: dotted keys. name: of the run's folder."""

    data: Text
    recipe: Text | None = None
    kimg: Annotated[float, Field(gt=0, le=1e6)] | None = None
    minutes: Annotated[float, Field(gt=0, le=1e5)] | None = None
    overrides: Overrides = Field(default_factory=dict)
    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None


class Looked(Body):
    """Data to look at. path: a name or a path; overrides: how the images are made alike, `images.size` and the like."""

    path: Text
    overrides: Overrides = Field(default_factory=dict)


def routes(trainings: Trainings, clerk: Errands, inspector: Errands) -> APIRouter:
    """The routes under /api for the runs of `trainings`. clerk, inspector: of duelo.lab.clerk, the latter for data alone."""
    router = APIRouter(prefix="/api", route_class=Asked)
    sheets: dict[str, bytes] = {}
    known = ledger.Memory()

    @router.get("/runs")
    def list_runs() -> dict[str, Any]:
        return {"root": str(trainings.root), "runs": [ledger.summary(trainings, run) for run in trainings.folders()]}

    @router.post("/runs", status_code=201)
    def start(wanted: Annotated[Wanted, Depends(reading(Wanted))]) -> dict[str, str]:
        if wanted.kimg is not None and wanted.minutes is not None:
            raise Refused(400, "cli.two_lengths")
        return {"name": trainings.start(wanted.model_dump(exclude={"name"}, exclude_none=True), wanted.name)}

    @router.get("/runs/choices")
    def choices() -> dict[str, Any]:
        presets = [{"name": name, "text": say(f"preset.{function.__name__}")} for name, function in PRESETS.items()]
        return {"data": DATA, "recipes": presets, "defaults": DEFAULTS, "roots": [str(place) for place in trainings.allowed]}

    @router.get("/runs/places")
    def places(path: Annotated[str | None, Query(max_length=1000)] = None) -> dict[str, Any]:
        return listing(trainings, path)

    @router.post("/runs/inspect")
    def inspect(looked: Annotated[Looked, Depends(reading(Looked))]) -> dict[str, Any]:
        data = looked.path if looked.path in DATA else str(trainings.inside(looked.path))
        for key in looked.overrides:
            if key not in ("images.size", "images.fit", "images.alpha"):
                raise Refused(400, "lab.runs.bad_key", name=key)
        found: dict[str, Any] = inspector.run("inspect", data=data, framing=looked.overrides)
        token = secrets.token_hex(8)
        sheets[token] = found.pop("sheet")
        while len(sheets) > SHEETS:
            sheets.pop(next(iter(sheets)), None)
        return found | {"data": data, "sheet": token}

    @router.get("/runs/inspect")
    def inspection_so_far() -> dict[str, Any]:
        return {"progress": inspector.progress}

    @router.get("/runs/inspect/sheet/{token}")
    def sheet(token: str) -> Response:
        if token not in sheets:
            raise Refused(404, "lab.runs.no_picture")
        return Response(sheets[token], media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})

    @router.get("/runs/{name}")
    def details(name: str) -> dict[str, Any]:
        return ledger.details(trainings, trainings.find(name))

    @router.get("/runs/{name}/diagnosis")
    def diagnosis(name: str) -> Any:
        run = trainings.find(name)
        return known.of(run.stats_file, language(), lambda: clerk.run("diagnosis", path=str(run.path)))

    @router.get("/runs/{name}/events")
    async def events(name: str, request: Request) -> StreamingResponse:
        run = await run_in_threadpool(trainings.find, name)
        follower = ledger.Follower(trainings, run)
        return StreamingResponse(
            stream(follower, request, language()), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    @router.get("/runs/{name}/grid/{kimg}")
    def grid(name: str, kimg: str) -> FileResponse:
        for at, file in trainings.find(name).samples():
            if kimg in (f"{at:g}", str(at)):
                return FileResponse(file, media_type="image/png", headers={"Cache-Control": "private, no-cache"})
        raise Refused(404, "lab.runs.no_picture")

    @router.get("/runs/{name}/data")
    def data_picture(name: str) -> FileResponse:
        file = trainings.find(name).data_picture
        if not file.is_file():
            raise Refused(404, "lab.runs.no_picture")
        return FileResponse(file, media_type="image/png")

    @router.get("/runs/{name}/report")
    def report(name: str) -> HTMLResponse:
        run = trainings.find(name)
        if run.report_file.is_file():
            return page(run.report_file.read_text(encoding="utf-8"))
        return page(clerk.run("report_page", path=str(run.path)))

    @router.post("/runs/{name}/stop")
    def stop(name: str) -> dict[str, Any]:
        trainings.stop(trainings.find(name))
        return ledger.summary(trainings, trainings.find(name))

    @router.post("/runs/{name}/resume")
    def resume(name: str) -> dict[str, Any]:
        trainings.resume(trainings.find(name))
        return ledger.summary(trainings, trainings.find(name))

    @router.get("/compare")
    def compare(runs: Annotated[str, Query(max_length=1000)]) -> Any:
        return clerk.run("side_by_side", paths=chosen(trainings, runs))

    @router.get("/compare/page")
    def compare_page(runs: Annotated[str, Query(max_length=1000)]) -> HTMLResponse:
        return page(clerk.run("comparison_page", paths=chosen(trainings, runs)))

    return router


async def stream(follower: ledger.Follower, request: Request, lang: str) -> AsyncIterator[str]:
    """A run's events, as long as somebody listens: what there is first, then whatever is new."""
    quiet = 0.0
    with speaking(lang):
        while not (follower.trainings.closed or await request.is_disconnected()):
            try:
                events = await run_in_threadpool(follower.look)
            except (OSError, Refused, UserError):  # the folder is gone, or spoiled
                yield "event: gone\ndata: {}\n\n"
                return
            for name, values in events:
                yield f"event: {name}\ndata: {json.dumps(values)}\n\n"
            quiet = 0.0 if events else quiet + LOOK_SECONDS
            if quiet > QUIET_SECONDS:
                quiet = 0.0
                yield ": still here\n\n"
            await asyncio.sleep(LOOK_SECONDS)


def page(text: str) -> HTMLResponse:
    """A page of its own that cannot do anything to ours."""
    return HTMLResponse(text, headers={"Content-Security-Policy": REPORT_POLICY})


def chosen(trainings: Trainings, names: str) -> list[str]:
    """The folders of the runs in `names`, commas between them (a name may have one itself). Raises Refused."""
    there = sorted((run.path.name for run in trainings.folders()), key=len, reverse=True)
    found = re.findall("|".join([*map(re.escape, there), "[^,]+"]), names)
    if len(found) > COMPARED:
        raise Refused(400, "lab.runs.compared", most=COMPARED)
    return [str(trainings.find(name).path) for name in found]


def listing(trainings: Trainings, path: str | None) -> dict[str, Any]:
    """What lies in a folder that data may be chosen from: folders, and files that hold many images. Raises Refused."""
    if path is None:
        roots = [{"name": str(place), "path": str(place), "folder": True} for place in trainings.allowed]
        return {"path": None, "parent": None, "places": roots}
    place = trainings.inside(path)
    if not place.is_dir():
        raise Refused(404, "lab.runs.no_folder", path=path[:200])
    found, images = [], 0
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                suffix = Path(entry.name).suffix.lower()
                if entry.name.startswith(".") or not speakable(entry.name):
                    continue
                if entry.is_dir():
                    found.append({"name": entry.name, "path": entry.path, "folder": True})
                elif suffix in (".zip", ".npz", ".tar", ".tgz", ".csv", ".tsv", ".gz"):
                    found.append({"name": entry.name, "path": entry.path, "folder": False})
                elif suffix in (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"):
                    images += 1
    except OSError as error:
        raise Refused(404, "lab.runs.no_folder", path=path[:200]) from error
    found.sort(key=lambda one: (not one["folder"], str(one["name"]).casefold()))
    up = place.parent
    parent = str(up) if any(up.is_relative_to(root.resolve()) for root in trainings.allowed) else None
    return {"path": str(place), "parent": parent, "images": images, "places": found[:ENTRIES]}

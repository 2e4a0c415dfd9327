"""Routes of exploring a run. The work is done by a process that holds torch: duelo.lab.explorer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import Field

from duelo.lab.asking import Asked, Body, reading
from duelo.lab.doors import Refused
from duelo.lab.errands import Errands
from duelo.lab.spot import SLIDERS, Label, Seed, Spot
from duelo.lab.trainings import Trainings

SHOWN = 400  # members in one answer
PICTURES = 2_500  # in one PNG
DEPTH = 2  # of ways within ways
At = Literal["best", "newest"]


class FromRun(Body):
    """Base of the bodies. at: which checkpoint."""

    at: At = "best"


class Samples(FromRun):
    """Samples 0 to n - 1 of a seed."""

    seed: Seed = 0
    n: Annotated[int, Field(ge=1, le=SHOWN)] = 36
    label: Label | None = None


class One(FromRun):
    """One spot."""

    spot: Spot


class Many(FromRun):
    """Some spots."""

    spots: Annotated[list[Spot], Field(min_length=1, max_length=64)]


class Map(FromRun):
    """A square of spots around one, along two of the directions, from -spread to spread: the second upwards."""

    spot: Spot
    spread: Annotated[float, Field(gt=0, le=5)] = 2.0
    size: Annotated[int, Field(ge=2, le=20)] = 9
    directions: tuple[Annotated[int, Field(ge=0, lt=SLIDERS)], Annotated[int, Field(ge=0, lt=SLIDERS)]] = (0, 1)


class Way(FromRun):
    """The way from one spot to another."""

    a: Spot
    b: Spot
    steps: Annotated[int, Field(ge=2, le=64)] = 9


def routes(trainings: Trainings, explorer: Errands) -> APIRouter:
    """The routes under /api/explore for the runs of `trainings`. explorer: of duelo.lab.explorer."""
    router = APIRouter(prefix="/api/explore", route_class=Asked)

    def ask(errand: str, name: str, at: At, **values: Any) -> Any:
        path = str(trainings.find(name).path)
        return explorer.run(errand, path=path, newest=at == "newest", **values)

    @router.get("/{name}")
    def about(name: str, at: At = "best") -> Any:
        return ask("about", name, at)

    @router.post("/{name}/samples")
    def samples(name: str, wanted: Annotated[Samples, Depends(reading(Samples))]) -> Response:
        return binary(ask("samples", name, wanted.at, seed=wanted.seed, n=wanted.n, label=wanted.label))

    @router.post("/{name}/latents")
    def latents(name: str, wanted: Annotated[Many, Depends(reading(Many))]) -> Response:
        return binary(ask("spots", name, wanted.at, spots=[sound(spot) for spot in wanted.spots]))

    @router.post("/{name}/map")
    def latent_map(name: str, wanted: Annotated[Map, Depends(reading(Map))]) -> Response:
        return binary(ask("spots", name, wanted.at, spots=square(wanted)))

    @router.post("/{name}/between")
    def between(name: str, wanted: Annotated[Way, Depends(reading(Way))]) -> Response:
        way = {"end": wanted.b, "steps": wanted.steps, "start": wanted.a.offsets, "offsets": ()}
        steps = [wanted.a.model_copy(update={**way, "step": i}) for i in range(wanted.steps)]
        return binary(ask("spots", name, wanted.at, spots=[sound(spot) for spot in steps]))

    @router.post("/{name}/neighbours")
    def neighbours(name: str, wanted: Annotated[One, Depends(reading(One))]) -> Response:
        return binary(ask("neighbours", name, wanted.at, spot=sound(wanted.spot)))

    @router.get("/{name}/download")
    def download(
        name: str,
        format: Literal["png", "npz"] = "png",  # noqa: A002
        seed: Annotated[int, Query(ge=0, lt=2**31)] = 0,
        n: Annotated[int, Query(ge=1, le=10_000)] = 100,
        label: Annotated[int | None, Query(alias="class", ge=0, lt=65_536)] = None,
        at: At = "best",
    ) -> Response:
        if format == "png" and n > PICTURES:
            raise Refused(400, "lab.explore.too_many", most=PICTURES)
        content = ask("download", name, at, n=n, seed=seed, label=label, suffix=format)
        return Response(
            content,
            media_type="image/png" if format == "png" else "application/octet-stream",
            headers={"Content-Disposition": f'attachment; filename="samples-seed{seed}.{format}"'},
        )

    return router


def binary(content: bytes) -> Response:
    """A packed message."""
    return Response(content, media_type="application/octet-stream", headers={"Cache-Control": "no-store"})


def sound(spot: Spot) -> Spot:
    """The spot, if it can be reached. Raises Refused where ways lie within ways within ways."""
    if spot.depth > DEPTH:
        raise Refused(400, "lab.explore.too_deep")
    return spot


def square(wanted: Annotated[Map, Depends(reading(Map))]) -> list[Spot]:
    """The spots of a map, row by row from the top."""
    across, up = wanted.directions
    ticks = [wanted.spread * (2 * i / (wanted.size - 1) - 1) for i in range(wanted.size)]
    centre = list(sound(wanted.spot).offsets) + [0.0] * (SLIDERS - len(wanted.spot.offsets))
    found = []
    for y in reversed(ticks):
        for x in ticks:
            offsets = list(centre)
            offsets[across] += x
            offsets[up] += y
            found.append(wanted.spot.model_copy(update={"offsets": tuple(offsets)}))
    return found

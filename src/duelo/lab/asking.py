"""How routes answer: in the language that they are asked in, and what is wrong with a request as one sentence."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from fastapi.requests import Request
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, ValidationError

from duelo.lab.doors import Refused, body, language_of
from duelo.words import UserError, speaking

Answering = Callable[[Request], Coroutine[Any, Any, Response]]
Model = TypeVar("Model", bound=BaseModel)


class Asked(APIRoute):
    """A route whose sentences are in the language of the request, those of UserErrors too."""

    def get_route_handler(self) -> Answering:
        """The route's own, with the language in force while it works."""
        answering = super().get_route_handler()

        async def answer(request: Request) -> Response:
            with speaking(language_of(request)):
                try:
                    return await answering(request)
                except UserError as error:
                    return JSONResponse({"error": str(error)}, 400)
                except RequestValidationError as error:
                    raise malformed(error) from None

        return answer


class Body(BaseModel):
    """Base of the bodies that are asked for: a key that does not exist is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def reading(model: type[Model]) -> Callable[[Request], Coroutine[Any, Any, Model]]:
    """A dependency: the request's body, at most as large and as deep as the doors allow. Raises Refused."""

    async def read(request: Request) -> Model:
        try:
            return model.model_validate(await body(request))
        except ValidationError as error:
            raise malformed(error) from None

    return read


def malformed(error: RequestValidationError | ValidationError) -> Refused:
    """What to say of a request that is wrong in some place, the first such place named."""
    where = [str(part) for part in error.errors()[0]["loc"] if part not in ("body", "query", "path")]
    return Refused(400, "lab.runs.malformed", field=".".join(where)[:100] or "?")

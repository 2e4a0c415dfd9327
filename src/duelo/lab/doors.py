"""Who may come in, and with how much: Host, Origin, token, sizes, rates, slow clients. In front of every route.

A page of another site can send requests to this server from within the user's browser. So the Host must be one of ours (a
name that was rebound to this address is none), a foreign Origin is refused, and whatever changes something must be JSON,
which no other site can send without asking first, and nobody here answers that question.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
import secrets
import socket
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from duelo.words import LANGUAGES, language, say

LARGEST = 1_000_000  # bytes of a body
DEEPEST = 16  # brackets within brackets
CONNECTIONS = 100
SECONDS = 10.0  # for the headers, for the body, and for a client to take what it is sent
RATE, BURST = 150.0, 400.0  # requests a second, and how many at once: a page makes 30 a second
CLIENTS = 1000  # whose rates are remembered
COOKIE = "duelo_token"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'; object-src 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class Refused(Exception):
    """A request that is answered with a status and one of our sentences."""

    def __init__(self, status: int, key: str, /, **values: object) -> None:
        self.status, self.key, self.values = status, key, values
        super().__init__(key)


@dataclass
class Doors:
    """What is asked of every request. host: the address that the server listens on. token: what else is needed, or None."""

    host: str
    token: str | None = None
    allowances: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)  # client -> (left, when)

    def check(self, scope: Scope) -> None:
        """Raises Refused unless this request may come in."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not self.ours(headers["host"]):
            raise Refused(403, "lab.server.host")
        client = scope.get("client")
        if not self.allowed(client[0] if client else "", time.monotonic()):
            raise Refused(429, "lab.server.often")
        plain = scope["method"] in ("GET", "HEAD")
        navigates = plain and headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        if headers.get("origin", f"http://{headers['host']}") != f"http://{headers['host']}" and not navigates:
            raise Refused(403, "lab.server.origin")
        if headers.get("sec-fetch-site", "none") in ("cross-site", "same-site") and not navigates:
            raise Refused(403, "lab.server.origin")
        if not plain and headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            raise Refused(400, "lab.server.json")
        if "transfer-encoding" in headers and "content-length" in headers:
            raise Refused(400, "lab.server.invalid")  # two lengths are two requests to somebody in between
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:12]) > LARGEST:
            raise Refused(413, "lab.server.large", most=LARGEST)

    def ours(self, host: str) -> bool:
        """Is this Host header one by which we may be asked? Any port: a tunnel has its own."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
            urlsplit(f"//{host}").port  # noqa: B018  # raises ValueError for one that is none
        except ValueError:
            return False
        if "@" in host or "/" in host or "?" in host or "#" in host:
            return False
        if name in LOOPBACK or name == self.host.lower():
            return True
        if self.host not in ("0.0.0.0", "::"):
            return False
        if name == socket.gethostname().lower():  # as the printed address has it
            return True
        try:  # all addresses of this machine: no name can be rebound to a number
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def allowed(self, client: str, now: float) -> bool:
        """Has this client not asked too often? Each request takes one from an allowance that refills by RATE a second."""
        left, when = self.allowances.pop(client, (BURST, now))
        left = min(BURST, left + RATE * (now - when))
        self.allowances[client] = (left - 1 if left >= 1 else left, now)
        if len(self.allowances) > CLIENTS:
            self.allowances.popitem(last=False)
        return left >= 1

    def knows(self, scope: Scope) -> bool:
        """Does the request bring the token, in a cookie?"""
        if self.token is None:
            return True
        for name, value in scope["headers"]:
            if name == b"cookie":
                try:
                    morsel = SimpleCookie(value.decode("latin-1")).get(COOKIE)
                except CookieError:
                    continue
                if morsel is not None and secrets.compare_digest(morsel.value.encode(), self.token.encode()):
                    return True
        return False

    def entrance(self, scope: Scope) -> Response | None:
        """For the address with the token: the cookie, and the address without it. None if it is not that address."""
        given = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=20).get("token", [""])[0]
        if self.token is None or scope["method"] != "GET" or not secrets.compare_digest(given.encode(), self.token.encode()):
            return None
        response = RedirectResponse(scope["path"] if scope["path"].startswith("/static/") else "/", 303)
        response.set_cookie(COOKIE, self.token, httponly=True, samesite="strict", path="/")
        return response


class Guard:
    """The doors around an application (ASGI). Bodies are cut off where they become too large, and headers added."""

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self.app, self.doors = app, doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or say why not."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                more = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in present]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        try:
            self.doors.check(scope)
            if not self.doors.knows(scope):
                entrance = self.doors.entrance(scope)
                if entrance is None:
                    raise Refused(403, "lab.server.token")
                await entrance(scope, receive, send_with_headers)
                return
            body = b"" if scope["method"] in ("GET", "HEAD") else await whole_body(receive)
        except (Refused, ValueError) as error:
            refused = error if isinstance(error, Refused) else Refused(400, "lab.server.invalid")
            response = refusal(Request(scope), refused.status, refused.key, **refused.values)
            response.headers["connection"] = "close"  # whatever body there is stays unread
            await response(scope, receive, send_with_headers)
            return
        pending = [body]

        async def receive_again() -> Message:
            if pending:
                return {"type": "http.request", "body": pending.pop(), "more_body": False}
            return await receive()

        await self.app(scope, receive_again, send_with_headers)


def refusal(request: Request, status: int, key: str, /, **values: object) -> Response:
    """One of our sentences as the answer, in the request's language; as it is for somebody who opens an address."""
    sentence = say(key, language_of(request), **values)
    if request.headers.get("sec-fetch-dest") == "document":
        return PlainTextResponse(sentence, status)
    return JSONResponse({"error": sentence}, status)


def language_of(request: Request) -> str:
    """The language of a request: as its address says (`lang`), else as its header says (`X-Lang`), else the server's."""
    try:
        asked = (request.query_params.get("lang"), request.headers.get("x-lang"))
    except ValueError:  # an address that cannot be read
        asked = (None, None)
    return next((one for one in asked if one in LANGUAGES), None) or language()


async def whole_body(receive: Receive) -> bytes:
    """A request's body. Raises Refused: it is too large, or its brackets go too deep."""
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "lab.server.invalid")
        part = message.get("body", b"")
        size, more = size + len(part), message.get("more_body", False)
        if size > LARGEST:
            raise Refused(413, "lab.server.large", most=LARGEST)
        parts.append(part)
    text = b"".join(parts)
    if depth(text) > DEEPEST:
        raise Refused(400, "lab.server.json")
    return text


def depth(text: bytes) -> int:
    """How deep the brackets go, at most; those in strings count as well."""
    deepest = now = 0
    for byte in re.findall(rb"[\[\]{}]", text):
        now += 1 if byte in b"[{" else -1
        deepest = max(deepest, now)
    return deepest


async def body(request: Request) -> dict[str, Any]:
    """The request's body, a JSON object. Raises Refused where it is none."""
    try:
        values = json.loads(await request.body() or b"{}", parse_constant=_no_number)
        json.dumps(values, ensure_ascii=False).encode()  # half a character could never be said back
    except ValueError as error:
        raise Refused(400, "lab.server.json") from error
    if not isinstance(values, dict):
        raise Refused(400, "lab.server.json")
    return values


def _no_number(name: str) -> float:
    raise ValueError(name)


class Protocol(H11Protocol):
    """HTTP as uvicorn speaks it, for patient servers and impatient doors.

    No more than CONNECTIONS at once; SECONDS for the headers, as many for the body, and as many to take what is sent.
    """

    _reading: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Somebody is there."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            text = b"HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            transport.write(text)
            transport.close()
            return
        self._expect()

    def data_received(self, data: bytes) -> None:
        """More of a request."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.cycle is not None and not self.cycle.more_body and not self.cycle.response_complete:
            self._expect_nothing()  # all of a request is here, and it is our turn
        elif self._reading is None:
            self._expect()

    def on_response_complete(self) -> None:
        """An answer is out. The next request has as much time, once it has begun."""
        self._expect_nothing()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._expect_nothing()
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not take what it is sent."""
        super().pause_writing()
        self._writing = self.loop.call_later(SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It does."""
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def _expect(self) -> None:
        self._reading = self.loop.call_later(SECONDS, self.transport.abort)

    def _expect_nothing(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

"""Requests that mean no good, as bytes."""

from __future__ import annotations

import json

from duelo.lab.doors import LARGEST


class Maker:
    """Requests for a lab at a port."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str, *headers: str, host: str | None = None, method: str = "GET") -> bytes:
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {f'127.0.0.1:{self.port}' if host is None else host}",
            "Connection: close",
            *headers,
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def post(self, path: str, body: bytes, *headers: str, method: str = "POST", kind: str = "application/json") -> bytes:
        return self.get(path, f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers, method=method) + body


def hostile(make: Maker) -> list[tuple[str, bytes]]:
    """Two hundred requests and more, each with a name."""
    home = f"http://127.0.0.1:{make.port}"
    requests: list[tuple[str, bytes]] = []

    def add(name: str, request: bytes) -> None:
        requests.append((name, request))

    ups = [
        "..",
        "%2e%2e",
        "..%2f",
        "%2e%2e%2f",
        "..\\",
        "%5c..",
        "..%5c",
        "....//",
        "..;",
        "%252e%252e",
        "..%00",
        "%c0%ae%c0%ae",
    ]
    for up in ups:
        for start in ("/static/", "/api/runs/", "/api/explore/", "/"):
            add(f"climb {start} {up}", make.get(start + "/".join([up] * 6) + "/secret.txt"))
    for path in (
        "/static//etc/passwd",
        "//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/../server.py",
        "/static/..%2fserver.py",
    ):
        add(f"path {path}", make.get(path))
    for path in (
        "file:///etc/passwd",
        "http://evil.example/",
        "*",
        "/%",
        "/%zz",
        "/\\..\\..",
        "/?" + "a=1&" * 2000,
        "/" + "x" * 9000,
    ):
        add(f"target {path[:20]}", make.get(path))
    names = [
        "..",
        ".",
        "link",
        "link/secret.txt",
        "%2e%2e",
        "..%2flab",
        "a%00b",
        "%ff%fe",
        "x" * 5000,
        "~root",
        "-rf",
        "CON",
        "🦊",
    ]
    for name in [name.encode("utf-8").decode("latin-1") for name in names]:
        for end in ("", "/report", "/grid/0", "/events", "/data"):
            add(f"run {name[:12]!r}{end}", make.get(f"/api/runs/{name}{end}"))
        add(f"explore {name[:12]!r}", make.get(f"/api/explore/{name}"))
        add(f"stop {name[:12]!r}", make.post(f"/api/runs/{name}/stop", b"{}"))
    for grid in ("..%2f..%2fsecret", "-1", "nan", "1e999", "x" * 999):
        add(f"grid {grid[:12]}", make.get(f"/api/runs/nothing/grid/{grid}"))
    for host in (
        "evil.example",
        "127.0.0.1.evil.example",
        "evil.example:80",
        "localhost.evil.example",
        "localhost@evil.example",
    ):
        add(f"host {host}", make.get("/api/state", host=host))
    for host in (
        "",
        " ",
        "[::1",
        "127.0.0.1:99999999",
        "127.0.0.1:x",
        "a" * 4000,
        "localhost/..",
        "0.0.0.0",
        "169.254.169.254",
    ):
        add(f"host {host[:20]!r}", make.get("/api/state", host=host))
    add("no host", b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    add("two hosts", make.get("/api/state", "Host: evil.example"))
    for origin in (
        "http://evil.example",
        "null",
        "https://127.0.0.1",
        home + ".evil.example",
        "http://127.0.0.1:1",
        "file://",
    ):
        add(f"origin {origin}", make.post("/api/live", b'{"width": 8}', f"Origin: {origin}"))
        add(f"origin of a page {origin}", make.get("/api/state", f"Origin: {origin}"))
    for site in ("cross-site", "same-site"):
        add(f"fetch {site}", make.get("/api/live", f"Sec-Fetch-Site: {site}", "Sec-Fetch-Mode: no-cors"))
        add(f"frame {site}", make.get("/", f"Sec-Fetch-Site: {site}", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"))
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "application/jsonp",
    ):
        add(f"kind {kind}", make.post("/api/live", b'{"width": 8}', kind=kind))
    bodies = [
        b"{",
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b"\xff\xfe",
        b"{}{}",
        b'{"a": NaN}',
        b'{"width": 1e999}',
        b'{"r1": -Infinity}',
    ]
    bodies += [
        b"[" * 100_000,
        b'{"a":' * 5000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"\\ud800": 1}',
        b'{"data": "\\u0000"}',
        b"\x00" * 99,
    ]
    bodies += [
        json.dumps({"data": path}).encode()
        for path in ("/etc", "../secret.txt", "..", "/proc/self/environ", "runs/link", "~")
    ]
    for i, body in enumerate(bodies):
        add(f"live {i}", make.post("/api/live", body))
        add(f"change {i}", make.post("/api/live", body, method="PATCH"))
        add(f"do {i}", make.post("/api/live/do", body))
        add(f"points {i}", make.post("/api/live/points", body))
        add(f"train {i}", make.post("/api/runs", body))
        add(f"inspect {i}", make.post("/api/runs/inspect", body))
        add(f"samples {i}", make.post("/api/explore/nothing/samples", body))
    for path in ("/etc/passwd", "../secret.txt", "/proc/self/mem", "/dev/zero", "runs/link", "\x00", "x" * 5000):
        add(f"inspect {path[:16]!r}", make.post("/api/runs/inspect", json.dumps({"path": path}).encode()))
    add("huge", make.post("/api/live", b"x" * (LARGEST + 10)))
    add(
        "huge by its word",
        make.get("/api/live", "Content-Type: application/json", "Content-Length: 99999999999999", method="POST"),
    )
    add("less than nothing", make.get("/api/live", "Content-Type: application/json", "Content-Length: -5", method="POST"))
    chunk = b"fffff\r\n" + b"y" * 0xFFFFF + b"\r\n"
    chunked = make.get("/api/live", "Content-Type: application/json", "Transfer-Encoding: chunked", method="POST")
    add("huge in pieces", chunked + chunk * 4 + b"0\r\n\r\n")
    add("pieces that are none", chunked + b"zz\r\nhello\r\n")
    both = ("Content-Type: application/json", "Transfer-Encoding: chunked", "Content-Length: 4")
    add("two lengths", make.get("/api/live", *both, method="POST") + b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n")
    for query in (
        "after=x",
        "heat=9999999",
        "heat=-1",
        "after=" + "9" * 400,
        "after=%00",
        "known=1e9&heat=nan",
        "heat=64&heat=x",
        "lang=../../x",
    ):
        add(f"frame {query[:20]}", make.get(f"/api/live/frame?{query}"))
    for method in ("DELETE", "PUT", "TRACE", "CONNECT", "OPTIONS", "FOO", "HEAD"):
        add(f"method {method}", make.get("/api/live", "Content-Type: application/json", method=method))
    add("many headers", make.get("/", *[f"X-{i}: y" for i in range(3000)]))
    add("a long header", make.get("/", "X: " + "y" * 200_000))
    add("a bad header", make.get("/", "no colon at all"))
    add("a split header", make.get("/api/state?x=%0d%0aSet-Cookie:%20a=b", "X-Lang: es\r\n folded"))
    add("upgrade", make.get("/api/state", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x"))
    for noise in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 500,
        b"SSH-2.0-x\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ):
        add(f"noise {noise[:8]!r}", noise)
    return requests

"""Hostile requests, sent as bytes: nothing breaks, nothing leaks, a training beside the server ends with the same bits."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import TINY, assert_same_runs, duelo, environment
from labs import RunningLab, running

from duelo.lab.doors import BURST, CONNECTIONS, DEEPEST, LARGEST, RATE, SECONDS, Doors, depth

SECRET = "the secret of 7f3a"
# odd, but what they ask for may be had
HARMLESS = {"a split header", "frame lang=../../x", "many headers", "upgrade", "target /?a=1&a=1&a=1&a=1&a="}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    folder = tmp_path_factory.mktemp("outer")
    (folder / "secret.txt").write_text(SECRET)
    (folder / "lab").mkdir()
    (folder / "lab/runs").mkdir()
    (folder / "lab/runs/link").symlink_to(folder)
    (folder / "lab/runs/recipe.toml").write_text(SECRET)
    with running(folder / "lab") as one:
        one.json("live", {"width": 16, "batch": 64, "play": True})
        yield one


def send(lab: RunningLab, request: bytes) -> bytes:
    """The answer to a request as it is; empty if there is none."""
    with socket.create_connection(("127.0.0.1", lab.port), timeout=30) as door:
        answer = b""
        try:
            door.sendall(request)
            while part := door.recv(65536):
                answer += part
        except (ConnectionResetError, BrokenPipeError):  # thrown out in the middle of it
            pass
        return answer


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


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


def test_two_hundred_hostile_requests(lab: RunningLab) -> None:
    """No 5xx, no file, no traceback; and the training in the same folder does not notice."""
    words = ["train", "ring", "--kimg", "4", *TINY]
    training = subprocess.Popen(
        [sys.executable, "-m", "duelo", *words, "--out", "runs/beside"],
        cwd=lab.folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    requests = hostile(Maker(lab.port))
    assert len(requests) >= 200
    with ThreadPoolExecutor(8) as crowd:  # some are cut off only after a while
        answers = list(crowd.map(lambda one: send(lab, one[1]), requests))
    for (name, _), answer in zip(requests, answers, strict=True):
        assert status(answer) < 500, (name, answer[:300])
        for leak in (SECRET.encode(), b"root:", b"Traceback", b"set-cookie: a=b"):
            assert leak not in answer, name
    granted = {name for (name, _), answer in zip(requests, answers, strict=True) if status(answer) == 200}
    assert granted <= HARMLESS
    counted = Counter(status(answer) for answer in answers)
    assert counted.get(429, 0) == 0, "the doors themselves were to be tested"
    assert counted[403] >= 20
    assert lab.json("state")["version"]
    assert lab.json("live")["settings"]["width"] == 16, "nobody changed anything"
    assert training.wait(300) == 0
    result = duelo(*words, "--out", "alone", cwd=lab.folder.parent)
    assert result.returncode == 0, result.stderr
    assert_same_runs(lab.folder / "runs/beside", lab.folder.parent / "alone")
    assert "Traceback" not in (lab.folder / "lab.log").read_text()


def test_a_thousand_quick_connections(lab: RunningLab) -> None:
    before = lab.json("live")["nimg"]

    def knock(i: int) -> int:
        with socket.create_connection(("127.0.0.1", lab.port), timeout=30) as door:
            if i % 2:
                return 0
            try:
                door.sendall(Maker(lab.port).get("/api/state"))
                return status(b"".join(iter(lambda: door.recv(65536), b"")))
            except ConnectionResetError:
                return 0

    with ThreadPoolExecutor(40) as crowd:
        codes = list(crowd.map(knock, range(1000)))
    assert set(codes) <= {0, 200, 429}
    assert codes.count(200) > 50
    time.sleep(BURST / RATE)
    assert lab.json("state")["version"]
    assert lab.json("live")["nimg"] >= before


def test_slow_clients_are_cut_off_and_nobody_waits_for_them(lab: RunningLab) -> None:
    make = Maker(lab.port)
    begun = [
        b"",  # says nothing at all
        b"GET / HTTP/1.1\r\nHost: 127",  # a header that never ends
        make.get("/api/live", "Content-Type: application/json", "Content-Length: 900", method="POST") + b'{"width"',
        # asks for much and takes none of it
        (make.get("/static/style.css").replace(b"Connection: close", b"Connection: keep-alive")) * 60,
    ]
    doors = []
    for words in begun:
        door = socket.socket()
        door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        door.connect(("127.0.0.1", lab.port))
        door.sendall(words)
        doors.append(door)
    start = time.monotonic()
    while time.monotonic() - start < SECONDS + 3:
        time.sleep(1)
        assert lab.json("state")["version"]
        for i in (1, 2):
            try:
                doors[i].sendall(b"a")  # a byte now and then does not help
            except (BrokenPipeError, ConnectionResetError):
                assert time.monotonic() - start > SECONDS - 1.5
    for door in doors:
        door.settimeout(5)
        try:
            while door.recv(65536):
                pass
        except ConnectionResetError:
            pass
        door.close()


def test_no_more_than_a_hundred_at_once(lab: RunningLab) -> None:
    doors = []
    try:
        doors += [socket.create_connection(("127.0.0.1", lab.port), timeout=10) for _ in range(CONNECTIONS + 20)]
        time.sleep(0.3)
        last = doors[-1]
        assert last.recv(100).startswith(b"HTTP/1.1 429 ")
    finally:
        for door in doors:
            door.close()
    time.sleep(0.3)
    assert lab.json("state")["version"]


def test_other_sites_may_neither_ask_nor_change_and_our_own_page_may(lab: RunningLab) -> None:
    make = Maker(lab.port)
    own = f"Origin: http://127.0.0.1:{lab.port}"
    assert status(send(lab, make.get("/api/state", own, "Sec-Fetch-Site: same-origin"))) == 200
    assert status(send(lab, make.post("/api/live/do", b'{"action": "pause"}', own))) == 200
    assert (
        status(
            send(lab, make.get("/", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"))
        )
        == 200
    )
    for foreign in (f"Origin: http://localhost:{lab.port}", "Origin: http://evil.example"):
        answer = send(lab, make.post("/api/live/do", b'{"action": "play"}', foreign, "X-Lang: es"))
        assert status(answer) == 403
        assert b"otro sitio no puede pedirle nada a este servidor" in answer
    assert lab.json("live")["state"] == "paused"
    # a tunnel has a port of its own
    assert status(send(lab, make.get("/api/state", "Origin: http://localhost:9000", host="localhost:9000"))) == 200


def test_who_asks_too_often_waits() -> None:
    doors = Doors("127.0.0.1")
    assert all(doors.allowed("a", 100.0) for _ in range(int(BURST)))
    assert not doors.allowed("a", 100.0)
    assert doors.allowed("b", 100.0), "another one is another one"
    assert sum(doors.allowed("a", 101.0) for _ in range(1000)) == int(RATE)
    page = Doors("127.0.0.1")
    assert all(page.allowed("page", i / 30) for i in range(30 * 60)), "a page asks 30 times a second"


@pytest.mark.parametrize(
    ("host", "asked", "ours"),
    [
        ("127.0.0.1", "localhost:1", True),
        ("127.0.0.1", "[::1]:8765", True),
        ("127.0.0.1", "192.168.1.4:8765", False),
        ("192.168.1.4", "192.168.1.4:8765", True),
        ("192.168.1.4", "192.168.1.5:8765", False),
        ("0.0.0.0", "192.168.1.5:8765", True),
        ("0.0.0.0", "evil.example:8765", False),
        ("::", "[fe80::1]:8765", True),
        ("127.0.0.1", "127.0.0.1@evil.example", False),
        ("127.0.0.1", "evil.example#localhost", False),
    ],
)
def test_by_which_names_it_is_asked(host: str, asked: str, ours: bool) -> None:
    assert Doors(host).ours(asked) is ours


def test_depth_is_that_of_the_brackets() -> None:
    assert [depth(text) for text in (b"", b"{}", b'{"a": [1, {"b": []}]}', b"]][[")] == [0, 1, 4, 0]
    assert depth(b"[" * DEEPEST) == DEEPEST

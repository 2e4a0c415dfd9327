"""Hostile requests, sent as bytes: nothing breaks, nothing leaks, a training beside the server ends with the same bits."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import TINY, assert_same_runs, duelo, environment
from hostile import Maker, hostile
from labs import RunningLab, running, until

from duelo.folder import RunFolder
from duelo.lab.doors import BURST, CONNECTIONS, DEEPEST, RATE, SECONDS, Doors, depth

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


def test_two_hundred_hostile_requests(lab: RunningLab) -> None:
    """No 5xx, no file, no traceback; and the training in the same folder does not notice."""
    words = ["train", "ring", "--kimg", "40", *TINY]
    training = subprocess.Popen(
        [sys.executable, "-m", "duelo", *words, "--out", "runs/beside"],
        cwd=lab.folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    beside = RunFolder(lab.folder / "runs/beside")
    until(lambda: beside.images_seen() > 0, every=0.05)
    assert training.poll() is None, "it trains while it all comes"
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
        ("0.0.0.0", f"{socket.gethostname()}:8765", True),
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

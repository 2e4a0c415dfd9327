"""A real lab for tests: the command, its address, its end; and a browser for its page."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import environment

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@dataclass
class RunningLab:
    """A lab that runs in `folder`."""

    folder: Path
    port: int
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def ask(self, path: str, body: Any = None, lang: str = "en", method: str | None = None) -> tuple[int, bytes]:
        """Status and content of a request under /api."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "X-Lang": lang}
        request = urllib.request.Request(f"{self.url}api/{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def json(self, path: str, body: Any = None, lang: str = "en", expect: int = 200) -> Any:
        status, content = self.ask(path, body, lang)
        assert status == expect, (status, content)
        return json.loads(content)

    def kill(self) -> None:
        """As the power does."""
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """As Ctrl-C does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
                raise


def open_lab(folder: Path, *options: object, port: int | None = None) -> RunningLab:
    """Start `duelo lab` in `folder` and wait until it answers."""
    port = port or free_port()
    command = [sys.executable, "-m", "duelo", "lab", "--port", str(port), "--no-browser", "--lang", "en", *map(str, options)]
    with (folder / "lab.log").open("a") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=log, stderr=log, text=True)
    lab = RunningLab(folder, port, process)
    for _ in range(300):
        try:
            assert lab.ask("state")[0] == 200
        except (urllib.error.URLError, ConnectionError):
            assert process.poll() is None, (folder / "lab.log").read_text()
            time.sleep(0.1)
        else:
            return lab
    raise AssertionError("the lab does not answer")


def latest(lab: RunningLab) -> dict[str, Any]:
    """What the server told last: the first event of a stream."""
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=60)
    connection.request("GET", "/api/live/events")
    answer = connection.getresponse()
    line = next(line for line in answer if line.startswith(b"data: "))
    connection.close()
    whole: dict[str, Any] = json.loads(line[6:])
    return whole


def with_runs(folder: Path, **runs: Path) -> Path:
    """The folder, with copies of these runs among the lab's."""
    for name, run in runs.items():
        shutil.copytree(run, folder / "runs" / name)
    return folder


@contextmanager
def running(folder: Path, *options: object) -> Iterator[RunningLab]:
    lab = open_lab(folder, *options)
    try:
        yield lab
    finally:
        lab.end()


def until(condition: Callable[[], Any], seconds: float = 120, every: float = 0.2) -> Any:
    """What `condition` gives once it is true."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(every)


def gone(pid: int) -> bool:
    """Has this process ended?"""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z"


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser: the system's, else Playwright's own, else a loud skip (the tests' summary gives its reason)."""
    from playwright.sync_api import Error, sync_playwright

    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        except Error:
            if CHROMIUM is not None:
                raise
            pytest.skip("NO BROWSER: install chromium (or `playwright install chromium`) to test the pages as they are seen")
        yield browser
        browser.close()


@contextmanager
def overheard(browser: Any, errors: list[str], width: int, height: int, **options: Any) -> Iterator[Any]:
    """A page of this size; whatever goes wrong on it is added to `errors`."""
    page = browser.new_page(viewport={"width": width, "height": height}, **options)
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    yield page
    page.close()


def show(page: Any, lab: RunningLab, hash_: str, lang: str = "en") -> None:
    """Open a view and wait until it is there."""
    page.goto(f"{lab.url}?lang={lang}{hash_}")
    page.wait_for_selector("html[data-ready]")

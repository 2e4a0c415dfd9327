"""What several tests share: running the command line as a user does, and tiny runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from duelo.folder import RunFolder

ROOT = Path(__file__).parents[1]
# small and quick, but every part of a run is in it: several checkpoints, grids and lines
TINY = [
    "--networks.width",
    "8",
    "--play.batch",
    "50",
    "--save.stats_kimg",
    "0.5",
    "--save.samples_kimg",
    "1",
    "--save.checkpoint_kimg",
    "1",
]

# a ring that takes some ten seconds, so that much can befall it meanwhile
LONG = {
    "networks.width": 8,
    "play.batch": 50,
    "save.stats_kimg": 2,
    "save.samples_kimg": 20,
    "save.checkpoint_kimg": 20,
    "save.judge_kimg": 20,
}
LONG_KIMG = 150


@pytest.fixture(scope="session", autouse=True)
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests leave the user's cache of packed images alone."""
    os.environ["DUELO_CACHE"] = str(tmp_path_factory.mktemp("cache"))


def environment() -> dict[str, str]:
    return {
        **{key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},  # as at a user's
        "DUELO_LANG": "en",
        "OMP_NUM_THREADS": os.environ.get("DUELO_TEST_THREADS", "1"),
        "COLUMNS": "200",
        "PYTHONWARNINGS": "error",
    }


def duelo(*arguments: object, cwd: Path, **options) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "duelo", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=300, **options)


def gratings(folder: Path, n: int, size: tuple[int, int], colour: bool, first: int = 0) -> Path:
    """A folder of `n` striped images (height, width), each with a direction, a period and tints of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    h, w = size
    y, x = np.mgrid[0:h, 0:w]
    for i in range(first, first + n):
        chance = np.random.default_rng(i)
        angle, period, phase = chance.uniform((0, 4, 0), (3.14, 16, 6.28))
        wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 6.28 / period + phase)[..., None]
        tint = chance.uniform(20, 110, 3 if colour else 1)
        pixels = (128 + wave * tint + chance.normal(0, 3, (h, w, 1))).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels if colour else pixels[..., 0]).save(folder / f"imagen ñ {i:04d}.png")
    return folder


def timeless(run: Path) -> list[str]:
    """The lines of stats.jsonl without their times."""
    lines = [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]
    assert all(set(line["time"]) == {"seconds", "images_per_second"} for line in lines)
    return [json.dumps({key: value for key, value in line.items() if key != "time"}) for line in lines]


def assert_same_runs(a: Path, b: Path) -> None:
    """The same weights, statistics and pictures, to the last bit."""
    assert timeless(a) == timeless(b)
    newest = [RunFolder(run).checkpoints()[0] for run in (a, b)]
    assert newest[0].name == newest[1].name
    assert newest[0].read_bytes() == newest[1].read_bytes()
    pictures = [{f.name: f.read_bytes() for f in (run / "samples").iterdir()} for run in (a, b)]
    assert pictures[0] == pictures[1]


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """duelo(...) in an empty folder."""
    return lambda *arguments, **options: duelo(*arguments, cwd=tmp_path, **options)


def finished(data: str, kimg: float, folder: Path) -> Path:
    """A finished tiny run in `folder`, shared by several tests: not to be changed."""
    result = duelo("train", data, "--kimg", kimg, "--out", folder / "run", *TINY, cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder / "run"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser for the pages."""
    from labs import chromium  # which imports this file

    with chromium() as started:
        yield started


@pytest.fixture
def errors() -> list[str]:
    """What goes wrong on `page`; a test that wants it to clears it."""
    return []


@pytest.fixture
def page(browser: Any, errors: list[str], request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page on which nothing went wrong, as wide as the parameter says. Named after `lab`, it is gone before its server."""
    from labs import overheard

    with overheard(browser, errors, getattr(request, "param", 1280), 900) as opened:
        yield opened
    assert errors == []


@pytest.fixture(scope="session")
def finished_ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on `ring`."""
    return finished("ring", 5, tmp_path_factory.mktemp("finished-ring"))


@pytest.fixture(scope="session")
def finished_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on `digits`."""
    return finished("digits", 3, tmp_path_factory.mktemp("finished-digits"))


@pytest.fixture(scope="session")
def long_ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run by LONG, begun on the command line and never touched."""
    folder = tmp_path_factory.mktemp("long-ring")
    options = [f"--{key}={value}" for key, value in LONG.items()]
    result = duelo("train", "ring", "--kimg", LONG_KIMG, "--out", folder / "run", *options, cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder / "run"


@pytest.fixture(scope="session")
def conditional(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose generator knows classes, long enough for them to look different."""
    folder = tmp_path_factory.mktemp("conditional")
    options = [*TINY, "--networks.conditional", "true", "--networks.pair", "lecture"]
    result = duelo("train", "digits", "--kimg", 2, "--out", folder / "run", *options, cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder / "run"

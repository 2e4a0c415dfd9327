"""What several tests share: running the command line as a user does, and tiny runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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


def environment() -> dict[str, str]:
    return {
        **os.environ,
        "DUELO_LANG": "en",
        "OMP_NUM_THREADS": os.environ.get("DUELO_TEST_THREADS", "1"),
        "COLUMNS": "200",
        "PYTHONWARNINGS": "error",
    }


def duelo(*arguments: object, cwd: Path, **options) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "duelo", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=300, **options)


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """duelo(...) in an empty folder."""
    return lambda *arguments, **options: duelo(*arguments, cwd=tmp_path, **options)


def finished(data: str, kimg: float, folder: Path) -> Path:
    """A finished tiny run in `folder`, shared by several tests: not to be changed."""
    result = duelo("train", data, "--kimg", kimg, "--out", folder / "run", *TINY, cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder / "run"


@pytest.fixture(scope="session")
def finished_ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on `ring`."""
    return finished("ring", 5, tmp_path_factory.mktemp("finished-ring"))


@pytest.fixture(scope="session")
def finished_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on `digits`."""
    return finished("digits", 3, tmp_path_factory.mktemp("finished-digits"))

"""How many threads a training takes, beside what other programs really use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from conftest import TINY, environment

from duelo import pace


@pytest.fixture
def crowded() -> Iterator[None]:
    """Every core but one (but at least one) has a program that never rests: what else is tested shall not be starved."""
    busy = max(1, (os.cpu_count() or 1) - 1)
    programs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
    yield
    for program in programs:
        program.kill()
        program.wait()


def train(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A short training with torch's own number of threads, unless `variables` say otherwise."""
    surroundings = {key: value for key, value in environment().items() if key != "OMP_NUM_THREADS"} | variables
    command = [sys.executable, "-m", "duelo", "train", "ring", "--kimg", "0.5", "--out", "run", *TINY]
    return subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True)


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core is one thread")
def test_a_run_leaves_cores_to_who_has_them(crowded: None, tmp_path: Path) -> None:
    result = train(tmp_path)
    assert result.returncode == 0, result.stderr
    assert "other programs use this machine: training on 1 of " in result.stderr
    assert json.loads((tmp_path / "run/machine.json").read_text())["threads"] == 1
    assert "other programs" not in train(tmp_path).stderr  # finished before: nothing is chosen any more


def test_who_says_how_many_threads_gets_them(crowded: None, tmp_path: Path) -> None:
    result = train(tmp_path, OMP_NUM_THREADS="2", OMP_WAIT_POLICY="PASSIVE")
    assert result.returncode == 0, result.stderr
    assert "other programs" not in result.stderr
    assert json.loads((tmp_path / "run/machine.json").read_text())["threads"] == 2


@pytest.mark.parametrize(("busy", "threads"), [(0, 4), (12, 4), (13, 3), (37, 3), (38, 2), (62, 2), (63, 1), (100, 1)])
def test_idle_cores_are_counted(busy: float, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of four threads on four cores, `busy` percent of which others use."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(pace.psutil, "cpu_percent", lambda seconds: busy)
    monkeypatch.setattr(pace.psutil, "cpu_count", lambda: 4)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(4)
        assert pace.leave_room() == (threads, 4)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)

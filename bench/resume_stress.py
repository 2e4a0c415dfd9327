"""Kill a training run with SIGKILL at 20 random instants; each resumed run must end bit-identical to one never touched.

    python bench/resume_stress.py

The instants are spread over the whole life of the process, start-up and last checkpoint included. Each finished case is
written to bench/results/resume_stress.jsonl; started again, the study goes on where it stopped.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from duelo.folder import RunFolder
from duelo.machine import processor

RESULTS = Path(__file__).parent / "results" / "resume_stress.jsonl"
CASES = 20
COMMAND = "train digits --kimg 6 --seed 3 --networks.width 8 --play.batch 50 --save.stats_kimg 0.5 --save.checkpoint_kimg 1"


def run(folder: Path, seconds: float | None = None) -> bool:
    """Run the command in `folder`, killed after `seconds`. Did it reach its end?"""
    process = subprocess.Popen(
        [sys.executable, "-m", "duelo", *COMMAND.split(), "--out", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    if process.returncode != 0:
        raise SystemExit(f"the command failed with code {process.returncode}")
    return True


def essence(folder: Path) -> tuple[bytes, list[dict[str, object]], dict[str, bytes]]:
    """All that must be equal: the last checkpoint, the statistics but for their times, the pictures."""
    lines = RunFolder(folder).stats()
    for line in lines:
        del line["time"]
    pictures = {file.name: file.read_bytes() for file in (folder / "samples").iterdir()}
    return RunFolder(folder).checkpoints()[0].read_bytes(), lines, pictures


def main() -> None:
    done = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    with tempfile.TemporaryDirectory() as temporary:
        whole = Path(temporary) / "whole"
        start = time.perf_counter()
        run(whole)
        life = time.perf_counter() - start
        expected = essence(whole)
        for case in range(len(done), CASES):
            folder, chance, kills = Path(temporary) / f"case{case}", random.Random(case), []
            while len(kills) < 1 + case % 3:  # one to three times, anew each time it ended before it could be killed
                instant = chance.uniform(0.05, 0.98) * life
                if run(folder, instant):
                    shutil.rmtree(folder)
                    kills.clear()
                else:
                    kills.append(round(instant, 3))
            run(folder)
            same = essence(folder) == expected
            cell = {
                "case": case,
                "killed_after_s": kills,
                "identical": same,
                "whole_run_s": round(life, 2),
                "torch": torch.__version__,
                "threads": torch.get_num_threads(),
                "machine": processor(),
            }
            RESULTS.parent.mkdir(exist_ok=True)
            with RESULTS.open("a") as file:
                file.write(json.dumps(cell) + "\n")
            done.append(cell)
            print(f"case {case}: killed after {kills} s: {'identical' if same else 'DIFFERENT'}", flush=True)
    identical = sum(cell["identical"] for cell in done)
    print(f"{identical} of {len(done)} resumed runs ended bit-identical")
    sys.exit(0 if identical == len(done) else 1)


if __name__ == "__main__":
    main()

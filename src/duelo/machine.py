"""What there is to compute with."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

import torch

from duelo.words import UserError


def find_device(name: str) -> str:
    """A device that works here: "cpu", "cuda" or "cuda:1"; "auto" is the first GPU, else the CPU. Raises UserError."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(r"cpu|cuda(:\d+)?", name):
        raise UserError("device.none", device=name)
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise UserError("device.none", device=name) from error
    return name


def describe(device: str) -> dict[str, str | int | None]:
    """What a run on `device` is trained on, for its report."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0] if names else cpu
    return {
        "device": torch.cuda.get_device_name(device) if device.startswith("cuda") else "CPU",
        "cpu": cpu,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }

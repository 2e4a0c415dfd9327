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
    return {
        "device": processor(device) if device.startswith("cuda") else "CPU",
        "cpu": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def processor(device: str = "cpu") -> str:
    """The name of a device, such as "AMD EPYC"; for a CPU its kind, such as "x86_64", where the system does not tell."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()

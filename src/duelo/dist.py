"""Who am I among the processes? In a single process: rank 0 of 1."""

from __future__ import annotations

import torch.distributed as dist


def rank() -> int:
    """This process's number, from 0."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def world() -> int:
    """How many processes play together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1

"""Cutting a data set into parts by content, so that the order and the names of its members do not matter."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def content_hashes(members: NDArray[np.uint8]) -> list[bytes]:
    """The SHA-256 of each member's bytes; members [n, ...] uint8."""
    return [hashlib.sha256(member.tobytes()).digest() for member in members]


def split_by_content(hashes: list[bytes], heldout: int, referee: int) -> dict[str, NDArray[np.int64]]:
    """Indices of the parts: in the order of their hashes, first `heldout` members, then `referee`, the rest is train.

    Equal members (equal hashes) never fall on both sides: a group of them that straddles a border goes wholly to the
    earlier part, which then is that much larger. Within a part, indices ascend.
    """
    order = np.array(sorted(range(len(hashes)), key=lambda i: hashes[i]), dtype=np.int64)

    def border(wanted: int) -> int:
        while 0 < wanted < len(order) and hashes[order[wanted]] == hashes[order[wanted - 1]]:
            wanted += 1
        return wanted

    first = border(heldout)
    second = border(first + referee)
    return {
        "heldout": np.sort(order[:first]),
        "referee": np.sort(order[first:second]),
        "train": np.sort(order[second:]),
    }

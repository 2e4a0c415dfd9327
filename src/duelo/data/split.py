"""Cutting a data set into parts by content, so that the order and the names of its members do not matter."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from duelo.words import UserError

PARTS = ("train", "referee", "heldout", "left out")
HELDOUT, MOST_HELDOUT = 1 / 6, 10_000  # share of the images, and at most so many
REFEREE, MOST_REFEREE = 0.04, 2_000
FEWEST = 3  # different images: one for each part
LARGE_GROUP = 0.1  # a group of alike images that is more than this share of all stays in train


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


def parts_of(keys: list[bytes], given: list[bool], place: str) -> NDArray[np.uint8]:
    """The part of each row, an index into PARTS. keys: the rows' groups; given: rows that the user holds out."""
    groups, n = Counter(keys), len(keys)
    parts = np.full(n, PARTS.index("train"), np.uint8)
    taken = {key for key, mine in zip(keys, given, strict=True) if mine}
    free = [i for i in range(n) if keys[i] not in taken]
    parts[[i for i in range(n) if keys[i] in taken]] = PARTS.index("left out")
    parts[np.array(given)] = PARTS.index("heldout")
    # a large group is moved behind all others, so that it is never held out
    order = [(b"\xff" * 4 if groups[keys[i]] > max(1, LARGE_GROUP * n) else b"") + keys[i] for i in free]
    different = len(set(order))
    fewest = FEWEST - bool(taken)
    if different < fewest:
        raise UserError("data.too_few", path=place, n=n, different=different, fewest=fewest)
    heldout, referee = (0, wanted(order)[1]) if taken else wanted(order)
    split = split_by_content(order, heldout, referee)
    for name in ("referee", "heldout"):
        parts[np.array(free)[split[name]]] = PARTS.index(name)
    if not (parts == PARTS.index("train")).any():
        raise UserError("data.too_few", path=place, n=n, different=different, fewest=fewest)
    return parts


def wanted(keys: list[bytes]) -> tuple[int, int]:
    """How many members are held out and how many are the referee's.

    A member's part follows from where its key, read as a number, lies in [0, 1): so whether an image is held out does not
    depend on which others there are, but for the limits.
    """
    places = np.array([int.from_bytes(key[:6], "big") for key in keys]) / 2.0**48
    heldout = int((places < HELDOUT).sum())
    referee = int((places < HELDOUT + REFEREE).sum()) - heldout
    n = len(keys)  # of a handful of images, chance must not leave none to train on
    return max(1, min(heldout, MOST_HELDOUT, n // 3)), max(1, min(referee, MOST_REFEREE, n // 6))

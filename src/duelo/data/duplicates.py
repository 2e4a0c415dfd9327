"""Which members of a data set are the same image, or nearly: so that no two of them fall into different parts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

THUMB = 8  # side of the thumbnails by which images are compared
NEAR = 3.0  # root mean square difference of two thumbnails, in grey levels of 255, at which they count as the same ...
ALIKE = 0.01  # ... if it is also less than this share of their own contrast, as variances: flat images differ in little
FLAT = 0.001  # more than rounding: of thumbnails without any contrast, even equal ones say nothing
ROUNDING = 3e-5  # more than single precision can be wrong, as a share of two squared lengths
BLOCK = 1024
MOST_PAIRS = 3_000_000_000  # that are compared, about half a minute; only beyond them near pairs can be missed


def thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Means over an 8 x 8 lattice of tiles: pixels [c, h, w] (each side at least 8) -> [c * 64] float32 in 0..255."""
    _, h, w = pixels.shape
    rows, columns = np.arange(THUMB) * h // THUMB, np.arange(THUMB) * w // THUMB
    sums: NDArray[np.float32] = np.add.reduceat(np.add.reduceat(pixels, rows, 1, np.float32), columns, 2)
    areas = np.diff([*rows, h])[:, None] * np.diff([*columns, w])
    means: NDArray[np.float32] = (sums / areas).astype(np.float32)
    return means.reshape(-1)


def near_groups(thumbs: NDArray[np.float32]) -> NDArray[np.int64]:
    """A number for each member [n], equal for those that a chain of nearly equal thumbnails [n, d] connects.

    Every near pair is found, unless there are more than MOST_PAIRS candidates. Two vectors no further apart than r are no
    further apart along any direction: sorted along the one in which they vary most, only neighbours need to be compared.
    """
    n, d = thumbs.shape
    centred = thumbs - thumbs.mean(0)
    some = centred[:: max(1, n // 4096)]
    places = centred @ np.linalg.eigh(some.T @ some)[1][:, -1]
    order = np.argsort(places, kind="stable")
    places, vectors = places[order], centred[order]
    squares = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    contrast = thumbs[order].reshape(n, -1, THUMB**2).var(2).mean(1)
    ends = np.searchsorted(places, places + NEAR * np.sqrt(d), "right")
    ends = np.minimum(ends, np.arange(n) + max(BLOCK, MOST_PAIRS // n))
    groups = np.arange(n)  # of the sorted members
    for start in range(0, n, BLOCK):
        mine = slice(start, min(start + BLOCK, n))
        for column in range(start, int(ends[mine.stop - 1]), BLOCK):
            other = slice(column, min(column + BLOCK, n))
            sums = squares[mine, None] + squares[other]
            limits = d * np.minimum(NEAR**2, ALIKE * (contrast[mine, None] + contrast[other]))
            rough = sums * (1 - ROUNDING) - 2 * vectors[mine] @ vectors[other].T
            close = (rough <= limits) & (groups[mine, None] != groups[other])
            if not close.any():  # as nearly always; and in a film of one scene, since all of it is one group by now
                continue
            products = vectors[mine].astype(np.float64) @ vectors[other].astype(np.float64).T
            rows, columns = np.nonzero(close & (sums - 2 * products + FLAT <= limits))
            groups = _joined(groups, rows + start, columns + column)
    result = np.empty(n, np.int64)
    result[order] = order[groups]
    return result


def _joined(groups: NDArray[np.int64], one: NDArray[np.intp], other: NDArray[np.intp]) -> NDArray[np.int64]:
    """The groups after those of the members `one` and `other` became one; each is named by its first member."""
    while (apart := groups[one] != groups[other]).any():
        one, other = one[apart], other[apart]
        parent = np.arange(len(groups))
        np.minimum.at(parent, np.maximum(groups[one], groups[other]), np.minimum(groups[one], groups[other]))
        while not np.array_equal(parent, parent[parent]):
            parent = parent[parent]
        groups = parent[groups]
    return groups


def group_keys(hashes: list[bytes], thumbs: Mapping[bytes, NDArray[np.float32]]) -> list[bytes]:
    """A key for each member, the same within its group: the members that are the same image, or nearly, in a chain.

    It is the SHA-256 of the smallest content hash of the group: hashed again, so that large groups have no smaller keys than
    others. hashes: of the members' contents. thumbs: the thumbnail [d] of each content.
    """
    contents = sorted(thumbs)  # so that the smallest of a group comes first
    groups = near_groups(np.stack([thumbs[content] for content in contents])).tolist()
    smallest: dict[int, bytes] = {}
    for content, group in zip(contents, groups, strict=True):
        smallest.setdefault(group, content)
    names = {group: hashlib.sha256(content).digest() for group, content in smallest.items()}
    keys = {content: names[group] for content, group in zip(contents, groups, strict=True)}
    return [keys[content] for content in hashes]

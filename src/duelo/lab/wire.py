"""How arrays travel to the page: a JSON header, then the arrays as they lie in memory. static/wire.js reads it.

Four bytes with the header's length (little-endian), the header, zero bytes up to a multiple of 8, then the arrays one after
another, each filled up to a multiple of 8. The header: {"meta": {...}, "arrays": [{"name", "dtype", "shape"}, ...]}.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SIZES = {"u1": 1, "i4": 4, "f4": 4}
ALIGNMENT = 8


@dataclass(frozen=True)
class Array:
    """An array as the wire knows it: its name, its kind (u1, i4 or f4, little-endian), its shape and its bytes."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: bytes


def array(name: str, values: Any) -> Array:
    """An array of numpy, by its name. Raises ValueError unless its numbers are uint8, int32 or float32."""
    dtype = values.dtype.str.lstrip("<|")
    if dtype not in SIZES:
        raise ValueError(f"{name} holds {values.dtype}, which does not travel: make it uint8, int32 or float32")
    return Array(name, dtype, tuple(values.shape), values.tobytes())


def members(name: str, values: Any) -> Array:
    """A tensor of members: images [n, c, h, w] uint8 travel as [n, h, w, c], points [n, 2] float32 as they are."""
    upright = values.permute(0, 2, 3, 1).contiguous() if values.ndim == 4 else values
    return array(name, upright.numpy())


def pack(meta: Mapping[str, Any], arrays: Iterable[Array]) -> bytes:
    """All of it as one message."""
    arrays = list(arrays)
    entries = [{"name": one.name, "dtype": one.dtype, "shape": list(one.shape)} for one in arrays]
    header = json.dumps({"meta": meta, "arrays": entries}, allow_nan=False).encode()
    parts = [struct.pack("<I", len(header)) + header, *(one.data for one in arrays)]
    return b"".join(part + bytes(-len(part) % ALIGNMENT) for part in parts)


def unpack(message: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """The inverse: what stands in `meta`, and the arrays by their names. Raises ValueError where a message is cut off."""
    (length,) = struct.unpack_from("<I", message)
    header = json.loads(message[4 : 4 + length])
    place, arrays = _aligned(4 + length), {}
    for entry in header["arrays"]:
        size = math.prod(entry["shape"]) * SIZES[entry["dtype"]]
        if place + size > len(message):
            raise ValueError(f"the message ends within {entry['name']}")
        data = message[place : place + size]
        arrays[entry["name"]] = Array(entry["name"], entry["dtype"], tuple(entry["shape"]), data)
        place = _aligned(place + size)
    return header["meta"], arrays


def _aligned(place: int) -> int:
    return place + -place % ALIGNMENT

"""Looking at a source before it is packed: what kinds of images there are, and what they have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from duelo.data.decode import Header, Unreadable, read_frame, read_header, without_warnings
from duelo.data.framing import Framing, lost_share
from duelo.data.sources import Bad, Source

TRIED = 64  # pictures that are decoded to see whether the colour ones are grey in truth
GREY = {"1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"}


@dataclass(frozen=True)
class Progress:
    """How far packing is. stage: "look" (at each header) or "pack" (decode and write)."""

    stage: str
    done: int
    total: int


@dataclass
class Survey:
    """What the headers of a source say, by the members' numbers. bad: those that cannot be read."""

    headers: dict[int, Header]
    bad: list[Bad]


def survey(source: Source) -> Generator[Progress, None, Survey]:
    """Read every header: a Survey, as the generator's value."""
    headers: dict[int, Header] = {}
    different: dict[Header, Header] = {}  # each is kept once
    bad: list[Bad] = []
    total = len(source)
    for i, member in enumerate(source.members()):
        try:
            with without_warnings():
                header = read_header(member.opener)
            headers[i] = different.setdefault(header, header)
        except Unreadable as error:
            bad.append((member.name, error.key, error.values))
        if i % 256 == 0:
            yield Progress("look", i, total)
    return Survey(headers, bad)


def seems_grey(source: Source, found: Survey, framing: Framing) -> bool:
    """Are all of its images grey, as far as their modes and the pixels of a few tell?"""
    tinted = len(set(framing.background())) > 1
    doubtful = [i for i, header in found.headers.items() if header.mode not in GREY or (header.transparent and tinted)]
    if not doubtful:
        return True
    tried = set(doubtful[:: max(1, len(doubtful) // TRIED)])
    for i, member in enumerate(source.members()):
        if i > max(tried):
            break
        if i in tried:
            with suppress(Unreadable), without_warnings():
                if read_frame(member.opener, framing, None).colour:
                    return False
    return True


def describe(sources: list[Source], surveys: list[Survey], framing: Framing, channels: int) -> dict[str, Any]:
    """What was found and decided, for the pack's info: plain values."""
    headers = [header for found in surveys for header in found.headers.values()]
    h, w = framing.size or (0, 0)
    notes = [source.notes for source in sources]
    shapes = Counter((header.height, header.width) for header in headers)
    other = [header for header in headers if (header.height, header.width) != (h, w)]
    return {
        "source": str(sources[0].path),
        "heldout": str(sources[1].path) if len(sources) > 1 else None,
        "kind": sources[0].kind,
        "size": [h, w],
        "channels": channels,
        "fit": framing.fit,
        "alpha": framing.alpha,
        "bad": [entry for note in notes for entry in note.bad] + [entry for found in surveys for entry in found.bad],
        "others": sum(note.others for note in notes),
        "links": sum(note.links for note in notes),
        "mixed_labels": any(note.mixed for note in notes),
        "sizes": [[*size, count] for size, count in shapes.most_common(20)],
        "different_sizes": len(shapes),
        "modes": dict(Counter(header.mode for header in headers).most_common()),
        "formats": dict(Counter(header.format for header in headers).most_common()),
        "transparent": sum(header.transparent for header in headers),
        "animated": sum(header.animated for header in headers),
        "resized": len(other),
        "enlarged": sum(header.height < h or header.width < w for header in headers),
        "cut": float(np.mean([lost_share(header.width, header.height, (h, w)) for header in headers])),
    }

"""Decoding a source once into a packed file: looked at, framed, hashed, cut into parts."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import struct
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from duelo.checkpoint import writing
from duelo.data.decode import Unreadable, read_frame, without_warnings
from duelo.data.duplicates import group_keys, thumbnail
from duelo.data.framing import LARGEST, SMALLEST, Framing, choose_size
from duelo.data.packed import FORMAT, ROOM
from duelo.data.sources import Bad, Member, Source, label_names
from duelo.data.split import parts_of
from duelo.data.survey import Progress, Survey, describe, seems_grey, survey
from duelo.words import UserError, say

BATCH = 160 * 2**20  # bytes of encoded and decoded pictures in memory at a time, for each core
SHARE = 8  # members that a core takes at a time
LISTED = 1000  # unreadable files and duplicates that are named; all are counted


class ColourFound(Exception):
    """A picture in colour among those that all seemed grey."""


@dataclass(frozen=True)
class Row:
    """One member, ready to be written: its pixels, their SHA-256, their thumbnail, whether they are in colour."""

    content: bytes
    hash: bytes
    thumb: NDArray[np.float32]
    colour: bool


@dataclass
class Written:
    """What packing knows of the rows written so far, besides their pixels."""

    names: list[str]
    labels: list[str | None]
    hashes: list[bytes]
    thumbs: dict[bytes, NDArray[np.float32]]  # by hash
    given: list[bool]  # from the source of held-out images
    bad: list[Bad]


def pack(source: Source, framing: Framing, out: Path, heldout: Source | None = None) -> Iterator[Progress]:
    """Pack `source` into the file `out`, which appears when it is whole and not before.

    heldout: a source whose images are the held-out part; those of `source` that are alike to one of them are left out.
    Raises UserError: there is nothing to train on, or no room on the disk.
    """
    if framing.size is not None and not all(SMALLEST <= side <= LARGEST for side in framing.size):
        raise UserError("data.size", size=framing.size, least=SMALLEST, most=LARGEST)
    sources = [source] if heldout is None else [source, heldout]
    surveys = [(yield from survey(source))]
    if heldout is not None:
        surveys += [(yield from survey(heldout))]
    headers = [header for found in surveys for header in found.headers.values()]
    if not surveys[0].headers:
        raise nothing(source, surveys[0])
    if not surveys[-1].headers:
        raise nothing(sources[-1], surveys[-1])
    sizes = Counter((header.height, header.width) for header in surveys[0].headers.values())
    framing = replace(framing, size=framing.size or choose_size(sizes))
    framing.background()  # a colour that does not exist is found out now
    channels = 1 if all(seems_grey(place, found, framing) for place, found in zip(sources, surveys, strict=True)) else 3
    channels += framing.alpha == "keep" and any(header.transparent for header in headers)
    with whole_or_nothing(out) as file:
        try:
            written = yield from write_images(file, sources, surveys, framing, channels)
        except ColourFound:
            written = yield from write_images(file, sources, surveys, framing, channels + 2)
            channels += 2
        index(file, written, describe(sources, surveys, framing, channels), (channels, *framing.size))  # type: ignore[misc]


def nothing(source: Source, found: Survey) -> UserError:
    """What to say of a source in which there is not one image."""
    bad = [*source.notes.bad, *found.bad]
    if bad:
        return all_bad(source.path, bad)
    return UserError("data.no_images", path=source.path, others=source.notes.others)


def all_bad(path: Path | str, bad: list[Bad]) -> UserError:
    """What to say when not one image can be read."""
    name, key, values = bad[0]
    return UserError("data.all_bad", path=path, n=len(bad), name=name, why=say(key, None, **values))


def write_images(
    file: IO[bytes], sources: list[Source], surveys: list[Survey], framing: Framing, channels: int
) -> Generator[Progress, None, Written]:
    """Decode on all cores and write the rows in the sources' order: what was Written, as the generator's value.

    Raises ColourFound if one is in colour and `channels` are those of grey images.
    """
    h, w = framing.size or (0, 0)
    total = sum(len(found.headers) for found in surveys)
    room_for(file, total * channels * h * w)
    file.seek(ROOM)
    file.truncate()
    written = Written([], [], [], {}, [], [])
    workers = os.cpu_count() or 1

    def rows(members: list[Member]) -> list[Row | Unreadable]:
        return [row(member, framing, channels) for member in members]

    with ThreadPoolExecutor(workers) as pool:
        for source, found in zip(sources, surveys, strict=True):
            kept, bad = len(written.names), len(written.bad)
            for members in batches(source, found, workers):
                with without_warnings():
                    shares = (members[i : i + SHARE] for i in range(0, len(members), SHARE))
                    results = [result for share in pool.map(rows, shares) for result in share]
                for member, result in zip(members, results, strict=True):
                    if isinstance(result, Unreadable):
                        written.bad.append((member.name, result.key, result.values))
                        continue
                    if result.colour and channels < 3:
                        raise ColourFound
                    keep(file, written, member, result, source is not sources[0])
                yield Progress("pack", len(written.names) + len(written.bad), total)
            if len(written.names) == kept:
                raise all_bad(source.path, [*source.notes.bad, *found.bad, *written.bad[bad:]])
    return written


def batches(source: Source, found: Survey, workers: int) -> Iterator[list[Member]]:
    """The members that can be read, as many at a time as are to be in memory together."""
    batch: list[Member] = []
    nbytes = 0
    for i, member in enumerate(source.members()):
        if i not in found.headers:
            continue
        more = member.nbytes + 4 * found.headers[i].width * found.headers[i].height
        if batch and (len(batch) == 8 * SHARE * workers or nbytes + more > BATCH * workers):
            yield batch
            batch, nbytes = [], 0
        batch.append(member)
        nbytes += more
    if batch:
        yield batch


def row(member: Member, framing: Framing, channels: int) -> Row | Unreadable:
    """All that is made of one member, on whatever core."""
    try:
        frame = read_frame(member.opener, framing, channels)
    except Unreadable as error:
        return error
    content = frame.pixels.tobytes()
    return Row(content, hashlib.sha256(content).digest(), thumbnail(frame.pixels), frame.colour)


def keep(file: IO[bytes], written: Written, member: Member, row: Row, given: bool) -> None:
    """Write one row, and note what it is."""
    file.write(row.content)
    written.names.append(member.name)
    written.labels.append(member.label)
    written.thumbs.setdefault(row.hash, row.thumb)
    written.hashes.append(row.hash)
    written.given.append(given)


def room_for(file: IO[bytes], nbytes: int) -> None:
    """Raises UserError if the disk that `file` is on has not so much room and some to spare."""
    status = os.fstatvfs(file.fileno()) if sys.platform != "win32" else None
    if status is not None and status.f_bavail * status.f_frsize < 1.05 * nbytes + 2**20:
        raise UserError("data.room", needed=f"{nbytes / 2**30:.1f}", free=f"{status.f_bavail * status.f_frsize / 2**30:.1f}")


def index(file: IO[bytes], written: Written, info: dict[str, Any], shape: tuple[int, int, int]) -> None:
    """After the images: labels, hashes, parts, names, and what is known of the whole; then the header."""
    n = len(written.names)
    keys = group_keys(written.hashes, written.thumbs)
    parts = parts_of(keys, written.given, info["source"])
    classes = label_names(label for label in written.labels if label is not None)
    labelled = len(classes) > 1 and None not in written.labels
    numbers = {name: i for i, name in enumerate(classes)}
    copies = Counter(written.hashes)
    groups = Counter(keys)
    info |= {
        "classes": classes if labelled else [],
        "unreadable": len(info["bad"]) + len(written.bad),
        "bad": (info["bad"] + written.bad)[:LISTED],
        "exact": n - len(copies),
        "near": len(copies) - len(groups),
        "alike": alike(written.names, keys, groups),
    }
    columns = {
        "images": None,
        "hashes": np.frombuffer(b"".join(written.hashes), np.uint8).reshape(n, 32),
        "parts": parts,
        "labels": np.array([numbers[label] for label in written.labels], "<i8") if labelled else None,  # type: ignore[index]
        "names": np.frombuffer("\n".join(written.names).encode("utf-8", "replace"), np.uint8),
        "info": np.frombuffer(json.dumps(info).encode(), np.uint8),
    }
    end = n * int(np.prod(shape))
    header: dict[str, Any] = {"__metadata__": {"format": FORMAT}}
    header["images"] = {"dtype": "U8", "shape": [n, *shape], "data_offsets": [0, end]}
    for name, column in columns.items():
        if column is not None:
            file.write(column.tobytes())
            kind = "U8" if column.dtype == np.uint8 else "I64"
            header[name] = {"dtype": kind, "shape": list(column.shape), "data_offsets": [end, end + column.nbytes]}
            end += column.nbytes
    file.seek(0)
    file.write(struct.pack("<Q", ROOM - 8) + json.dumps(header).encode().ljust(ROOM - 8))


def alike(names: list[str], keys: list[bytes], groups: Counter[bytes]) -> list[list[str]]:
    """The names in each group of several, the largest groups first."""
    members: dict[bytes, list[str]] = {key: [] for key, count in groups.most_common(LISTED) if count > 1}
    for name, key in zip(names, keys, strict=True):
        if key in members and len(members[key]) < 10:
            members[key].append(name)
    return list(members.values())


@contextmanager
def whole_or_nothing(out: Path) -> Iterator[IO[bytes]]:
    """A file to write and read that becomes `out` at the end if nothing goes wrong, and else leaves no trace.

    On Linux it has no name until then, so that not even a kill leaves half of it.
    """
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    with writing(out):
        nameless = nameless_file(out.parent)
        file = os.fdopen(nameless, "w+b") if nameless is not None else temporary.open("w+b")
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if nameless is not None:
                temporary.unlink(missing_ok=True)
                here = os.open(out.parent, os.O_RDONLY)  # given a folder, Python asks for linkat, which follows the link
                try:
                    os.link(f"/proc/self/fd/{nameless}", temporary.name, src_dir_fd=here, dst_dir_fd=here)
                finally:
                    os.close(here)
            os.replace(temporary, out)
        finally:
            try:
                file.close()  # a full disk is noticed here at the latest
            finally:
                temporary.unlink(missing_ok=True)


def nameless_file(folder: Path) -> int | None:
    """The descriptor of a new file without a name in `folder`, or None where the system has no such thing."""
    if sys.platform != "linux":
        return None
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o644)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT):
            return None
        raise UserError("write.failed", path=folder, why=error.strerror) from error

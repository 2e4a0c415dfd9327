"""Where a user's images come from: each reader gives the same thing, members with a name, perhaps a label, and a picture.

Nothing is ever unpacked to the disk, no pickle is read, no link to a folder is followed, and what a file claims of its
own size is not believed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import stat
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from duelo.data.decode import Opener, picture, plain
from duelo.words import UserError, say

MOST_TABLE = 64 * 2**20  # bytes of a table
IMAGES = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
Bad = tuple[str, str, dict[str, object]]  # an image that cannot be read: its name, and why (a key of words, its values)


@dataclass(frozen=True)
class Member:
    """One image of a source: its name (for people), its label or None, and how its picture is opened.

    nbytes: the memory that it takes before it is decoded.
    """

    name: str
    label: str | None
    opener: Opener
    nbytes: int = 0


@dataclass
class Notes:
    """What a reader noticed besides images: files of other kinds, links that were not followed, labels that went unused."""

    others: int = 0
    links: int = 0
    mixed: bool = False
    bad: list[Bad] = field(default_factory=list)  # images that cannot even be opened


class Source(ABC):
    """A place with images. kind: what it is, for people; notes: what was noticed while it was listed."""

    kind: str

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes = Notes()

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def members(self) -> Iterator[Member]:
        """The members, in an order of the source's own; each can be opened while the iteration lasts."""

    def signature(self) -> str:
        """Changes when the source does: made of names, sizes and times of change, not of contents."""
        return signature_of(self.path)


def signature_of(path: Path) -> str:
    """A file's place, size and time of change."""
    return json.dumps([str(path.resolve()), *_stamp(path)])


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:  # gone since it was listed
        return -1, -1
    return status.st_size, status.st_mtime_ns


class Files(Source):
    """Image files on the disk, given as (file, name, label): as texts, for there may be millions."""

    def __init__(self, path: Path, kind: str, entries: list[tuple[str, str, str | None]], notes: Notes) -> None:
        super().__init__(path)
        self.kind, self.entries, self.notes = kind, entries, notes

    def __len__(self) -> int:
        return len(self.entries)

    def members(self) -> Iterator[Member]:
        """The files in the order of their names."""
        for file, name, label in self.entries:
            yield Member(name, label, lambda file=file: picture(Path(file)))  # type: ignore[misc]

    def signature(self) -> str:
        """Names, labels, sizes and times of all the files."""
        lines = (json.dumps([name, label, *_stamp(Path(file))]) for file, name, label in self.entries)
        digest = hashlib.sha256("\n".join(lines).encode())
        return json.dumps([str(self.path.resolve()), digest.hexdigest()])


def read_folder(path: Path) -> Files:
    """A folder of images: its subfolders, if all images are in some, are the classes."""
    notes = Notes()
    files = sorted(_images(path, notes))
    names = [within(path, file) for file in files]
    labels = labels_of(names, notes)
    return Files(path, "folder", list(zip(files, map(plain, names), labels, strict=True)), notes)


def within(path: Path, place: str) -> str:
    """A place inside the folder `path`, seen from there."""
    return place[len(os.path.join(path, "")) :].replace(os.sep, "/")


def _images(path: Path, notes: Notes) -> Iterator[str]:
    """The image files in a folder and its subfolders, however deep they lie."""
    folders = [str(path)]
    while folders:
        place = folders.pop()
        try:
            with os.scandir(place) as entries:
                found = [(entry, entry.is_dir(follow_symlinks=False)) for entry in entries if not hidden(entry.name)]
        except OSError as error:
            if place == str(path):
                raise
            notes.bad.append((plain(within(path, place)), "bad.refused", {"why": error.strerror}))
            continue
        for entry, is_folder in found:
            if is_folder:
                folders.append(entry.path)
            elif entry.is_symlink() and os.path.isdir(entry.path):
                notes.links += 1
            elif os.path.splitext(entry.name)[1].lower() not in IMAGES:
                notes.others += 1
            elif not _regular(Path(entry.path)):  # a pipe or a device would wait for ever; a link to nothing
                notes.bad.append((plain(within(path, entry.path)), "bad.not_a_file", {}))
            else:
                yield entry.path


def hidden(name: str) -> bool:
    """Is this the file system's or the desktop's own affair?"""
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini")


def _regular(file: Path) -> bool:
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except OSError:
        return False


def labels_of(names: list[str], notes: Notes) -> list[str | None]:
    """The class of each file by the folder it is in, counted from the first folder that not all of them share."""
    places = [PurePosixPath(name).parts[:-1] for name in names]
    low, high = min(places, default=()), max(places, default=())
    shared = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    first = [plain(place[shared]) if len(place) > shared else None for place in places]
    notes.mixed = None in first and any(first)
    return first if None not in first else [None] * len(names)


def read_manifest(path: Path) -> Files:
    """A table with a path and perhaps a label in each line, comma, semicolon or tab between; a header line may stand above.

    Paths count from the table's own folder and must stay inside it.
    """
    notes, entries = Notes(), []
    if path.stat().st_size > MOST_TABLE:
        raise UserError("data.table", path=path, why=say("bad.too_large", None, mib=path.stat().st_size >> 20))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError("data.not_text", path=path) from error
    separator = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=text.split("\n", 1)[0].count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if row and row[0].strip()]
    except csv.Error as error:
        raise UserError("data.table", path=path, why=error) from error
    if rows and Path(rows[0][0].strip()).suffix.lower() not in IMAGES:
        del rows[0]
    base = path.parent.resolve()
    for row in rows:
        name, label = row[0].strip(), row[1].strip() if len(row) > 1 else ""
        file = base / name
        try:
            inside = file.resolve().is_relative_to(base)
            good = inside and _regular(file)
        except (OSError, ValueError, RuntimeError):  # a name too long, with a zero byte, or a loop of links
            inside, good = True, False
        if good:
            entries.append((str(file), plain(name), plain(label) or None))
        else:
            notes.bad.append((plain(name), "bad.not_a_file" if inside else "bad.outside", {}))
    if any(label is None for _, _, label in entries):
        notes.mixed = any(label is not None for _, _, label in entries)
        entries = [(file, name, None) for file, name, _ in entries]
    return Files(path, "table", entries, notes)


def label_names(labels: Iterable[str]) -> list[str]:
    """The names of the classes in their order: by number if all are numbers, else by alphabet."""
    names = list(Counter(labels))
    numbers = all(re.fullmatch(r"-?[0-9]{1,18}", name) for name in names)
    return sorted(names, key=(lambda name: (int(name), name)) if numbers else None)

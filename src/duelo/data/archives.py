"""Archives of images, read in place: nothing is unpacked to the disk, and no size that an archive claims is believed."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TypeVar

from PIL import Image

from duelo.data.decode import Opener, Unreadable
from duelo.data.sources import IMAGES, Member, Notes, Source, hidden, labels_of
from duelo.words import UserError

MOST_BYTES = 256 * 2**20  # of one encoded image
MOST_SWELLING = 1000  # an archive that grows by more than this when it is unpacked is a bomb
Entry = TypeVar("Entry")


class Zip(Source):
    """A .zip of images, read in place."""

    kind = "zip"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with archive_errors(path), zipfile.ZipFile(path) as archive:
            entries = [info for info in archive.infolist() if not info.is_dir()]
        self.entries = chosen(entries, lambda info: info.filename, lambda info: info.file_size, self.notes)
        self.labels = labels_of([info.filename for info in self.entries], self.notes)

    def __len__(self) -> int:
        return len(self.entries)

    def members(self) -> Iterator[Member]:
        """The entries in the archive's order."""
        archive = zipfile.ZipFile(self.path)  # closed when the last of the members is gone
        for info, label in zip(self.entries, self.labels, strict=True):
            yield Member(info.filename, label, lambda info=info: _from_stream(archive.open(info)))  # type: ignore[misc]


class Tar(Source):
    """A .tar of images, plain or compressed, read in place."""

    kind = "tar"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        most = MOST_SWELLING * path.stat().st_size
        entries, total = [], 0
        with archive_errors(path), tarfile.open(path) as archive:
            for info in archive:  # one after the other: a bomb is seen before it is unpacked
                total += info.size if info.isreg() else 0
                if total > max(most, MOST_BYTES):
                    raise UserError("data.bomb", path=path)
                if info.isreg():
                    entries.append(info)
                elif not info.isdir():
                    self.notes.links += 1
        self.entries = chosen(entries, lambda info: info.name, lambda info: info.size, self.notes)
        self.labels = labels_of([info.name for info in self.entries], self.notes)

    def __len__(self) -> int:
        return len(self.entries)

    def members(self) -> Iterator[Member]:
        """The entries in the archive's order."""
        with tarfile.open(self.path) as archive:
            for info, label in zip(self.entries, self.labels, strict=True):
                try:
                    stream = archive.extractfile(info)
                    content = stream.read() if stream is not None else b""
                except Exception as error:  # as many kinds as there are compressions
                    yield Member(info.name, label, _failing(str(error)))
                    continue
                yield Member(info.name, label, lambda content=content: Image.open(io.BytesIO(content)))  # type: ignore[misc]


def chosen(
    entries: Iterable[Entry], name: Callable[[Entry], str], size: Callable[[Entry], int], notes: Notes
) -> list[Entry]:
    """The images among an archive's entries; the rest is noted."""
    images = []
    for entry in entries:
        place = PurePosixPath(name(entry).replace("\\", "/"))
        if any(hidden(part) for part in place.parts if part not in (".", "..")):
            continue
        if place.suffix.lower() not in IMAGES:
            notes.others += 1
        elif place.is_absolute() or ".." in place.parts:
            notes.bad.append((name(entry), "bad.outside", {}))
        elif size(entry) > MOST_BYTES:
            notes.bad.append((name(entry), "bad.too_large", {"mib": size(entry) >> 20}))
        else:
            images.append(entry)
    return images


def _from_stream(stream: IO[bytes]) -> Image.Image:
    """A picture from an archive's stream, which may be longer than it said."""
    with stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Unreadable("bad.too_large", mib=MOST_BYTES >> 20)
    return Image.open(io.BytesIO(content))


def _failing(why: str) -> Opener:
    def opener() -> Image.Image:
        raise OSError(why)

    return opener


@contextmanager
def archive_errors(path: Path) -> Iterator[None]:
    """Inside, whatever an archive's library raises becomes a UserError that names the archive."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # each compression has errors of its own
        raise UserError("data.archive", path=path, why=" ".join(str(error).split())[:100]) from error

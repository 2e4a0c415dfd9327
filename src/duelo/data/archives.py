"""Archives of images, read in place: nothing is unpacked to the disk, and no size that an archive claims is believed."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, TypeVar, cast

from duelo.data.decode import MOST_BYTES, Opener, picture, plain, short
from duelo.data.sources import IMAGES, Member, Notes, Source, hidden, labels_of
from duelo.words import UserError

MOST_SWELLING = 1000  # an archive that grows by more than this when it is unpacked is a bomb
MOST_ENTRIES, LEAST_ENTRY = 2**16, 16  # more entries are believed of an archive that has so many bytes for each
PIECE = 2**20  # bytes read at a time
PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what the other methods pack cannot be unpacked by pieces
COMPRESSIONS: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
Entry = TypeVar("Entry")


class Zip(Source):
    """A .zip of images, read in place."""

    kind = "zip"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with archive_errors(path), zipfile.ZipFile(path) as archive:
            entries = [info for info in archive.infolist() if not info.is_dir()]
        entries = chosen(entries, lambda info: info.filename, lambda info: info.file_size, self.notes)
        self.entries = [info for info in entries if info.compress_type in PLAIN]
        if sum(info.file_size for info in self.entries) > most_bytes(path):
            raise UserError("data.bomb", path=path)
        for info in entries:
            if info.compress_type not in PLAIN:
                self.notes.bad.append((plain(info.filename), "bad.damaged", {"why": f"compression {info.compress_type}"}))
        self.labels = labels_of([place_of(info.filename).as_posix() for info in self.entries], self.notes)

    def __len__(self) -> int:
        return len(self.entries)

    def members(self) -> Iterator[Member]:
        """The entries in the archive's order."""
        with archive_errors(self.path):
            archive = zipfile.ZipFile(self.path)  # closed when the last of the members is gone
        for info, label in zip(self.entries, self.labels, strict=True):
            yield Member(plain(info.filename), label, _zipped(archive, info), info.file_size)


class Tar(Source):
    """A .tar of images, plain or compressed, read in place."""

    kind = "tar"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        entries: list[tuple[str, int, int]] = []
        last, n = -1, 0
        with archive_errors(path), Metered(path) as stream:
            archive: Any = tarfile.TarFile(fileobj=cast(Any, stream))
            while (info := archive.next()) is not None:  # one after the other: a bomb is seen before it is unpacked
                archive.members, n = [], n + 1
                if n > MOST_ENTRIES and n * LEAST_ENTRY > path.stat().st_size:
                    raise UserError("data.bomb", path=path)
                if info.offset <= last:  # a size below zero would lead back
                    raise tarfile.ReadError("wrong sizes")
                last = info.offset
                if info.isreg() and not info.issparse():
                    entries.append((info.name, info.offset_data, info.size))
                elif not info.isdir():
                    self.notes.links += 1
            if stream.last.strip(b"\0"):  # tarfile takes a damaged header for the end
                raise tarfile.ReadError("it breaks off")
        self.entries = chosen(entries, lambda entry: entry[0], lambda entry: entry[2], self.notes)
        self.labels = labels_of([place_of(name).as_posix() for name, _, _ in self.entries], self.notes)

    def __len__(self) -> int:
        return len(self.entries)

    def members(self) -> Iterator[Member]:
        """The entries in the archive's order."""
        with archive_errors(self.path), Metered(self.path) as stream:
            for (name, start, size), label in zip(self.entries, self.labels, strict=True):
                try:
                    stream.seek(start)
                    opener = _held(content_of(stream, size))
                except Exception as error:  # as many kinds as there are compressions
                    opener = _failing(short(error))
                yield Member(plain(name), label, opener, size)


class Metered:
    """The bytes of a tar archive, uncompressed; one that grows beyond all measure, or is read too greedily, is refused."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            start = file.read(8)
        uncompress = next((opener for magic, opener in COMPRESSIONS.items() if start.startswith(magic)), None)
        self.file: IO[bytes] = path.open("rb") if uncompress is None else uncompress(path)
        self.path, self.last = path, b""
        self.most = sys.maxsize if uncompress is None else most_bytes(path)

    def __enter__(self) -> Metered:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def read(self, size: int = -1) -> bytes:
        """The next `size` bytes. Raises tarfile.ReadError if they are too many: what a header claims is not allocated."""
        if not 0 <= size <= 4 * PIECE:
            raise tarfile.ReadError(f"a header of {size} bytes")
        self._check(self.tell() + size)
        self.last = self.file.read(size)
        return self.last

    def seek(self, offset: int) -> int:
        """Go to `offset`."""
        self._check(offset)
        return self.file.seek(offset)

    def tell(self) -> int:
        """Where it is."""
        return self.file.tell()

    def _check(self, offset: int) -> None:
        if offset > self.most:
            raise UserError("data.bomb", path=self.path)


def place_of(name: str) -> PurePosixPath:
    """An entry's place, also if a careless program wrote it with backslashes."""
    return PurePosixPath(name.replace("\\", "/"))


def chosen(
    entries: Iterable[Entry], name: Callable[[Entry], str], size: Callable[[Entry], int], notes: Notes
) -> list[Entry]:
    """The images among an archive's entries; the rest is noted."""
    images = []
    for entry in entries:
        place = place_of(name(entry))
        if any(hidden(part) for part in place.parts if part not in (".", "..")):
            continue
        if place.suffix.lower() not in IMAGES:
            notes.others += 1
        elif place.is_absolute() or ".." in place.parts:
            notes.bad.append((plain(name(entry)), "bad.outside", {}))
        elif size(entry) > MOST_BYTES:
            notes.bad.append((plain(name(entry)), "bad.too_large", {"mib": size(entry) >> 20}))
        else:
            images.append(entry)
    return images


def most_bytes(path: Path) -> int:
    """How much a compressed file may hold without being a bomb."""
    return max(MOST_SWELLING * path.stat().st_size, MOST_BYTES)


def content_of(stream: IO[bytes] | Metered, size: int) -> bytes:
    """The next `size` bytes of a stream, or all if there are fewer; by pieces: nothing is allocated for a lie."""
    content = io.BytesIO()
    while piece := stream.read(min(PIECE, size - content.tell())):
        content.write(piece)
    return content.getvalue()


def _zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Opener:
    def opener() -> Any:
        with archive.open(info) as stream:
            return picture(io.BytesIO(content_of(stream, info.file_size)))

    return opener


def _held(content: bytes) -> Opener:
    return lambda: picture(io.BytesIO(content))


def _failing(why: str) -> Opener:
    def opener() -> Any:
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
        raise UserError("data.archive", path=path, why=short(error)) from error

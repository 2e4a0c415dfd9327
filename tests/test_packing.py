"""A packed file is whole or not there, is what it says, and is read without filling the memory."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import environment
from pictures import packed, save, textures
from safetensors import safe_open

from duelo.data import Framing, open_source, packing
from duelo.data.packed import ROOM, open_pack
from duelo.words import UserError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUELO_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A packed file with two classes, not to be changed."""
    place = tmp_path_factory.mktemp("whole")
    names = [f"{'ab'[i % 2]}/{i:02d}.png" for i in range(30)]
    return packed(save(place / "data", textures(30, 9, 11, 3), names), out=place / "whole.duelo").path


def test_a_packed_file_is_a_safetensors_file(whole: Path) -> None:
    pack = open_pack(whole)
    with safe_open(whole, "np") as file:
        assert file.metadata() == {"format": "duelo-pack-1"}
        assert set(file.keys()) == {"images", "labels", "hashes", "parts", "names", "info"}
        for name in ("images", "labels", "hashes", "parts"):
            assert np.array_equal(file.get_tensor(name), getattr(pack, name))
        assert json.loads(file.get_tensor("info").tobytes()) == pack.info
        assert file.get_tensor("names").tobytes().decode().split("\n") == pack.names
        hashes = [hashlib.sha256(image.tobytes()).digest() for image in file.get_tensor("images")]
        assert file.get_tensor("hashes").tobytes() == b"".join(hashes)
    assert whole.read_bytes()[ROOM : ROOM + 9 * 11 * 3] == pack.images[0].tobytes()


def test_parts_are_in_the_order_of_hashes(whole: Path) -> None:
    pack = open_pack(whole)
    seen = []
    for name in ("train", "referee", "heldout"):
        part = pack.part(name)
        hashes = [hashlib.sha256(image.numpy().tobytes()).hexdigest() for image in part.first(30)]
        assert hashes == sorted(hashes)
        assert len(part) == len(hashes) >= 1
        seen += hashes
        rows = torch.tensor([len(part) - 1, 0, 0])
        assert torch.equal(part.take(rows), part.first(30)[rows])
    assert len(set(seen)) == 30
    assert len(pack.part("train").first(3)) == 3
    assert pack.part("train").take(torch.tensor([], dtype=torch.int64)).shape == (0, 3, 9, 11)


def work_on(folder: Path, out: Path) -> packing.Iterator[object]:
    return packing.pack(open_source(folder), Framing((16, 16)), out)


@pytest.mark.parametrize("nameless", [True, False])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_packing_that_is_given_up_leaves_nothing(
    steps: int, nameless: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not nameless:
        monkeypatch.setattr(packing, "nameless_file", lambda folder: None)
    folder, out = save(tmp_path / "data", textures(500)), tmp_path / "out/x.duelo"
    out.parent.mkdir()
    out.write_bytes(b"before")
    work = work_on(folder, out)
    for _ in range(steps):
        next(work)
    work.close()
    assert {file.name: file.read_bytes() for file in out.parent.iterdir()} == {"x.duelo": b"before"}
    list(work_on(folder, out))
    assert [file.name for file in out.parent.iterdir()] == ["x.duelo"]
    assert len(open_pack(out).images) == 500


KILLED = """
import os, signal, sys
from pathlib import Path
from duelo.data import Framing, open_source, packing
for i, step in enumerate(packing.pack(open_source(Path("data")), Framing((16, 16)), Path("out/x.duelo"))):
    if step.stage == "pack" and step.done > 100:
        print(os.listdir("out"), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a file with a name of its own is left behind")
def test_a_kill_leaves_nothing(tmp_path: Path) -> None:
    save(tmp_path / "data", textures(500))
    (tmp_path / "out").mkdir()
    result = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert result.returncode == -signal.SIGKILL
    assert result.stdout == "[]\n"
    assert not list((tmp_path / "out").iterdir())


LIMITED = """
import resource
from pathlib import Path
from duelo.data import Framing, open_source, packing
from duelo.words import UserError
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
if NAMED:
    packing.nameless_file = lambda folder: None
try:
    list(packing.pack(open_source(Path("data")), Framing((16, 16)), Path("out/x.duelo")))
except UserError as error:
    print(error.key)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits there")
@pytest.mark.parametrize("named", [False, True])
def test_a_disk_that_takes_no_more(named: bool, tmp_path: Path) -> None:
    save(tmp_path / "data", textures(500))
    (tmp_path / "out").mkdir()
    code = LIMITED.replace("NAMED", str(named))
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("write.failed\n", "")
    assert not list((tmp_path / "out").iterdir())


def test_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, out = save(tmp_path / "data", textures(20)), tmp_path / "out/x.duelo"
    out.parent.mkdir()
    monkeypatch.setattr(os, "fstatvfs", lambda _: SimpleNamespace(f_bavail=1, f_frsize=4096))
    with pytest.raises(UserError, match=r"needs 0\.0 GiB on the disk and 0\.0 GiB are free") as caught:
        list(work_on(folder, out))
    assert caught.value.key == "data.room"
    monkeypatch.undo()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(errno.EDQUOT, "Disk quota exceeded")))
    with pytest.raises(UserError, match="Disk quota exceeded"):
        list(work_on(folder, out))
    assert not list(out.parent.iterdir())
    shutil.rmtree(out.parent)
    with pytest.raises(UserError, match="No such file"):
        list(work_on(folder, out))


def header(whole: Path) -> dict[str, object]:
    return json.loads(whole.read_bytes()[8:ROOM])


def test_every_flipped_bit_of_the_header_is_refused(whole: Path, tmp_path: Path) -> None:
    content, path = bytearray(whole.read_bytes()), tmp_path / "x.duelo"
    path.write_bytes(content)
    length = len(bytes(content[8:ROOM]).rstrip())
    with path.open("r+b") as file:
        for i in (*range(8 + length + 50), ROOM - 1):
            file.seek(i)
            file.write(bytes([content[i] ^ (1 << i % 7)]))
            file.flush()
            with pytest.raises(UserError):
                open_pack(path)
            file.seek(i)
            file.write(content[i : i + 1])
        file.flush()
        assert len(open_pack(path).images) == 30
        for size in (0, 1, 8, 600, ROOM, len(content) - 1):
            path.write_bytes(content[:size])
            with pytest.raises(UserError, match=r"whole packed|empty|cannot be read"):
                open_pack(path)
    path.write_bytes(content + b"\0")
    with pytest.raises(UserError):
        open_pack(path)


def rewritten(whole: Path, path: Path, **columns: bytes | None) -> Path:
    """A packed file with other columns, or without them."""
    content, entries, end, body = whole.read_bytes(), {"__metadata__": {"format": "duelo-pack-1"}}, 0, b""
    for name, entry in header(whole).items():
        if name == "__metadata__" or columns.get(name, b"") is None:
            continue
        start, stop = entry["data_offsets"]
        column = columns.get(name, content[ROOM + start : ROOM + stop])
        shape = entry["shape"] if len(column) == stop - start else [len(column)]
        entries[name] = {"dtype": entry["dtype"], "shape": shape, "data_offsets": [end, end + len(column)]}
        body, end = body + column, end + len(column)
    path.write_bytes(struct.pack("<Q", ROOM - 8) + json.dumps(entries).encode().ljust(ROOM - 8) + body)
    return path


def test_a_packed_file_that_contradicts_itself_is_refused(whole: Path, tmp_path: Path) -> None:
    pack, path = open_pack(whole), tmp_path / "x.duelo"
    assert open_pack(rewritten(whole, path)).fingerprint == pack.fingerprint
    parts = pack.parts.tobytes()
    for columns in (
        {"labels": None},
        {"images": None},
        {"info": None},
        {"parts": parts[:-1] + b"\4"},
        {"parts": bytes(30)},
        {"parts": parts[:-1]},
        {"labels": (pack.labels + 1).astype("<i8").tobytes()},
        {"labels": (pack.labels - 1).astype("<i8").tobytes()},
        {"names": b"one"},
        {"info": b"[]"},
        {"info": b"{"},
        *(
            {"info": json.dumps({**pack.info, key: None}).encode()}
            for key in ("classes", "bad", "source", "sizes", "cut", "alike")
        ),
        {"info": json.dumps({**pack.info, "classes": []}).encode()},
        {"info": json.dumps({**pack.info, "classes": ["a", "a"]}).encode()},
        {"info": json.dumps({**pack.info, "bad": [["x", "no.such.key", {}]]}).encode()},
        {"info": json.dumps({**pack.info, "bad": [["x", "bad.huge", {}]]}).encode()},
    ):
        with pytest.raises(UserError, match="is not a whole packed data set"):
            open_pack(rewritten(whole, path, **columns))


def test_a_flipped_pixel_is_found(whole: Path, tmp_path: Path) -> None:
    assert not list(open_pack(whole).damaged())
    content = bytearray(whole.read_bytes())
    content[ROOM + 7 * 9 * 11 * 3 + 5] ^= 1
    (tmp_path / "x.duelo").write_bytes(content)
    assert list(open_pack(tmp_path / "x.duelo").damaged()) == [7]


READS = """
import re, sys
from pathlib import Path
import numpy as np
import torch
from duelo.data import open_pack
def now():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
pack = open_pack(Path(sys.argv[1]))
train, order = pack.part("train"), torch.Generator().manual_seed(0)
train.take(torch.arange(64))
before = most = now()
for _ in range(400):
    assert not train.take(torch.randint(len(train), (64,), generator=order)).any()
    most = max(most, now())
train.first(len(train) // 20)
next(pack.damaged())
print(round(most - before), round(max(most, now()) - before))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says how much memory is held")
@pytest.mark.parametrize(("n", "side"), [(100_000, 64), (1_000_000, 20), (2_000, 256)])
def test_reading_does_not_fill_the_memory(n: int, side: int, whole: Path, tmp_path: Path) -> None:
    path, body = tmp_path / "large.duelo", n * side * side
    info = {**open_pack(whole).info, "classes": []}
    columns = {
        "hashes": (np.zeros((n, 32), np.uint8), "U8"),
        "parts": (np.minimum(np.arange(n), 2).astype(np.uint8) % 3, "U8"),
        "names": (np.frombuffer(b"\n" * (n - 1), np.uint8), "U8"),
        "info": (np.frombuffer(json.dumps(info).encode(), np.uint8), "U8"),
    }
    columns["parts"][0][:] = 0
    columns["parts"][0][:2] = 1, 2
    entries = {"__metadata__": {"format": "duelo-pack-1"}}
    entries["images"] = {"dtype": "U8", "shape": [n, 1, side, side], "data_offsets": [0, body]}
    with path.open("wb") as file:
        file.truncate(ROOM + body)  # without a block on the disk
        file.seek(ROOM + body)
        for name, (column, kind) in columns.items():
            entries[name] = {"dtype": kind, "shape": column.shape, "data_offsets": [body, body + column.nbytes]}
            file.write(column.tobytes())
            body += column.nbytes
        file.seek(0)
        file.write(struct.pack("<Q", ROOM - 8) + json.dumps(entries).encode().ljust(ROOM - 8))
    result = subprocess.run([sys.executable, "-c", READS, path], env=environment(), capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert max(map(int, result.stdout.split())) < 100, result.stdout

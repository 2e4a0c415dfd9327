"""Rebuild src/duelo/data/digits.bin from the four canonical MNIST files.

    python tools/pack_digits.py FOLDER_WITH_THE_IDX_FILES [OUT]

FOLDER holds train-images-idx3-ubyte(.gz), train-labels-idx1-ubyte(.gz) and the two t10k files. Each must have its
canonical SHA-256 when uncompressed. The result is the same bytes for the same zlib.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from pathlib import Path

from duelo.data.digits import CANONICAL, unpack


def read(folder: Path, name: str) -> bytes:
    plain = folder / name
    return plain.read_bytes() if plain.exists() else gzip.decompress((folder / f"{name}.gz").read_bytes())


def main() -> None:
    folder = Path(sys.argv[1])
    out = Path(sys.argv[2] if len(sys.argv) > 2 else "src/duelo/data/digits.bin")
    packed = zlib.compress(b"".join(read(folder, file.name) for file in CANONICAL), 9)
    unpack(packed)  # checks every SHA-256
    out.write_bytes(packed)
    print(f"{out}: {len(packed):,} bytes")


if __name__ == "__main__":
    main()

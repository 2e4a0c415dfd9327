from __future__ import annotations

import errno
import os
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from duelo import checkpoint
from duelo.checkpoint import CheckpointError
from duelo.words import UserError

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.builds(lambda n: torch.arange(n, dtype=torch.float32), st.integers(0, 4))
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=12,
)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return type(b) is dict and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@settings(max_examples=60, deadline=None)
@given(tree=st.dictionaries(st.text(max_size=3), trees, max_size=4))
def test_any_tree_comes_back_as_it_was(tree: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / f"{random.random()}.safetensors"
    checkpoint.save(path, tree)
    assert same(checkpoint.load(path), tree)


def test_tied_strided_and_half_precision_tensors(tmp_path: Path) -> None:
    weight = torch.randn(3, 4, 5, 6).to(memory_format=torch.channels_last)
    tree = {
        "a": weight,
        "b": weight,
        "half": torch.randn(3).bfloat16(),
        "scalar": torch.tensor(3),
        "t": weight[:, 1].mT,
    }
    checkpoint.save(tmp_path / "x", tree)
    assert same(checkpoint.load(tmp_path / "x"), tree)


def test_a_flipped_bit_or_a_cut_anywhere_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "x"
    checkpoint.save(path, {"weights": torch.randn(50), "nimg": 5, "rates": {"d": 0.25}})
    whole = path.read_bytes()
    chance = random.Random(0)
    for _ in range(300):
        spoiled = bytearray(whole)
        spoiled[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(spoiled)
        try:
            tree = checkpoint.load(path)
        except CheckpointError:
            continue
        # the only bits that may pass are those of the header that change nothing that is read
        path.write_bytes(whole)
        assert same(tree, checkpoint.load(path))
    for length in (0, 4, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="damaged"):
            checkpoint.load(path)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    checkpoint.write_atomically(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left"):
        checkpoint.write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_saved_is_named() -> None:
    with pytest.raises(TypeError, match=r"set \(at a/b\)"):
        checkpoint.save(Path("never-written"), {"a": {"b": {1}}})

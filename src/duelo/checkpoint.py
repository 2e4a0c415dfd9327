"""Checkpoints: a tree of tensors and plain values -> one safetensors file, written atomically, checked when read.

The tensors are stored as safetensors; the rest of the tree as JSON in the file's header, next to a SHA-256 of both. So a
file that a dying disk, a full disk or a kill has spoiled is recognized, and nothing in it can run code.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from duelo.words import UserError

FORMAT = "duelo-checkpoint-1"


class CheckpointError(UserError):
    """A checkpoint cannot be read."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that at any instant `path` is either the old file or the whole new one (POSIX rename).

    Raises UserError when the disk is full or the folder cannot be written; `path` is then untouched.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    with writing(path), removed_on_failure(temporary):
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        if os.name == "posix":  # the rename itself must survive a power cut; Windows has no such call
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Inside, an operating system's refusal to write becomes a UserError that names `path`."""
    try:
        yield
    except OSError as error:
        raise UserError("write.failed", path=path, why=error.strerror or error) from error


@contextmanager
def removed_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise


def save(path: Path, tree: dict[str, Any]) -> None:
    """Save a tree: nested dicts, lists and tuples of tensors, numbers, strings, booleans and None."""
    tensors: dict[str, Tensor] = {}
    text = json.dumps(_encode(tree, "", tensors))
    # one entry: safetensors writes several in an order of chance, and equal states should be equal files
    header = json.dumps({"tree": text, "sha256": _digest(text, tensors)})
    write_atomically(path, safetensors.torch.save(tensors, {FORMAT: header}))


def load(path: Path) -> Any:
    """The tree that ``save`` wrote, its tensors on the CPU.

    Raises CheckpointError if the file is not whole, FileNotFoundError if it is gone, UserError if it cannot be read.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})[FORMAT])
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        if header["sha256"] == _digest(header["tree"], tensors):
            return _decode(json.loads(header["tree"]), tensors)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UserError("checkpoint.unreadable", path=path, why=error.strerror or error) from error
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError("checkpoint.corrupt", path=path) from error
    raise CheckpointError("checkpoint.corrupt", path=path)


def _digest(text: str, tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        flat = tensors[name].reshape(-1)
        digest.update(f"{name} {flat.dtype} {tuple(tensors[name].shape)}".encode())
        digest.update(flat.view(torch.uint8).numpy().data if flat.numel() else b"")
    return digest.hexdigest()


def _encode(node: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """The tree as JSON values, its tensors moved to `tensors` under the name of their place."""
    if isinstance(node, Tensor):
        # a copy of its own: safetensors refuses tensors that share memory, such as tied weights
        tensors[name] = node.detach().cpu().contiguous().clone()
        return {"tensor": name}
    if isinstance(node, dict):
        # as pairs: JSON's own keys can only be strings, an optimizer's are numbers
        return {"dict": [[key, _encode(value, f"{name}/{key}".lstrip("/"), tensors)] for key, value in node.items()]}
    if isinstance(node, list | tuple):
        kind = "tuple" if isinstance(node, tuple) else "list"
        return {kind: [_encode(value, f"{name}/{i}", tensors) for i, value in enumerate(node)]}
    if node is None or isinstance(node, bool | int | float | str):
        return node
    raise TypeError(f"a checkpoint cannot hold a {type(node).__name__} (at {name})")


def _decode(node: Any, tensors: dict[str, Tensor]) -> Any:
    if not isinstance(node, dict):
        return node
    ((kind, content),) = node.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {key: _decode(value, tensors) for key, value in content}
    items = [_decode(value, tensors) for value in content]
    return tuple(items) if kind == "tuple" else items

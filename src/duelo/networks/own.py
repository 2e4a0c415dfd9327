"""Networks of the user's own: any function in any Python file that makes a torch module. It needs nothing of duelo.

They take the places of a named pair's networks, and pixels keep the values that they have for that pair: see
`Pair.pixel_range`.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from duelo.networks.blocks import Judging
from duelo.networks.fitting import check, reason
from duelo.words import UserError, did_you_mean

__all__ = ["check", "fingerprint", "from_file", "judging"]


def from_file(place: str, **dials: object) -> nn.Module:
    """The network that a function in a file makes. place: "path/to/file.py:function".

    dials: what the function can be told: shape, width, latent, classes. It is given those that it names as parameters, or
    all where it takes ``**anything``. It can import what lies beside the file, at the top or when it is called.
    Raises UserError.
    """
    path, name = _split(place)
    with _neighbours(path.resolve().parent):
        module = _import(path)
        function: Any = vars(module).get(name)
        if not _makes(function):
            known = [key for key, value in vars(module).items() if _makes(value) and not key.startswith("_")]
            raise UserError("networks.own_function", path=path, name=name, guess=did_you_mean(name, known))
        given = _named(function, dials, name, path)
        try:
            network = function(**given)
        except (Exception, SystemExit) as error:
            raise UserError("networks.own_call", name=name, path=path, line=_line(error, path), why=reason(error)) from error
    if not isinstance(network, nn.Module):
        raise UserError("networks.own_result", name=name, path=path, kind=type(network).__name__)
    return network


def fingerprint(place: str) -> str:
    """The SHA-256, as hexadecimal digits, of the file of a `place` and of the files beside it that it imports, or they do.

    Imports are read in the text, not run, so that those inside functions count; whatever has no name there, as in
    ``import_module(name)``, does not, and neither does what lies elsewhere. Raises UserError.
    """
    path, _ = _split(place)
    folder, digest = path.resolve().parent, hashlib.sha256(_read(path))
    files, waiting = {path.resolve()}, [path.resolve()]
    while waiting:
        found = {file for file in _imports(waiting.pop(), folder) if file.is_file()} - files
        files |= found
        waiting += found
    for file in sorted(files - {path.resolve()}):
        name, content = file.relative_to(folder).as_posix(), hashlib.sha256(_read(file)).hexdigest()
        digest.update(f"\n{name} {content}".encode())
    return digest.hexdigest()


def judging(network: nn.Module) -> nn.Module:
    """The discriminator `network`, with or without labels, whose logits [b, 1, ...] are then [b], as the game wants them."""
    return Judging(network)


def _makes(value: object) -> bool:
    """Can it be called for a network? A network can be called too, but for members."""
    return callable(value) and not isinstance(value, nn.Module)


def _split(place: str) -> tuple[Path, str]:
    """The file and the function's name; the file exists and is called .py."""
    path, _, name = place.rpartition(":")  # the last colon: the first one of C:\\nets.py:generator is the disk's
    if not path or not name.isidentifier():
        raise UserError("networks.own_colon", place=place)
    if not Path(path).is_file():
        raise UserError("networks.own_missing", path=path)
    if Path(path).suffix != ".py":
        raise UserError("networks.own_not_python", path=path)
    return Path(path), name


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError("networks.own_unreadable", path=path, why=error.strerror) from error


def _imports(file: Path, folder: Path) -> Iterator[Path]:
    """Where the modules would be that a Python file imports, if they are in `folder`; many of them are elsewhere."""
    try:
        tree = ast.parse(_read(file), str(file))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # then it cannot be imported either
    package = file.parent.relative_to(folder).parts
    for node in ast.walk(tree):
        names: list[tuple[str, ...]] = []
        if isinstance(node, ast.Import):
            names = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else ()
            start += tuple(node.module.split(".")) if node.module else ()
            names = [(*start, alias.name) for alias in node.names]  # a module, or a name in the one before it
        for name in names:
            for depth in range(1, len(name) + 1):  # on the way to a.b, a is imported
                place = folder.joinpath(*name[:depth])
                yield from (place / "__init__.py", place.with_suffix(".py"))


def _import(path: Path) -> ModuleType:
    """The file as a module, new each time, under a name that no other module has."""
    file, source = path.resolve(), _read(path)
    name = f"duelo_own_{path.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"
    spec = spec_from_file_location(name, file)
    assert spec is not None
    module = sys.modules[name] = module_from_spec(spec)
    try:
        # the bytes that count for the fingerprint, and never what Python once kept of an older version
        exec(compile(source, str(file), "exec", dont_inherit=True), vars(module))
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise UserError("networks.own_import", path=path, line=_line(error, path), why=reason(error)) from error
    return module


def _named(function: Callable[..., object], dials: dict[str, object], name: str, path: Path) -> dict[str, object]:
    """Those of the dials that the function wants."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as error:  # a function that is not written in Python
        raise UserError("networks.own_function", path=path, name=name, guess="") from error
    for parameter in parameters:
        several = parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        optional = several or parameter.default is not parameter.empty
        if not optional and (parameter.name not in dials or parameter.kind is parameter.POSITIONAL_ONLY):
            guess = did_you_mean(parameter.name, set(dials) - {parameter.name})
            raise UserError(
                "networks.own_parameter", name=name, path=path, parameter=parameter.name, known=", ".join(dials), guess=guess
            )
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return dials
    return {parameter.name: dials[parameter.name] for parameter in parameters if parameter.name in dials}


def _line(error: BaseException, path: Path) -> int:
    """The line of the file at which an exception came up, or passed."""
    file = str(path.resolve())
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno or 1
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    return lines[-1] if lines else 1


@contextmanager
def _neighbours(folder: Path) -> Iterator[None]:
    """Inside, modules in `folder` can be imported; then they are forgotten, since another folder's may have their names."""
    known = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        new = {name.partition(".")[0] for name in sys.modules} - known
        forgotten = {name for name in new if _lies_in(sys.modules.get(name), folder)}
        with suppress(ValueError):
            sys.path.remove(str(folder))
        for name in list(sys.modules):
            if name.partition(".")[0] in forgotten:
                del sys.modules[name]


def _lies_in(module: ModuleType | None, folder: Path) -> bool:
    """Is it a file of the folder, or a package in it?"""
    if module is None or module.__name__.startswith("duelo_own_"):
        return False
    if not getattr(module, "__file__", None):  # a package without __init__.py may be spread over several folders
        return folder in (Path(part).parent for part in getattr(module, "__path__", ()))
    file = Path(str(module.__file__))
    return folder == (file.parent.parent if file.name == "__init__.py" else file.parent)

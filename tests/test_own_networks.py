"""Networks of the user's own, from a file."""

from __future__ import annotations

import copy
import hashlib
import sys
from pathlib import Path

import pytest
import torch
from conftest import ROOT
from contracts import check_pair

import duelo
from duelo.networks import PAIRS, Pair, own
from duelo.words import UserError

EXAMPLES = ROOT / "examples" / "own_networks"
SHAPE = (1, 28, 28)
DIALS = {"shape": SHAPE, "width": 8, "latent": 20, "classes": 0}


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUELO_LANG", "en")


def write(folder: Path, text: str, name: str = "nets.py") -> Path:
    file = folder / name
    file.write_text("from torch import nn\n" + text, encoding="utf-8")
    return file


def told(place: object, **dials: object) -> str:
    """What the user reads when `place` is used; it is one line."""
    with pytest.raises(UserError) as caught:
        own.from_file(str(place), **(dials or DIALS))
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    return str(caught.value)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 14), (4, 8, 8), (3, 48, 64)])
@pytest.mark.parametrize("example", ["mlp_vs_conv", "unet"])
def test_the_examples_play(example: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    dials = {"shape": shape, "width": 4, "latent": 20, "classes": 0}
    generator, discriminator = (
        own.from_file(f"{EXAMPLES / example}.py:{name}", **dials) for name in ("generator", "discriminator")
    )
    pair = Pair(generator, own.judging(discriminator), (20,))
    own.check(pair, shape)
    check_pair(pair, shape)


@pytest.mark.parametrize("example", ["mlp_vs_conv", "unet"])
def test_an_example_plays_against_a_pair_of_ours(example: str) -> None:
    for name, file_side in (("convolutional", "generator"), ("residual", "discriminator")):
        pair = PAIRS[name](SHAPE, 4, 20)
        network = own.from_file(f"{EXAMPLES / example}.py:{file_side}", **DIALS)
        mixed = (
            Pair(network, pair.discriminator, (20,))
            if file_side == "generator"
            else Pair(pair.generator, own.judging(network), (20,))
        )
        own.check(mixed, SHAPE)


def test_a_function_is_told_what_it_names(tmp_path: Path) -> None:
    text = """
class Known(nn.Linear):
    def __init__(self, **told):
        super().__init__(1, 1)
        self.told = told
def some(latent, *, shape, slope=0.1): return Known(latent=latent, shape=shape, slope=slope)
def all_of_them(**anything): return Known(**anything)
def none(): return Known()
def optional(width=7): return Known(width=width)
"""
    file = write(tmp_path, text)
    assert own.from_file(f"{file}:some", **DIALS).told == {"latent": 20, "shape": SHAPE, "slope": 0.1}
    assert own.from_file(f"{file}:all_of_them", **DIALS).told == DIALS
    assert own.from_file(f"{file}:Known", **DIALS).told == DIALS  # a class is a function too
    assert own.from_file(f"{file}:none", **DIALS).told == {}
    assert own.from_file(f"{file}:optional", **DIALS).told == {"width": 8}


def test_the_weights_are_a_function_of_the_seed() -> None:
    place = f"{EXAMPLES / 'unet.py'}:generator"
    weights = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        weights.append(next(own.from_file(place, **DIALS).parameters()))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_neighbours_can_be_imported_and_each_folder_has_its_own(tmp_path: Path) -> None:
    outputs = []
    for size, folder in ((3, tmp_path / "one"), (4, tmp_path / "two")):
        folder.mkdir()
        write(folder, f"SIZE = {size}\n", "neighbour.py")
        (folder / "package").mkdir()
        write(folder / "package", f"def size(): return {size}\n", "inner.py")
        write(folder / "package", "from package.inner import size\n", "__init__.py")
        text = "from neighbour import SIZE\ndef make():\n    import package\n    return nn.Linear(SIZE, package.size())\n"
        before = list(sys.path)
        network = own.from_file(f"{write(folder, text)}:make")
        assert sys.path == before
        outputs.append((network.in_features, network.out_features))
    assert outputs == [(3, 3), (4, 4)]
    assert not {"neighbour", "package", "package.inner", "nets"} & set(sys.modules)


def test_a_file_may_be_called_like_a_module_and_be_changed(tmp_path: Path) -> None:
    file = write(tmp_path, "def make(): return nn.Linear(1, 2)\n", "torch.py")
    assert own.from_file(f"{file}:make").out_features == 2
    first = own.fingerprint(f"{file}:make")
    assert first == hashlib.sha256(file.read_bytes()).hexdigest()
    write(tmp_path, "def make(): return nn.Linear(1, 3)\n", "torch.py")  # at once, and of the same length
    assert own.from_file(f"{file}:make").out_features == 3
    assert own.fingerprint(f"{file}:make") != first
    assert sys.modules["torch"] is torch


IMPORTS = {
    "neighbour.py": ("import neighbour", "neighbour"),
    "package/__init__.py": ("from package import inner", "package"),
    "package/inner.py": ("def make():\n    from package import inner", "package.inner"),
    "package/sub/deep.py": ("import package.sub.deep as deep", "package.sub.deep"),  # sub is a folder without __init__.py
    "package/sibling.py": ("import package.using", "package.sibling"),
    "package/cousin.py": ("import package.using", "package.cousin"),
    "far.py": ("import package.using", "far"),
}


def neighbourhood(folder: Path, text: str) -> Path:
    """A file with `text` among others that it may import."""
    (folder / "package/sub").mkdir(parents=True)
    for name in [*IMPORTS, "unused.py", "package/unused.py", "broken.py"]:
        write(folder, "SIZE = 1\n", name)
    write(
        folder,
        "from . import sibling\nfrom .cousin import SIZE\ntry:\n    import far\nfinally:\n    pass\n",
        "package/using.py",
    )
    write(folder, "import nets, package.using, far, torch, unheard_of\n", "circle.py")
    return write(folder, text)


@pytest.mark.parametrize("changed", IMPORTS)
def test_a_file_that_is_imported_counts_for_the_fingerprint(changed: str, tmp_path: Path) -> None:
    text, module = IMPORTS[changed]
    body = "" if text.startswith("def") else "\ndef make():\n    ..."
    place = f"{neighbourhood(tmp_path, f'{text}{body}')}:make"
    before = own.fingerprint(place)
    assert own.fingerprint(place) == before
    for name in ("unused.py", "package/unused.py"):
        write(tmp_path, "SIZE = 2\n", name)
    assert own.fingerprint(place) == before
    write(tmp_path, "SIZE = 2\n", changed)
    assert own.fingerprint(place) != before
    # Python agrees that it is imported
    called = "" if body else "make()"
    write(tmp_path, f"{text}\n{called}\nimport sys\nassert '{module}' in sys.modules\ndef end(): return nn.ReLU()\n")
    own.from_file(f"{tmp_path / 'nets.py'}:end")
    assert not {"neighbour", "package", "far", module} & set(sys.modules)


def test_a_run_does_not_go_on_with_a_helper_that_was_changed(tmp_path: Path) -> None:
    write(tmp_path, "def layers(n): return [nn.Linear(n, 4), nn.ReLU(), nn.Linear(4, 2)]\n", "helper.py")
    file = write(tmp_path, "def make(latent):\n    import helper\n    return nn.Sequential(*helper.layers(latent))\n")
    quick = {"kimg": "0.2", "play.batch": "20", "networks.generator": f"{file}:make"}

    def train() -> list[str]:
        return [moment.kind for moment in duelo.train(duelo.resolve("ring", None, quick), tmp_path / "run", "cpu")]

    assert train()[-1] == "end"
    assert train() == ["finished"]
    write(tmp_path, "def layers(n): return [nn.Linear(n, 4), nn.Tanh(), nn.Linear(4, 2)]\n", "helper.py")
    with pytest.raises(UserError, match=r"another recipe \(networks\.sources: "):
        train()


def test_which_file_says_what_counts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = f"{neighbourhood(tmp_path, 'import neighbour, far')}:make"
    write(tmp_path, "SIZE = 3\n", "far.py")
    before = own.fingerprint(place)
    monkeypatch.chdir(tmp_path)
    assert own.fingerprint("nets.py:make") == before
    write(tmp_path, "SIZE = 1\n", "far.py")
    write(tmp_path, "SIZE = 3\n", "neighbour.py")
    assert own.fingerprint(place) != before  # the same two contents, exchanged


def test_files_that_import_each_other_or_cannot_be_read_have_a_fingerprint(tmp_path: Path) -> None:
    place = f"{neighbourhood(tmp_path, 'import circle, broken')}:make"
    before = own.fingerprint(place)
    (tmp_path / "broken.py").write_bytes(b"\xff\xfe\x00 def")
    broken = own.fingerprint(place)
    assert broken != before
    write(tmp_path, "SIZE = 2\n", "far.py")
    assert own.fingerprint(place) != broken
    (tmp_path / "nets.py").write_text("from ... import above\nimport\n")
    assert own.fingerprint(place) == hashlib.sha256((tmp_path / "nets.py").read_bytes()).hexdigest()
    (tmp_path / "nets.py").write_text("from ... import far\n")
    assert own.fingerprint(place)


def test_a_folder_without_init_is_forgotten_too(tmp_path: Path) -> None:
    sizes = []
    for size, folder in ((3, tmp_path / "one"), (4, tmp_path / "two")):
        (folder / "layers").mkdir(parents=True)
        write(folder / "layers", f"SIZE = {size}\n", "sizes.py")
        file = write(folder, "from layers.sizes import SIZE\ndef make(): return nn.Linear(1, SIZE)\n")
        sizes.append(own.from_file(f"{file}:make").out_features)
        assert not {"layers", "layers.sizes"} & set(sys.modules)
    assert sizes == [3, 4]


def test_dataclasses_and_annotations_of_the_file_work(tmp_path: Path) -> None:
    text = """
from dataclasses import dataclass
@dataclass
class Sizes:
    inputs: int
    def test(self) -> "Sizes": ...
def make(latent: int):
    assert make.__annotations__ == {"latent": int}  # not a text: our own file's __future__ is not this one's
    return nn.Linear(Sizes(latent).inputs, 1)
"""
    network = own.from_file(f"{write(tmp_path, text)}:make", **DIALS)
    assert network.in_features == 20
    assert copy.deepcopy(network).in_features == 20


def test_a_relative_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "def make(): return nn.Linear(1, 2)\n")
    monkeypatch.chdir(tmp_path)
    assert own.from_file("nets.py:make").out_features == 2


@pytest.mark.parametrize("place", ["nets.py", "nets.py:", ":make", "make", "", "C:\\nets.py", "nets.py:a.b", "nets.py:3"])
def test_a_place_without_a_function(place: str) -> None:
    assert told(place) == (
        f"{place!r} does not name a function; "
        "write the file and the function that makes the network, as in nets.py:generator."
    )
    with pytest.raises(UserError, match="does not name a function"):
        own.fingerprint(place)


def test_no_such_file(tmp_path: Path) -> None:
    assert told(f"{tmp_path}/nets.py:make") == (
        f"there is no file {tmp_path}/nets.py that could make a network; correct what stands before the colon."
    )
    assert "there is no file" in told(f"{tmp_path}:make")
    assert "there is no file" in told("a\0b.py:make")
    with pytest.raises(UserError, match="there is no file"):
        own.fingerprint(f"{tmp_path}/nets.py:make")


def test_not_a_python_file(tmp_path: Path) -> None:
    file = write(tmp_path, "", "nets.txt")
    assert told(f"{file}:make").startswith(f"{file} is not called a Python file; ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\nx = unknown\n", "NameError: name 'unknown' is not defined (line 3)"),
        ("def f(:\n", "(line 2)"),
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module' (line 2)"),
        ("def f():\n    raise ValueError('two\\nlines')\n\nf()\n", "ValueError: two lines (line 3)"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3 (line 3)"),
        ("import int_of_x\n", "ValueError: invalid literal for int() with base 10: 'x' (line 2)"),
    ],
)
def test_a_file_that_cannot_be_imported(tmp_path: Path, text: str, expected: str) -> None:
    write(tmp_path, "int('x')\n", "int_of_x.py")
    file = write(tmp_path, text)
    before = list(sys.path), set(sys.modules)
    message = told(f"{file}:make")
    assert message.startswith(f"{file} cannot be imported: ")
    assert message.endswith(f"{expected}; correct the file.")
    assert (list(sys.path), set(sys.modules)) == before


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "nets.py"
    file.write_bytes(b"\xff\xfe\x00")
    assert "cannot be imported: SyntaxError" in told(f"{file}:make")


def test_no_such_function(tmp_path: Path) -> None:
    file = write(tmp_path, "def generator(): ...\nlinear = nn.Linear(1, 1)\nnumber = 3\n")
    assert told(f"{file}:genrator") == (
        f"{file} has no function 'genrator' (did you mean generator?); correct the name after the colon."
    )
    for name in ("linear", "number"):
        assert told(f"{file}:{name}") == f"{file} has no function {name!r}; correct the name after the colon."


def test_a_parameter_that_nobody_can_give(tmp_path: Path) -> None:
    file = write(tmp_path, "def make(latents, depth): ...\ndef other(beta, **rest): ...\ndef third(shape, /): ...\n")
    assert told(f"{file}:make") == (
        f"make() in {file} needs 'latents', which it cannot be given (did you mean latent?); "
        "it may name shape, width, latent, classes as parameters, and any other one needs a default."
    )
    assert "needs 'beta', which it cannot be given; it" in told(f"{file}:other")
    assert "needs 'shape'" in told(f"{file}:third")


def test_a_function_that_fails(tmp_path: Path) -> None:
    file = write(tmp_path, "def make(shape):\n    a, b = shape\n    return nn.Linear(a, b)\n")
    message = told(f"{file}:make")
    assert message == f"make() in {file} failed: ValueError: too many values to unpack (expected 2) (line 3); correct it."


@pytest.mark.parametrize(("value", "kind"), [("None", "NoneType"), ("(nn.ReLU(), 3)", "tuple"), ("nn.Linear", "type")])
def test_a_function_that_gives_no_network(tmp_path: Path, value: str, kind: str) -> None:
    file = write(tmp_path, f"def make(): return {value}\n")
    assert told(f"{file}:make") == (
        f"make() in {file} gives a value of type {kind}, not a torch.nn.Module; let it return the network."
    )

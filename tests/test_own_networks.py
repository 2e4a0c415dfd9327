"""Networks of the user's own: from a file, and checked before training."""

from __future__ import annotations

import copy
import hashlib
import sys
from pathlib import Path

import pytest
import torch
from conftest import ROOT
from contracts import check_pair
from torch import Tensor, nn

from duelo.networks import PAIRS, Pair, own
from duelo.networks.blocks import Judging
from duelo.words import LANGUAGES, UserError

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


# --- from a file


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


# --- the check


def generator(*last: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(5, 30), nn.ReLU(), *(last or (nn.Linear(30, 784), nn.Unflatten(1, SHAPE))))


def discriminator(outputs: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 9), nn.LeakyReLU(0.2), nn.Linear(9, outputs))


class Through(nn.Module):
    """A linear generator or discriminator that ends with a function of one's own."""

    def __init__(self, function, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, outputs)
        self.second = nn.Tanh()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.second(self.first(x.flatten(1))))


def wrong(pair: Pair, judged: tuple[int, ...] | None = None) -> str:
    with pytest.raises(UserError) as caught:
        own.check(pair, SHAPE, judged)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def of(generator: nn.Module | None = None, discriminator: nn.Module | None = None, classes: int = 0) -> Pair:
    standard = PAIRS["convolutional"](SHAPE, 2, 5, classes=classes)
    return Pair(generator or standard.generator, discriminator or standard.discriminator, (5,), classes=classes)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("classes", [0, 3])
def test_our_own_pairs_pass(name: str, classes: int) -> None:
    shape = (2,) if name == "toy" else SHAPE
    own.check(PAIRS[name](shape, 4, 5, classes=classes), shape)


def test_any_shape_of_one_logit_passes_and_is_judged() -> None:
    members = torch.randn(4, *SHAPE)
    for last in ([nn.Flatten(0)], [], [nn.Unflatten(1, (1, 1, 1))]):
        network = discriminator().extend(last)
        pair = of(generator(), own.judging(network))
        own.check(pair, SHAPE)
        own.check(of(generator(), network), SHAPE)
        assert pair.discriminator(members).shape == (4,)
        assert torch.equal(pair.discriminator(members), network(members).flatten())
    check_pair(of(generator(nn.Linear(30, 784), nn.Tanh(), nn.Unflatten(1, SHAPE)), own.judging(discriminator())), SHAPE)


class Told(nn.Module):
    """A conditional network of one's own, of a few lines."""

    def __init__(self, inputs: int, *shape: int) -> None:
        super().__init__()
        self.inner = nn.Linear(inputs + 3, torch.Size(shape).numel())
        self.shape = shape

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        classes = nn.functional.one_hot(labels, 3).float()
        return self.inner(torch.cat([x.flatten(1), classes], 1)).reshape(-1, *self.shape)


def test_conditional_networks_of_ones_own() -> None:
    torch.manual_seed(0)
    pair = Pair(Told(5, *SHAPE), own.judging(Told(784, 1)), (5,), pixel_range=None, classes=3)
    own.check(pair, SHAPE)
    check_pair(pair, SHAPE)
    assert wrong(of(generator(), None, classes=3)) == (
        "the generator (Sequential) cannot be called with (latents, labels); give it a forward(self, latents, labels)."
    )
    assert "the discriminator (Sequential) cannot be called with (members, labels)" in wrong(of(None, discriminator(), 3))
    assert wrong(of(Told(5, *SHAPE))) == (
        "the generator (Told) cannot be called with (latents); give it a forward(self, latents)."
    )
    assert "the discriminator (Told) cannot be called with (members);" in wrong(of(None, own.judging(Told(784, 1))))


def test_packed_members() -> None:
    judged = (2, 28, 28)
    own.check(of(generator(), PAIRS["convolutional"](judged, 2).discriminator), SHAPE, judged)
    assert wrong(of(generator(), discriminator()), judged) == (
        "the discriminator failed in its layer 1 (Linear), which was given 2 x 1568: RuntimeError: mat1 and mat2 shapes "
        "cannot be multiplied (2x1568 and 784x9); make that layer fit what it is given."
    )


def test_members_of_another_shape() -> None:
    members = "the generator makes members of 1 x 32 x 32, but those of the data are 1 x 28 x 28; "
    last = nn.Linear(30, 1024), nn.Unflatten(1, (1, 32, 32))
    assert wrong(of(generator(*last))) == members + "change the layer that gives this shape, 3 (Unflatten)."
    # layers that leave the shape alone are not to blame
    assert wrong(of(generator(*last, nn.BatchNorm2d(1), nn.Tanh()))).endswith("this shape, 3 (Unflatten).")
    # what is computed between the layers
    network = Through(lambda x: x.reshape(-1, 1, 32, 32), 5, 1024)
    assert wrong(of(network)) == members + "change the layer that gives this shape, forward (Through)."
    nested = nn.Sequential(
        generator(nn.Linear(30, 49), nn.Unflatten(1, (1, 7, 7))), nn.Sequential(nn.Upsample(scale_factor=3))
    )
    assert wrong(of(nested)).endswith(
        "members of 1 x 21 x 21, but those of the data are 1 x 28 x 28; "
        "change the layer that gives this shape, 1.0 (Upsample)."
    )
    assert wrong(of(generator(nn.Linear(30, 784), nn.Unflatten(0, (1, 2))))) == (
        "the generator makes a tensor of 1 x 2 x 784 from 2 inputs, and the first number should be theirs; "
        "change the layer that gives this shape, 3 (Unflatten)."
    )


def test_more_than_one_logit() -> None:
    assert wrong(of(discriminator=discriminator(10))) == (
        "the discriminator gives 2 x 10 for 2 members, but one number for each is wanted (2 or 2 x 1); "
        "change the layer that gives this shape, 3 (Linear)."
    )
    assert wrong(of(discriminator=own.judging(discriminator(10)))) == wrong(of(discriminator=discriminator(10)))
    conv = nn.Sequential(nn.Conv2d(1, 1, 3, stride=4), nn.LeakyReLU(0.2))
    assert "gives 2 x 1 x 7 x 7 for 2 members" in wrong(of(discriminator=conv))
    assert "gives this shape, 0 (Conv2d)." in wrong(of(discriminator=conv))
    assert "gives 1 for 2 members" in wrong(of(discriminator=Through(torch.mean, 784, 3)))  # one for the whole batch
    assert "gives 1 x 2 for 2 members" in wrong(of(discriminator=Through(torch.t, 784, 1)))


def test_a_layer_that_fails() -> None:
    assert wrong(of(generator(nn.Linear(31, 784)))) == (
        "the generator failed in its layer 2 (Linear), which was given 2 x 30: RuntimeError: mat1 and mat2 shapes cannot be "
        "multiplied (2x30 and 31x784); make that layer fit what it is given."
    )
    network = Through(lambda x: x.reshape(-1, 3, 7), 784, 4)
    assert wrong(of(discriminator=network)).startswith(
        "the discriminator failed in its layer forward (Through), which was given 2 x 1 x 28 x 28: RuntimeError: shape '["
    )


def test_what_is_no_tensor_of_finite_float32() -> None:
    assert wrong(of(Through(lambda x: (x, x), 5, 784))) == (
        "the generator gives a value of type tuple, not a tensor; let its forward return one tensor."
    )
    reshape = nn.Unflatten(1, SHAPE)
    assert wrong(of(nn.Sequential(Through(Tensor.double, 5, 784), reshape))) == (
        "the generator gives float64 numbers, not float32; look at its layer 1 (Unflatten)."
    )
    network = generator(nn.Linear(30, 784), nn.Tanh(), reshape)
    with torch.no_grad():
        network[2].bias[7] = float("nan")
    assert wrong(of(network)) == (
        "the generator gives numbers that are not finite, first in its layer 2 (Linear); look at what this one computes."
    )
    assert "the discriminator gives numbers that are not finite, first in its layer forward (Through)" in wrong(
        of(discriminator=Through(lambda x: x / 0, 784, 1))
    )


def test_networks_that_cannot_learn() -> None:
    assert wrong(of(discriminator=nn.Sequential(nn.Flatten(), nn.AvgPool1d(784)))) == (
        "the discriminator has no weights that could learn; give it layers with parameters."
    )
    frozen = generator().requires_grad_(False)
    assert wrong(of(frozen)).startswith("the generator has no weights that could learn")


def test_a_gradient_that_is_lost() -> None:
    def lost(side: str, layer: str) -> str:
        return f"no gradient gets through the {side}: it is lost in its layer {layer}; look there for detach(), no_grad(), "

    reshape = nn.Unflatten(1, SHAPE)
    assert wrong(of(nn.Sequential(Through(Tensor.detach, 5, 784), reshape))).startswith(lost("generator", "1 (Unflatten)"))
    assert wrong(of(Through(lambda x: x.detach().reshape(-1, *SHAPE), 5, 784))).startswith(
        lost("generator", "forward (Through)")
    )
    cut = Through(lambda x: (x > 0).float(), 784, 1)
    assert wrong(of(discriminator=cut)).startswith(lost("discriminator", "forward (Through)"))

    class Blind(nn.Module):
        """Never looks at the members."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, x: Tensor) -> Tensor:
            return x.detach().flatten(1)[:, :1] * self.weight

    assert wrong(of(discriminator=Blind())).startswith(lost("discriminator", "forward (Blind)"))

    class Unused(nn.Linear):
        """Its weights play no part."""

        def forward(self, x: Tensor) -> Tensor:
            return x.repeat(1, 200)[:, :784].reshape(-1, *SHAPE)

    assert wrong(of(Unused(5, 1))).startswith(lost("generator", "forward (Unused)"))


def test_a_zero_at_the_start_is_no_lost_gradient() -> None:
    network = discriminator()
    nn.init.zeros_(network[3].weight)
    own.check(of(generator(), network), SHAPE)


def test_the_check_leaves_everything_as_it_was() -> None:
    class Counting(nn.Module):
        """Counts its calls in a buffer, makes noise, and behaves in another way in training."""

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))
            self.register_buffer("last", torch.zeros(()))

        def forward(self, x: Tensor) -> Tensor:
            assert not self.training
            self.calls += 1
            self.last = x.detach().mean()
            return x + torch.randn_like(x)

    def networks() -> Pair:
        middle = nn.Linear(30, 784), nn.BatchNorm1d(784), nn.Dropout(), Counting(), nn.Unflatten(1, SHAPE)
        return of(generator(*middle), own.judging(discriminator().append(Counting())))

    torch.manual_seed(1)
    pair = networks()
    pair.generator[1].eval()  # a mode of its own
    state = copy.deepcopy((pair.generator.state_dict(), pair.discriminator.state_dict()))
    modes = [module.training for module in pair.generator.modules()]
    random = torch.get_rng_state()
    own.check(pair, SHAPE)
    assert torch.equal(torch.get_rng_state(), random)
    assert [module.training for module in pair.generator.modules()] == modes
    assert pair.discriminator.training
    for before, network in zip(state, (pair.generator, pair.discriminator), strict=True):
        after = network.state_dict()
        assert list(after) == list(before)
        assert all(torch.equal(after[key], before[key]) for key in before)
        assert all(parameter.grad is None for parameter in network.parameters())
        assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    # and when it fails
    pair = Pair(pair.generator, own.judging(discriminator(3).append(Counting())), (5,))
    random = torch.get_rng_state()
    assert "gives 2 x 3" in wrong(pair)
    assert torch.equal(torch.get_rng_state(), random)
    assert pair.discriminator.training
    assert float(pair.discriminator.network[4].calls) == 0


def test_lazy_layers_take_their_shapes() -> None:
    lazy = nn.Sequential(nn.LazyConv2d(4, 3, stride=2), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(1))
    pair = of(generator(nn.Linear(30, 784), nn.Tanh(), nn.Unflatten(1, SHAPE)), own.judging(lazy))
    own.check(pair, SHAPE)
    assert lazy[4].in_features == 4 * 13 * 13
    check_pair(pair, SHAPE)


def test_a_layer_that_is_used_twice_has_its_first_name() -> None:
    leaky = nn.LeakyReLU(0.2)
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 9), leaky, nn.Linear(9, 9), leaky, nn.Linear(8, 1))
    assert "failed in its layer 5 (Linear), which was given 2 x 9" in wrong(of(discriminator=network))


def test_judging_keeps_the_names_of_weights() -> None:
    network = discriminator()
    judge = own.judging(network)
    assert isinstance(judge, Judging)
    assert [key.removeprefix("network.") for key in judge.state_dict()] == list(network.state_dict())
    with pytest.raises(RuntimeError):
        own.judging(discriminator(2))(torch.randn(3, *SHAPE))


def test_spanish_says_the_same_of_a_wrong_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUELO_LANG", "es")
    assert wrong(of(discriminator=discriminator(10))) == (
        "la discriminadora da 2 x 10 para 2 miembros, pero se quiere un número para cada uno (2 o 2 x 1); "
        "cambie la capa que da esa forma, 3 (Linear)."
    )
    keys = [key for key in LANGUAGES["en"] if key.startswith("networks.own_")]
    assert len(keys) == 19

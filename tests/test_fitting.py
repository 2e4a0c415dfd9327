"""The look at two networks before training: what passes, and what the user reads where something does not fit."""

from __future__ import annotations

import copy

import pytest
import torch
from contracts import check_pair
from torch import Tensor, nn

from duelo.networks import PAIRS, Pair, own
from duelo.networks.blocks import Judging
from duelo.words import LANGUAGES, UserError

SHAPE = (1, 28, 28)


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUELO_LANG", "en")


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
    shape = (2,) if name in ("toy", "islands") else SHAPE
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

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from contracts import check_pair
from torch import nn

from duelo.networks import PAIRS, Pair, convolutional, lecture, residual, silva, toy, upsampling
from duelo.networks.blocks import BesideMoments, MinibatchDeviation, OfClass, WithClass
from duelo.networks.residual import Block, Resize

SHAPES = {
    "convolutional": (1, 28, 28),
    "islands": (2,),
    "lecture": (1, 28, 28),
    "residual": (1, 28, 28),
    "silva": (1, 28, 28),
    "toy": (2,),
    "upsampling": (1, 28, 28),
}
HABIT = {"convolutional", "upsampling"}  # the pairs with minibatch deviation unless told otherwise


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("width", [4, 12])
@pytest.mark.parametrize(("classes", "deviation"), [(0, None), (3, None), (2, True)])
def test_every_pair_keeps_the_contract(name: str, width: int, classes: int, deviation: bool | None) -> None:
    torch.manual_seed(0)
    pair = PAIRS[name](SHAPES[name], width, 5, classes=classes, deviation=deviation)
    assert pair.classes == classes
    assert pair.latent_shape[0] == 5
    check_pair(pair, SHAPES[name])


@pytest.mark.parametrize(
    ("pair", "shape", "dials", "keys", "generator", "discriminator"),
    [
        (toy, (2,), (6, 5), "a106461857ae1646", 1.307056, -2.336702),
        (lecture, (1, 28, 28), (6, 5), "ade57e6ccf71e99e", -6.677208, -7.040091),
        (convolutional, (3, 9, 14), (6, 5), "f70ca9784a9cd305", -2.697165, -1.493402),
        (toy, (2,), (), "8639f6dcd6710582", 1.012429, -0.791042),
        (lecture, (1, 28, 28), (), "3866ab6cbf52a487", -5.083986, 3.403741),
        (convolutional, (1, 28, 28), (), "a32fc3dc300691ec", -2.24979, -6.002248),
    ],
)
def test_a_seed_gives_the_weights_that_it_always_gave(
    pair, shape, dials, keys: str, generator: float, discriminator: float
) -> None:
    """Written down once: the names and shapes of all weights, and sums that any other draw changes."""
    torch.manual_seed(3)
    networks = pair(shape, *dials)
    sides = {"generator": networks.generator.state_dict(), "discriminator": networks.discriminator.state_dict()}
    lines = [f"{side}.{key} {tuple(value.shape)}" for side, state in sides.items() for key, value in state.items()]
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] == keys
    for side, expected in (("generator", generator), ("discriminator", discriminator)):
        # sums and not bits: torch's normal numbers may differ in the last bit between kinds of processors
        weights = [value.double().flatten() for value in sides[side].values()]
        total = sum(float((w * torch.arange(1, len(w) + 1).double().cos()).sum()) for w in weights)
        assert total == pytest.approx(expected, abs=2e-5), side


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("deviation", [None, True, False])
def test_a_logit_depends_on_the_batch_only_with_deviation(name: str, classes: int, deviation: bool | None) -> None:
    torch.manual_seed(0)
    judge = PAIRS[name](SHAPES[name], 4, 5, classes=classes, deviation=deviation).discriminator.eval()
    members = torch.randn(4, *SHAPES[name])
    repeated = members[:1].expand_as(members)
    labels = [torch.tensor([2, 1, 0, 1])] if classes else []
    same = torch.allclose(judge(members, *labels)[0], judge(repeated, *labels)[0], atol=1e-7)
    assert same == (not (name in HABIT if deviation is None else deviation))


@pytest.mark.parametrize("name", PAIRS)
def test_members_and_labels_cannot_be_swapped(name: str) -> None:
    pair = PAIRS[name](SHAPES[name], 4, 5, classes=3)
    latents, labels = torch.randn(4, *pair.latent_shape), torch.tensor([0, 1, 2, 0])
    members = pair.generator(latents, labels)
    with pytest.raises((RuntimeError, IndexError)):
        pair.generator(labels, latents)
    with pytest.raises((RuntimeError, IndexError)):
        pair.discriminator(labels, members)
    with pytest.raises((RuntimeError, IndexError)):
        pair.generator(latents, labels + 1)  # there is no class 3
    with pytest.raises((RuntimeError, IndexError)):
        pair.discriminator(members, labels + 1)


def test_the_class_stands_beside_the_noise() -> None:
    torch.manual_seed(0)
    layer = WithClass(nn.Identity(), 3, (2, 4, 4))
    latents, labels = torch.randn(5, 2, 4, 4), torch.tensor([2, 0, 1, 1, 2])
    out = layer(latents, labels)
    assert torch.equal(out[:, :2], latents)
    for i, label in enumerate(labels):
        assert torch.equal(out[i, 2:].flatten(), layer.embedding.weight[label])
    assert float(layer.embedding.weight.detach().std()) == pytest.approx(0.1, rel=0.2)


def test_the_label_picks_its_own_logit() -> None:
    """The last layer, by hand: the product of the class's weights and what was seen, plus the class's bias."""
    torch.manual_seed(0)
    last = nn.Linear(6, 3)
    layer = OfClass(nn.Sequential(nn.Tanh(), last))
    members, labels = torch.randn(4, 6), torch.tensor([2, 0, 1, 2])
    logits = layer(members, labels).detach()
    for i, label in enumerate(labels):
        assert float(logits[i]) == pytest.approx(
            float((members[i].tanh() @ last.weight[label] + last.bias[label]).detach()), abs=1e-6
        )
    layer(members[:1], labels[:1]).backward()
    assert last.weight.grad.abs().sum(1).nonzero().flatten().tolist() == [2]  # only that class learns


def leaves(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if not list(module.children())]


def test_lecture_discriminator_is_as_the_lecture_says() -> None:
    """L9: strides, no pooling, no fully connected layer, batch normalization, leaky ReLU."""
    layers = leaves(lecture((1, 28, 28)).discriminator)
    kinds = {type(layer) for layer in layers}
    assert kinds - {type(layers[-1])} == {nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU}
    assert not list(layers[-1].parameters())
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    assert all(layer.stride == (2, 2) for layer in convolutions)
    # no convolution is a fully connected layer in disguise: its output is larger than one pixel, or its input is 2 x 2
    sizes = []
    x = torch.randn(2, 1, 28, 28)
    for layer in layers[:-1]:
        x = layer(x)
        if isinstance(layer, nn.Conv2d):
            sizes.append(tuple(x.shape[2:]))
    assert sizes == [(14, 14), (7, 7), (4, 4), (2, 2), (1, 1)]


def test_lecture_generator_is_as_the_lecture_says() -> None:
    """L10, L11: a small image of normal noise, transposed convolutions, ReLU at the end; pixels in [0, 1]."""
    pair = lecture((1, 28, 28))
    layers = leaves(pair.generator)
    assert {type(layer) for layer in layers} == {nn.ConvTranspose2d, nn.BatchNorm2d, nn.ReLU}
    assert isinstance(layers[-1], nn.ReLU)
    assert len(pair.latent_shape) == 3
    assert pair.latent_shape[1:] == (4, 4)
    assert pair.pixel_range == (0.0, 1.0)
    assert pair.generator(torch.randn(3, *pair.latent_shape)).min() >= 0


def test_each_input_pixel_paints_a_square_of_the_stride() -> None:
    """L11, for the generator's own layer from 14 to 28: neighbours' squares begin one stride apart."""
    layer = next(m for m in reversed(leaves(lecture((1, 28, 28)).generator)) if getattr(m, "stride", 0) == (2, 2))
    starts = []
    for column in (5, 6):
        x = torch.zeros(1, layer.in_channels, 14, 14)
        x[..., 7, column] = 1
        painted = (layer(x) - layer(torch.zeros_like(x))).abs().sum((0, 1, 2)).nonzero()
        starts.append(int(painted.min()))
        assert len(painted) == layer.kernel_size[1]
    assert starts[1] - starts[0] == 2


def test_lecture_takes_any_channels_but_no_other_size() -> None:
    torch.manual_seed(0)
    check_pair(lecture((3, 28, 28), width=4, latent=3), (3, 28, 28))
    for shape in [(3, 32, 32), (1, 28, 27), (28, 28), (2,), (1, 1, 28, 28)]:
        with pytest.raises(ValueError, match=r"\(c, 28, 28\), not \("):
            lecture(shape)


def test_the_conditional_lecture_pair_still_has_no_fully_connected_layer() -> None:
    pair = lecture((1, 28, 28), width=4, latent=3, classes=10)
    assert pair.latent_shape == (3, 4, 4)
    assert {type(layer) for layer in leaves(pair.generator)} == {nn.ConvTranspose2d, nn.BatchNorm2d, nn.ReLU, nn.Embedding}
    assert {type(layer) for layer in leaves(pair.discriminator)} == {nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU}


def test_toy_has_two_hidden_layers_of_the_width() -> None:
    pair: Pair = toy((2,), width=16, latent=3)
    widths = [layer.out_features for layer in leaves(pair.generator) if isinstance(layer, nn.Linear)]
    assert widths == [16, 16, 2]
    assert pair.latent_shape == (3,)
    assert pair.pixel_range is None


SIZES = [(1, 28, 28), (3, 32, 32), (4, 8, 8), (2, 9, 31), (3, 9, 14), (3, 50, 21), (3, 48, 64), (1, 256, 100), (1, 8, 100)]


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("pair", [convolutional, residual, upsampling])
def test_pairs_for_images_fit_any_size(pair, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    check_pair(pair(shape, width=2, latent=3), shape)


@pytest.mark.parametrize("shape", [(3, 9, 14), (4, 8, 8)])
@pytest.mark.parametrize("pair", [convolutional, residual, silva, upsampling])
def test_conditional_pairs_fit_any_size(pair, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    check_pair(pair(shape, width=2, latent=3, classes=2), shape)


def test_upsampling_leaves_no_pattern_of_its_own() -> None:
    """Of a latent without any structure in space, a transposed convolution makes a chequered image; this one does not."""

    def pattern(network: nn.Module) -> float:
        first = next(layer for layer in leaves(network) if isinstance(layer, nn.Linear))
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.abs_()
            first.weight.copy_(first.weight.mean())
            first.bias.zero_()
        image = network.eval()(torch.ones(1, 3))[0, 0]
        middle = image[8:-8, 8:-8]
        phases = torch.stack([middle[i::2, j::2].mean() for i in (0, 1) for j in (0, 1)])
        return float((phases.max() - phases.min()).detach())

    torch.manual_seed(0)
    assert pattern(convolutional((1, 32, 32), width=4, latent=3).generator) > 10 * pattern(
        upsampling((1, 32, 32), width=4, latent=3).generator
    )


def test_minibatch_deviation_sees_a_generator_that_repeats_itself() -> None:
    layer = MinibatchDeviation(group=4)
    varied = torch.randn(8, 3, 5, 5)
    repeated = varied[:1].expand(8, 3, 5, 5)
    assert layer(varied).shape == (8, 4, 5, 5)
    assert torch.equal(layer(varied)[:, :3], varied)
    assert layer(varied)[:, 3].min() > 0.5
    assert layer(repeated)[:, 3].max() < 1e-3
    # by hand: group k holds samples k, k + 2, k + 4, k + 6
    group = varied[1::2]
    expected = (group.var(0, correction=0) + 1e-8).sqrt().mean()
    assert torch.allclose(layer(varied)[1::2, 3], expected)
    assert layer(torch.randn(3, 2, 4, 4)).shape == (3, 3, 4, 4)  # a batch that cannot be cut into groups


def test_minibatch_deviation_of_vectors() -> None:
    layer = MinibatchDeviation(group=4)
    varied = torch.randn(8, 5) * 3
    assert layer(varied).shape == (8, 6)
    assert torch.equal(layer(varied)[:, :5], varied)
    for i in range(8):  # by hand, number by number: the group of sample i is i mod 2
        group = varied[i % 2 :: 2]
        spread = [float((group[:, j] - group[:, j].mean()).square().mean().sqrt()) for j in range(5)]
        assert float(layer(varied)[i, 5]) == pytest.approx(sum(spread) / 5, rel=1e-5)
    assert layer(varied[:1].expand(8, 5))[:, 5].max() < 1e-3


def test_moments_are_those_of_the_batch() -> None:
    """By hand, in NumPy; each of the three is heard, and what is said of each sample stays as it is."""
    torch.manual_seed(0)
    layer = BesideMoments(nn.Sequential(nn.Flatten(), nn.Linear(4 * 4, 2)), channels=4, outputs=2)
    x = torch.randn(50, 4, 2, 2)
    mean, deviation = layer.moments(x)
    values = x.numpy().transpose(1, 0, 2, 3).reshape(4, -1)
    assert mean.tolist() == pytest.approx(values.mean(1).tolist(), abs=1e-5)
    assert deviation.tolist() == pytest.approx(values.std(1).tolist(), rel=1e-4)
    covariance = np.cov(layer.directions.weight.detach().numpy() @ x.mean((2, 3)).numpy().T, bias=True)
    roots = np.sqrt(np.diag(covariance))
    expected = covariance / np.sqrt(np.outer(roots, roots))
    assert layer.covariances(x).tolist() == pytest.approx(expected.flatten().tolist(), abs=1e-5)
    beside = layer(x) - layer.network(x)
    assert torch.allclose(beside, beside[:1].expand(50, 2), atol=1e-6)
    assert torch.allclose(beside[0], layer.told(torch.cat([mean, deviation, layer.covariances(x)])), atol=1e-6)


def test_covariances_see_what_moves_together() -> None:
    """Channels of the same means and deviations, alike in one batch and each for itself in the other."""
    torch.manual_seed(0)
    layer = BesideMoments(nn.Flatten(), channels=4, outputs=4)
    layer.directions.weight.data = torch.eye(2, 4)
    alone = torch.randn(4000, 4, 1, 1)
    together = alone[:, :1].expand(-1, 4, 1, 1)
    assert torch.allclose(torch.cat(layer.moments(alone)), torch.cat(layer.moments(together)), atol=0.05)
    assert layer.covariances(alone)[1].abs() < 0.05
    assert layer.covariances(together).tolist() == pytest.approx([1] * 4, abs=0.05)
    still = torch.zeros(5, 4, 1, 1, requires_grad=True)  # a generator that has collapsed
    layer(still).sum().backward()
    assert still.grad is not None
    assert torch.isfinite(still.grad).all()


def test_a_convolutional_generator_draws_exact_black_and_white_and_still_learns() -> None:
    """With three units of spread before the end, as in training: tanh reaches either in three pixels of a thousand."""
    torch.manual_seed(0)
    generator = convolutional((1, 28, 28), width=8).generator
    latents = torch.randn(32, 64)
    with torch.no_grad():
        last = generator[-2]
        last.weight *= 3 / generator[:-1](latents).std()
    images = generator(latents)
    assert images.min() == -1
    assert images.max() == 1
    assert 0.5 < float((images.abs() == 1).float().mean()) < 0.9  # of normal numbers, 74 % lie so far out
    images.sum().backward()
    assert all(float(weight.grad.abs().sum()) > 0 for weight in generator.parameters())


def test_residual_refuses_what_is_smaller() -> None:
    for shape in [(1, 7, 20), (3, 20, 4), (2,), (28, 28)]:
        with pytest.raises(ValueError, match=r"at least 8, not \("):
            residual(shape)


def test_residual_has_no_normalization_and_judges_each_sample_for_itself() -> None:
    torch.manual_seed(0)
    pair = residual((3, 20, 28), width=8, latent=6)
    check_pair(pair, (3, 20, 28))
    kinds = {type(layer) for network in (pair.generator, pair.discriminator) for layer in leaves(network)}
    assert not kinds & {nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm, MinibatchDeviation}
    latents = torch.randn(5, 6)
    members = pair.generator(latents)
    assert torch.allclose(pair.generator(latents[1:3]), members[1:3], atol=1e-6)
    assert torch.allclose(pair.discriminator(members[1:3]), pair.discriminator(members)[1:3], atol=1e-6)


def test_a_residual_block_begins_as_the_identity_and_is_scaled_by_the_depth() -> None:
    """By hand: N(0, 2 / (1 + 0.2^2) / inputs), times L^(-1/4), then 0 in the last convolution."""
    torch.manual_seed(0)
    x = torch.randn(2, 64, 6, 5)
    block = Block(64, depth=3)
    assert torch.equal(block(x), x)
    first, _, middle, _, last = block.body
    for layer, inputs in ((first, 64), (middle, 64 * 9)):
        assert float(layer.weight.detach().std()) == pytest.approx(math.sqrt(2 / 1.04 / inputs) * 3**-0.25, rel=0.03)
        assert layer.bias is not None
    assert last.bias is None
    nn.init.normal_(last.weight)
    leaky = F.leaky_relu(F.conv2d(x, first.weight, first.bias), 0.2)
    leaky = F.leaky_relu(F.conv2d(leaky, middle.weight, middle.bias, padding=1), 0.2)
    assert torch.allclose(block(x), x + F.conv2d(leaky, last.weight), atol=1e-3)
    networks = residual((1, 28, 28), width=8, blocks=2)
    for network in (networks.generator, networks.discriminator):
        blocks = [layer for layer in network.modules() if isinstance(layer, Block)]
        assert len(blocks) == 3 * 2  # 28 -> 14 -> 7 -> 4
        largest = max(blocks, key=lambda block: block.body[0].in_channels)
        inputs = largest.body[2].weight[0].numel()
        deviation = math.sqrt(2 / 1.04 / inputs) * 6**-0.25
        assert float(largest.body[2].weight.detach().std()) == pytest.approx(deviation, rel=0.1)


def test_residual_networks_neither_explode_nor_vanish_at_the_start() -> None:
    torch.manual_seed(0)
    pair = residual((3, 64, 64), width=16)
    before_tanh = pair.generator[:-1](torch.randn(50, 64)).detach()
    assert 0.1 < float(before_tanh.std()) < 1
    logits = pair.discriminator(torch.rand(50, 3, 64, 64) * 2 - 1)
    assert 0.01 < float(logits.detach().abs().mean()) < 3


@pytest.mark.parametrize(("size", "wanted"), [((7, 9), (14, 18)), ((14, 18), (7, 9)), ((9, 14), (5, 7)), ((5, 7), (9, 14))])
def test_resizing_keeps_a_ramp_a_ramp(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    """Brightness that grows evenly to the right still does, away from the border, and its mean stays."""
    h, w = size
    ramp = ((torch.arange(w) + 0.5) / w).expand(1, 2, h, w)
    out = Resize(wanted)(ramp)
    assert out.shape == (1, 2, *wanted)
    assert torch.allclose(out, out[:, :, :1].expand_as(out), atol=1e-6)
    assert float(out.mean()) == pytest.approx(0.5, abs=1e-5)
    middle = out[0, 0, 0, 1:-1]
    expected = (torch.arange(wanted[1]) + 0.5)[1:-1] / wanted[1]
    assert torch.allclose(middle, expected, atol=1 / (2 * w) if w % 2 else 1e-6)

from __future__ import annotations

import pytest
import torch
from contracts import check_pair
from torch import nn

from duelo.networks import PAIRS, Pair, convolutional, lecture, toy, upsampling
from duelo.networks.blocks import MinibatchDeviation

SHAPES = {"convolutional": (1, 28, 28), "lecture": (1, 28, 28), "toy": (2,), "upsampling": (1, 28, 28)}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("width", [4, 12])
def test_every_pair_keeps_the_contract(name: str, width: int) -> None:
    torch.manual_seed(0)
    check_pair(PAIRS[name](SHAPES[name], width, 5), SHAPES[name])


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


def test_lecture_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match=r"\(1, 28, 28\), not \(3, 32, 32\)"):
        lecture((3, 32, 32))


def test_toy_has_two_hidden_layers_of_the_width() -> None:
    pair: Pair = toy((2,), width=16, latent=3)
    widths = [layer.out_features for layer in leaves(pair.generator) if isinstance(layer, nn.Linear)]
    assert widths == [16, 16, 2]
    assert pair.latent_shape == (3,)
    assert pair.pixel_range is None


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 8, 8), (2, 9, 31), (3, 50, 21), (1, 256, 100)])
@pytest.mark.parametrize("pair", [convolutional, upsampling])
def test_pairs_for_images_fit_any_size(pair, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    check_pair(pair(shape, width=2, latent=3), shape)


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

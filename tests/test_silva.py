"""The pair of Silva's notebook, layer by layer."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from duelo.networks import silva
from duelo.networks.blocks import Logit


def sizes(network: nn.Sequential, x: Tensor) -> list[tuple[type[nn.Module], tuple[int, ...]]]:
    """The kinds of a sequence's layers, and the shapes of what each gives, without the batch."""
    steps = []
    for layer in network:
        x = layer(x)
        steps.append((type(layer), tuple(x.shape[1:])))
    return steps


def test_silva_generator_is_as_the_notebook_says() -> None:
    pair = silva((1, 28, 28))
    assert pair.latent_shape == (100,)
    assert pair.pixel_range == (-1.0, 1.0)
    steps = sizes(pair.generator, torch.randn(2, 100))
    assert steps[1:-1] == [
        (nn.Linear, (4 * 4 * 512,)),
        (type(pair.generator[2]), (512, 4, 4)),
        (nn.BatchNorm2d, (512, 4, 4)),
        (nn.ReLU, (512, 4, 4)),
        (nn.ConvTranspose2d, (256, 8, 8)),
        (nn.BatchNorm2d, (256, 8, 8)),
        (nn.ReLU, (256, 8, 8)),
        (nn.ConvTranspose2d, (128, 16, 16)),
        (nn.BatchNorm2d, (128, 16, 16)),
        (nn.ReLU, (128, 16, 16)),
        (nn.ConvTranspose2d, (1, 32, 32)),
        (nn.Tanh, (1, 32, 32)),
    ]
    assert steps[-1][1] == (1, 28, 28)
    convolutions = [layer for layer in pair.generator if isinstance(layer, nn.ConvTranspose2d)]
    assert all(layer.kernel_size == (5, 5) and layer.stride == (2, 2) for layer in convolutions)
    dense = 100 * 8192 + 8192
    transposed = 25 * 512 * 256 + 256 + 25 * 256 * 128 + 128 + 25 * 128 + 1
    normalization = 2 * (512 + 256 + 128)
    assert sum(p.numel() for p in pair.generator.parameters()) == dense + transposed + normalization


def test_silva_discriminator_is_as_the_notebook_says() -> None:
    pair = silva((1, 28, 28))
    assert sizes(pair.discriminator, torch.randn(2, 1, 28, 28)) == [
        (nn.ConstantPad2d, (1, 32, 32)),
        (nn.Conv2d, (64, 16, 16)),
        (nn.LeakyReLU, (64, 16, 16)),
        (nn.Conv2d, (128, 8, 8)),
        (nn.BatchNorm2d, (128, 8, 8)),
        (nn.LeakyReLU, (128, 8, 8)),
        (nn.Conv2d, (256, 4, 4)),
        (nn.BatchNorm2d, (256, 4, 4)),
        (nn.LeakyReLU, (256, 4, 4)),
        (nn.Flatten, (4096,)),
        (nn.Linear, (1,)),
        (Logit, ()),
    ]
    layers = list(pair.discriminator)
    assert all(layer.kernel_size == (5, 5) and layer.stride == (2, 2) for layer in layers if isinstance(layer, nn.Conv2d))
    assert all(layer.negative_slope == 0.2 for layer in layers if isinstance(layer, nn.LeakyReLU))
    convolutions = 25 * 64 + 64 + 25 * 64 * 128 + 128 + 25 * 128 * 256 + 256
    assert sum(p.numel() for p in pair.discriminator.parameters()) == convolutions + 2 * (128 + 256) + 4096 + 1
    for network in (pair.generator, pair.discriminator):
        for layer in network:
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                assert float(layer.weight.detach().std()) == pytest.approx(0.02, rel=0.05)
                assert not layer.bias.detach().any()


def test_silva_noise_is_uniform() -> None:
    z = torch.randn(20_000, 1, generator=torch.Generator().manual_seed(0))
    u = silva((1, 28, 28), 2, 5).generator[0](z)
    assert torch.allclose(u, 2 * torch.distributions.Normal(0, 1).cdf(z) - 1, atol=1e-6)
    # Kolmogorov-Smirnov against U(-1, 1): 1.63 / sqrt(n) is exceeded once in a hundred times
    ranks = (torch.arange(20_000) + 0.5) / 20_000
    assert ((u.flatten().sort().values + 1) / 2 - ranks).abs().max() < 1.63 / math.sqrt(20_000)


@pytest.mark.parametrize(("shape", "top", "left"), [((1, 28, 28), 2, 2), ((2, 9, 14), 11, 9), ((3, 32, 1), 0, 15)])
def test_silva_works_on_the_image_in_a_black_frame(shape: tuple[int, int, int], top: int, left: int) -> None:
    torch.manual_seed(0)
    c, h, w = shape
    small, large = silva(shape, 2, 5), silva((c, 32, 32), 2, 5)
    large.generator.load_state_dict(small.generator.state_dict())
    large.discriminator.load_state_dict(small.discriminator.state_dict())
    for network in (small.generator, small.discriminator, large.generator, large.discriminator):
        network.eval()
    latents, images = torch.randn(3, 5), torch.rand(3, *shape)
    middle = large.generator(latents)[:, :, top : top + h, left : left + w]
    assert torch.equal(small.generator(latents), middle)
    framed = torch.full((3, c, 32, 32), -1.0)
    framed[:, :, top : top + h, left : left + w] = images
    assert torch.allclose(small.discriminator(images), large.discriminator(framed), atol=1e-7)


def test_silva_refuses_what_is_larger() -> None:
    for shape in [(1, 33, 20), (3, 20, 64), (2,), (28, 28)]:
        with pytest.raises(ValueError, match=r"at most 32, not \("):
            silva(shape)

"""Convolutions next to the image give what torch's own give, forwards and backwards, twice."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from duelo.networks.thin import FromImage, ToImage

CASES: list[tuple[type[nn.Module], type[nn.Module], dict[str, Any]]] = [
    (FromImage, nn.Conv2d, {"in_channels": 1, "out_channels": 8, "kernel_size": 4, "stride": 2, "padding": 1}),
    (FromImage, nn.Conv2d, {"in_channels": 3, "out_channels": 5, "kernel_size": (3, 4), "stride": 2, "padding": 1}),
    (FromImage, nn.Conv2d, {"in_channels": 2, "out_channels": 5, "kernel_size": 5, "stride": (1, 3), "padding": (2, 0)}),
    (FromImage, nn.Conv2d, {"in_channels": 1, "out_channels": 4, "kernel_size": 3, "bias": False}),
    (ToImage, nn.ConvTranspose2d, {"in_channels": 8, "out_channels": 1, "kernel_size": 4, "stride": 2, "padding": 1}),
    (ToImage, nn.ConvTranspose2d, {"in_channels": 5, "out_channels": 3, "kernel_size": (3, 4), "stride": 2, "padding": 1}),
    (
        ToImage,
        nn.ConvTranspose2d,
        {"in_channels": 6, "out_channels": 2, "kernel_size": 5, "stride": 2, "padding": 2, "output_padding": 1},
    ),
    (ToImage, nn.ConvTranspose2d, {"in_channels": 4, "out_channels": 4, "kernel_size": 3, "bias": False}),
    (ToImage, nn.ConvTranspose2d, {"in_channels": 4, "out_channels": 5, "kernel_size": 3}),  # not thin: torch's way
]


def everything(layer: nn.Module, x: Tensor) -> list[Tensor]:
    """The answers, the gradients, and those of a penalty on the gradients."""
    x = x.clone().requires_grad_()
    y = layer(x)
    weigh = torch.arange(y.numel(), dtype=y.dtype).reshape(y.shape).sin()
    weights = list(layer.parameters())
    (slope,) = torch.autograd.grad((weigh * y.square()).sum(), x, create_graph=True)
    twice = torch.autograd.grad(slope.square().sum(), [x, *weights], retain_graph=True)
    return [y, slope, *torch.autograd.grad((weigh * y).sum(), weights), *twice]


@pytest.mark.parametrize(("ours", "theirs", "dials"), CASES)
@pytest.mark.parametrize("channels_last", [False, True])
def test_it_is_torchs_own(
    ours: type[nn.Module], theirs: type[nn.Module], dials: dict[str, Any], channels_last: bool
) -> None:
    torch.manual_seed(0)
    layer, reference = ours(**dials).double(), theirs(**dials).double()
    reference.load_state_dict(layer.state_dict())
    x = torch.randn(4, dials["in_channels"], 9, 11, dtype=torch.float64)
    if channels_last:
        layer, x = layer.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    for found, wanted in zip(everything(layer, x), everything(reference, x), strict=True):
        assert torch.allclose(found, wanted, rtol=1e-9, atol=1e-9)


def test_channels_stay_last_behind_the_image() -> None:
    """Of one channel, both orders look alike, and torch would take the slow one."""
    layer = FromImage(1, 8, 4, stride=2, padding=1).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    assert layer(torch.randn(3, 1, 28, 28)).is_contiguous(memory_format=torch.channels_last)

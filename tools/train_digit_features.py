"""Rebuild src/duelo/measure/digits.safetensors: the classifier that digits are measured with.

    python tools/train_digit_features.py [OUT]

Trained on the training part of the digits alone, for a fixed time; nothing was chosen on other parts, and the accuracies on
them are only printed at the end. On one machine the result is the same bytes each time.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

import duelo
from duelo.data import batch_indices
from duelo.data.augment import BILINEAR, Changes, origins, warp
from duelo.measure.digit_network import FEATURES, WEIGHTS, DigitClassifier, layers

EPOCHS, BATCH, RATE, DECAY, WARM_UP = 26, 128, 4e-3, 1e-2, 0.1
SKETCH, SKETCH_WEIGHT = 14, 20.0  # pixels a side, and what their squared error weighs beside the class's loss
NOISE = 0.5  # deviations, on the features: what is told in a whisper is not heard, so the sketch must be told aloud
ANGLE, SCALE, SHIFT = math.radians(10), 0.1, 2.0  # the farthest changes


def normalized(plain: nn.Sequential) -> nn.Sequential:
    """The same layers with batch normalization after each one that has weights; the last one, without a scale of its own."""
    parts: list[nn.Module] = []
    for layer in plain:
        parts.append(layer)
        if isinstance(layer, nn.Conv2d):
            parts.append(nn.BatchNorm2d(layer.out_channels))
        if isinstance(layer, nn.Linear):
            parts.append(nn.BatchNorm1d(layer.out_features).requires_grad_(False))
    return nn.Sequential(*parts)


def folded(trained: nn.Sequential) -> nn.Sequential:
    """Plain layers that give what the trained ones with normalization do."""
    parts: list[nn.Module] = []
    for layer in trained.eval():
        if isinstance(layer, nn.BatchNorm2d):
            parts.append(fuse_conv_bn_eval(parts.pop(), layer))
        elif isinstance(layer, nn.BatchNorm1d):
            parts.append(fuse_linear_bn_eval(parts.pop(), layer))
        else:
            parts.append(layer)
    return nn.Sequential(*parts)


def changed(images: Tensor) -> Tensor:
    """Images [b, 1, 28, 28] float32, each rotated, scaled and shifted a little."""
    b = len(images)

    def either_way(*shape: int) -> Tensor:
        return 2 * torch.rand(b, *shape) - 1

    one, none = torch.ones(b), torch.zeros(b)
    changes = Changes(
        mirror=one,
        translate=torch.zeros(b, 2),
        scale=1 + SCALE * either_way(),
        angle=ANGLE * either_way(),
        shift=SHIFT * either_way(2),
        cutout=torch.full((b, 2), math.inf),
        brightness=none,
        contrast=one,
        saturation=one,
    )
    return warp(images, origins(changes, *images.shape[2:]), BILINEAR)


def rate(step: int, steps: int) -> float:
    """Up in a straight line, then down along a cosine: a factor in 0..1."""
    up = step / (WARM_UP * steps)
    return min(up, 0.5 + 0.5 * math.cos(math.pi * step / steps))


def accuracy(classifier: DigitClassifier, part: duelo.Part) -> float:
    assert part.labels is not None
    with torch.inference_mode():
        guesses = torch.cat([classifier(part.take(rows)).argmax(1) for rows in torch.arange(len(part)).split(500)])
    return float((guesses == part.labels).double().mean())


def train(data: duelo.Dataset) -> tuple[nn.Sequential, nn.Linear]:
    """The trained layers, their normalization folded in, and the last layer."""
    torch.manual_seed(0)
    body, logits, sketch = normalized(layers()), nn.Linear(FEATURES, 10), nn.Linear(FEATURES, SKETCH**2)
    network = nn.ModuleList([body, logits, sketch]).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY, fused=True)
    labels, steps = data.train.labels, EPOCHS * len(data.train) // BATCH
    assert labels is not None
    for step in range(steps):
        rows = batch_indices(len(data.train), BATCH, step * BATCH, seed=0)
        images = changed(data.train.take(rows).float() / 255)
        optimizer.param_groups[0]["lr"] = RATE * rate(step, steps)
        features = body(images)
        features = features + NOISE * torch.randn_like(features)
        drawn = F.avg_pool2d(images, images.shape[-1] // SKETCH).flatten(1)
        wrong = F.cross_entropy(logits(features), labels[rows])
        loss = wrong + SKETCH_WEIGHT * F.mse_loss(sketch(features), drawn)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 500 == 0:
            print(f"{step:5d} of {steps}: loss {loss.item():.4f}, of it the class's {wrong.item():.4f}", flush=True)
    return folded(body), logits


def standardize(body: nn.Sequential, logits: nn.Linear, part: duelo.Part) -> None:
    """Give each feature mean 0 and deviation 1 on `part` as it is, without changing the logits."""
    with torch.no_grad():
        rows = torch.arange(len(part)).split(500)
        features = torch.cat([body(part.take(some).float() / 255) for some in rows]).double()
        mean, deviation = features.mean(0).float(), features.std(0).float()
        last = body[-1]
        assert isinstance(last, nn.Linear)
        logits.bias += logits.weight @ mean
        logits.weight *= deviation
        last.bias.sub_(mean).div_(deviation)
        last.weight /= deviation[:, None]


def main() -> None:
    torch.set_num_threads(1)  # several add up in another order
    out = Path(sys.argv[1] if len(sys.argv) > 1 else f"src/duelo/measure/{WEIGHTS}")
    data = duelo.load("digits")
    assert data.test is not None
    classifier = DigitClassifier()
    body, logits = train(data)
    standardize(body, logits, data.train)
    classifier.layers.load_state_dict(body.state_dict())
    classifier.logits.load_state_dict(logits.state_dict())
    weights = {name: values.contiguous() for name, values in classifier.state_dict().items()}
    out.write_bytes(safetensors.torch.save(weights))
    classifier.eval().requires_grad_(False)
    for name, part in (("train", data.train), ("heldout", data.heldout), ("test", data.test)):
        print(f"{name}: {accuracy(classifier, part):.2%} right")
    print(f"{out}: {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

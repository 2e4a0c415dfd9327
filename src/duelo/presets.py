"""The recipes that have a name, as plain values; `duelo.recipes` checks them and turns them into a `Recipe`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def digits() -> dict[str, Any]:
    """The default for digits: the best we know for a few minutes on a laptop."""
    return {
        "data": "digits",
        "kimg": 300.0,
        "play": {"batch": 32, "ema_kimg": 200.0, "anneal": 1.0},
        "networks": {"pair": "convolutional", "width": 32, "latent": 64},
        "objective": {"loss": "nonsaturating", "r1": 0.5, "lazy": 4},
        "generator": {"rate": 4e-3},
        "discriminator": {"rate": 2e-3},
        "adam": {"beta1": 0.0, "beta2": 0.99},
    }


def lecture() -> dict[str, Any]:
    """The lecture's pair and rules: strided and transposed convolutions, cross-entropy, ReLU at the end."""
    return {
        "data": "digits",
        "kimg": 150.0,
        "play": {"batch": 64, "ema_kimg": 10.0, "anneal": 0.5},
        "networks": {"pair": "lecture", "width": 32, "latent": 8},
        "objective": {"loss": "nonsaturating"},
        "generator": {"rate": 1e-3},
        "discriminator": {"rate": 1e-3},
        "adam": {"beta1": 0.5, "beta2": 0.99},
    }


def images() -> dict[str, Any]:
    """The default for images of your own: no checkerboards, small batches, and augmentation, since they are few."""
    return {
        "data": "images",
        "kimg": 100.0,
        "play": {"batch": 16, "ema_kimg": 5.0, "anneal": 0.5},
        "networks": {"pair": "upsampling", "width": 32, "latent": 64},
        "objective": {"loss": "nonsaturating", "r1": 0.3},
        "generator": {"rate": 1e-3},
        "discriminator": {"rate": 1e-3},
        "adam": {"beta1": 0.5, "beta2": 0.99},
        "augment": {"p": 0.2},
        "save": {"judge_kimg": 10.0},
        "images": {},
    }


def toy() -> dict[str, Any]:
    """Points in the plane: two small perceptrons, cross-entropy with gradient penalties."""
    return {
        "data": "ring",
        "kimg": 2000.0,
        "play": {"batch": 256, "ema_kimg": 20.0, "anneal": 0.8},
        "networks": {"pair": "toy", "width": 128, "latent": 2},
        "objective": {"loss": "nonsaturating", "r1": 0.1, "r2": 0.1},
        "generator": {"rate": 3e-3},
        "discriminator": {"rate": 3e-3},
        "adam": {"beta1": 0.0, "beta2": 0.9},
        "balance": {"look_kimg": 10.0},
        "save": {"stats_kimg": 10.0, "judge_kimg": 100.0, "samples_kimg": 200.0, "checkpoint_kimg": 100.0},
    }


def islands() -> dict[str, Any]:
    """Points in the plane that lie in separate heaps: signs for the generator, waves for the discriminator."""
    return {
        "data": "grid",
        "kimg": 500.0,
        "play": {"batch": 256, "ema_kimg": 20.0, "anneal": 0.8},
        "networks": {"pair": "islands", "width": 128, "latent": 12},
        "objective": {"loss": "nonsaturating", "r1": 1.0, "r2": 1.0},
        "generator": {"rate": 3e-3},
        "discriminator": {"rate": 6e-3},
        "adam": {"beta1": 0.0, "beta2": 0.9},
        "balance": {"look_kimg": 10.0},
        "save": {"stats_kimg": 10.0, "judge_kimg": 25.0, "samples_kimg": 100.0, "checkpoint_kimg": 100.0},
    }


def residual() -> dict[str, Any]:
    """As R3GAN found (Huang et al. 2024): residual blocks without normalization, the relativistic loss, R1 and R2 alike."""
    return {
        "data": "digits",
        "kimg": 100.0,
        "play": {"batch": 32, "ema_kimg": 5.0, "anneal": 0.5},
        "networks": {"pair": "residual", "width": 16, "latent": 64},
        "objective": {"loss": "relativistic", "r1": 0.5, "r2": 0.5},
        "generator": {"rate": 1e-3},
        "discriminator": {"rate": 1e-3},
        "adam": {"beta1": 0.0, "beta2": 0.99},
    }


def silva() -> dict[str, Any]:
    """Silva's notebook of 2017, from which the lecture's example comes: one turn of D, two of G, real labels of 0.9."""
    return {
        "data": "digits",
        "kimg": 150.0,
        "play": {"batch": 128, "ema_kimg": 10.0},
        "networks": {"pair": "silva", "width": 64, "latent": 100},
        "objective": {"loss": "nonsaturating", "smoothing": 0.1},
        "generator": {"rate": 2e-4, "steps": 2},
        "discriminator": {"rate": 2e-4},
        "adam": {"beta1": 0.5, "beta2": 0.999},
    }


def vae() -> dict[str, Any]:
    """The rival: a variational autoencoder of the default's networks, which nobody judges while it learns."""
    return {
        "data": "digits",
        "kimg": 270.0,
        "play": {"batch": 64, "ema_kimg": 10.0, "anneal": 0.5},
        "networks": {"pair": "vae", "width": 32, "latent": 16},
        "objective": {"loss": "evidence"},
        "generator": {"rate": 2e-3},
        "discriminator": {"rate": 2e-3},
        "adam": {"beta1": 0.9, "beta2": 0.999},
    }


def vae2() -> dict[str, Any]:
    """The rival in two stages: a second one learns which latents the first really uses."""
    recipe = vae()
    recipe["networks"]["two_stage"] = True
    return recipe


PRESETS: dict[str, Callable[[], dict[str, Any]]] = {
    "digits": digits,
    "images": images,
    "islands": islands,
    "lecture": lecture,
    "residual": residual,
    "silva": silva,
    "toy": toy,
    "vae": vae,
    "vae2": vae2,
}

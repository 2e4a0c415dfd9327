"""Where to go among a generator's latents: the directions that change its pictures most, and spots."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from duelo.evidence import between
from duelo.lab.spot import SLIDERS, Spot
from duelo.learner import Learner, sample_labels, sample_latents
from duelo.networks.blocks import apply

ASKED = 256  # directions that are tried out; where latents have more numbers, random ones
PLACES = 4  # latents at which that is done
STEP = 0.25  # standard deviations: a bend of the generator, not the noise of its last bits


@torch.no_grad()
def directions(learner: Learner, count: int = SLIDERS) -> Tensor:
    """The orthonormal directions [count, d] in which a step changes the picture most, the strongest first; count <= d.

    The eigenvectors of the generator's mean metric J^T J on its latents (Wang & Ponce 2021, The geometry of deep generative
    image models, section 2), its slopes J by differences. Each points to where its largest number is positive.
    """
    shape = learner.pair.latent_shape
    d = math.prod(shape)
    basis = torch.eye(d)
    if d > ASKED:
        basis = torch.linalg.qr(torch.randn(d, ASKED, generator=torch.Generator().manual_seed(0))).Q.T
    metric = torch.zeros(len(basis), len(basis))
    labels = sample_labels(learner, PLACES)
    generator = learner.ema.eval()
    for i, start in enumerate(sample_latents(learner, PLACES).flatten(1)):
        latents = torch.cat([start[None], start + STEP * basis]).reshape(-1, *shape)
        parts = []
        for chunk in latents.split(128):
            label = None if labels is None else labels[i].expand(len(chunk)).to(learner.device)
            parts.append(apply(generator, chunk.to(learner.device), label).cpu().flatten(1))
        made = torch.cat(parts)
        slopes = (made[1:] - made[0]) / STEP  # [basis, pixels]
        metric += slopes @ slopes.T / PLACES
    strongest: Tensor = torch.linalg.eigh(metric).eigenvectors.flip(1)[:, : min(count, d)].T @ basis
    signs: Tensor = strongest.gather(1, strongest.abs().argmax(1, keepdim=True)).sign()
    return strongest * signs


def latent(learner: Learner, spot: Spot, along: Tensor) -> Tensor:
    """The latent [d] of a spot. along: the directions [k, d]."""
    here = sample_latents(learner, spot.index + 1, spot.seed)[spot.index].flatten()
    if spot.end is not None:
        here = moved(here, spot.start, along)
        here = between(here[None], latent(learner, spot.end, along)[None], spot.steps)[0, min(spot.step, spot.steps - 1)]
    return moved(here, spot.offsets, along)


def moved(latent: Tensor, offsets: Sequence[float], along: Tensor) -> Tensor:
    """A latent [d], moved by `offsets` along the directions [k, d]."""
    known = torch.tensor(offsets[: len(along)])
    return latent + known @ along[: len(known)] if len(known) else latent


def label(learner: Learner, spot: Spot) -> int | None:
    """The class of a spot: its own, else what the sample was; None where the generator knows no classes."""
    labels = sample_labels(learner, spot.index + 1, spot.seed)
    if labels is None:
        return None
    return int(labels[spot.index]) if spot.label is None else spot.label

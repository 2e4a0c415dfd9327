"""What a run's own discriminator says: of training members, of held-out ones and of generated ones, and of a single one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from duelo.balance import Controls
from duelo.data import Part
from duelo.data.pixels import to_floats
from duelo.learner import imagine, sample_labels, sample_latents
from duelo.networks.blocks import untouched
from duelo.objectives import threshold
from duelo.play import Game, judge

ASKED = 512  # members of each kind, for the opinion of one
BINS = 32
SEED = 77_003  # of the generated ones that keep it company


@dataclass(frozen=True)
class Opinions:
    """A discriminator's logits for held-out members and for generated ones, each [m]; its border."""

    real: Tensor
    fake: Tensor
    border: float


@torch.no_grad()
def logits(game: Game, members: Tensor, labels: Tensor | None) -> Tensor:
    """What the discriminator says of members [n, *shape] as the data has them, in batches as in training: [n / pack].

    Batch normalization and the deviation within a batch need company, and only whole batches are asked: n is cut to them.
    """
    told = []
    with untouched(game.pair.discriminator):
        for start in range(0, len(members) - game.batch + 1, game.batch):
            batch = to_floats(members[start : start + game.batch].to(game.device), game.pair.pixel_range)
            asked = None if labels is None else labels[start : start + game.batch].to(game.device)
            told.append(judge(game, Controls(), batch, asked).cpu())
    return torch.cat(told)


def company(game: Game, n: int) -> tuple[Tensor, Tensor | None]:
    """Generated members [n, *shape], always the same ones, and their labels."""
    labels = sample_labels(game, n, SEED)
    return imagine(game, sample_latents(game, n, SEED), labels), labels


def of_part(game: Game, part: Part, n: int) -> Tensor:
    """What it says of `n` members of a part, drawn at random, in whole batches: [n / pack]."""
    order = torch.randperm(len(part), generator=torch.Generator().manual_seed(SEED))
    places = order[torch.arange(whole_batches(game, n)) % len(part)]
    labels = part.labels[places] if game.pair.classes and part.labels is not None else None
    return logits(game, part.take(places), labels)


def opinions(game: Game, heldout: Part, n: int = ASKED) -> Opinions:
    """What it says of `n` held-out members, or of all if there are fewer, and of as many generated ones."""
    n = min(n, len(heldout))
    real, fake = of_part(game, heldout, n), logits(game, *company(game, whole_batches(game, n)))
    return Opinions(real, fake, float(threshold(game.rules, real, fake)))


def whole_batches(game: Game, n: int) -> int:
    """`n`, cut to whole batches, of which there is one at least."""
    return max(1, n // game.batch) * game.batch


def of_one(game: Game, member: Tensor, label: int | None, others: Opinions) -> dict[str, Any]:
    """What it says of one member [*shape], in plain values: its logit, and where that stands among the others."""
    members, labels = company(game, game.batch)
    members[0] = member
    if labels is not None and label is not None:
        labels[0] = label
    logit = float(logits(game, members, labels)[0])
    values = torch.cat([others.real, others.fake, torch.tensor([logit, others.border])])
    low, high = float(values.min()), float(values.max())
    if not math.isfinite(logit) or not math.isfinite(high - low):
        return {"logit": None}
    counts = {
        name: kind.histc(BINS, low, high).int().tolist() for name, kind in (("real", others.real), ("fake", others.fake))
    }
    return {
        "logit": logit,
        "border": others.border,
        "taken_for": "real" if logit > others.border else "fake",
        "real_below": float((others.real < logit).double().mean()),
        "fake_below": float((others.fake < logit).double().mean()),
        "low": low,
        "high": high,
        "counts": counts,
        "n": len(others.real),
    }

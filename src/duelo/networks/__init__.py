"""Networks: one file a pair; each is a function from a member's shape (and few dials) to a `Pair`."""

from __future__ import annotations

from collections.abc import Callable

from duelo.networks.convolutional import convolutional
from duelo.networks.islands import islands
from duelo.networks.lecture import lecture
from duelo.networks.pair import Pair
from duelo.networks.residual import residual
from duelo.networks.silva import silva
from duelo.networks.toy import toy
from duelo.networks.upsampling import upsampling
from duelo.networks.vae import vae

__all__ = ["PAIRS", "Pair", "convolutional", "islands", "lecture", "residual", "silva", "toy", "upsampling", "vae"]

# those that duel; `vae` does not
PAIRS: dict[str, Callable[..., Pair]] = {
    "convolutional": convolutional,
    "islands": islands,
    "lecture": lecture,
    "residual": residual,
    "silva": silva,
    "toy": toy,
    "upsampling": upsampling,
}

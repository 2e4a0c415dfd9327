"""Do two networks fit each other and the data? Looked at before training, so that a wrong layer is named at once."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import takewhile

import torch
from torch import Tensor, nn

from duelo.networks.blocks import Judging, untouched
from duelo.networks.pair import Pair
from duelo.words import UserError, say

SIDES = {"generator": "side.generator", "discriminator": "side.discriminator"}


@dataclass(frozen=True)
class Step:
    """What one layer did: the shapes that it was given and gave (None: no tensor), and of what kind its numbers were."""

    layer: str
    leaf: bool
    given: tuple[int, ...] | None
    gave: tuple[int, ...] | None
    float32: bool
    finite: bool
    learns: bool


class Trace:
    """What happened inside a network while it worked: the steps in their order, and the layers that are still at work."""

    def __init__(self, network: nn.Module) -> None:
        self.whole = f"forward ({type(network).__name__})"  # a step between the layers
        self.steps: list[Step] = []
        self.open: list[tuple[str, tuple[int, ...] | None]] = []
        self.names = {
            module: f"{name} ({type(module).__name__})" if name else self.whole for name, module in network.named_modules()
        }

    def enter(self, module: nn.Module, inputs: tuple[object, ...]) -> None:
        """A layer begins."""
        self.open.append((self.names[module], next((tuple(x.shape) for x in inputs if isinstance(x, Tensor)), None)))

    def leave(self, module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        """A layer is done."""
        layer, given = self.open.pop()
        leaf = not any(True for _ in module.children())
        if isinstance(output, Tensor):
            kinds = output.dtype == torch.float32, bool(output.isfinite().all()), output.requires_grad
            self.steps.append(Step(layer, leaf, given, tuple(output.shape), *kinds))
        else:
            self.steps.append(Step(layer, leaf, given, None, True, True, True))

    def shaper(self, shape: tuple[int, ...]) -> str:
        """The layer that gave the result its `shape`: the last one, but for those that leave shapes alone."""
        last = takewhile(lambda step: step.gave == shape, (step for step in reversed(self.steps) if step.leaf))
        return next((step.layer for step in last if step.given != shape), self.whole)

    def first_without(self, quality: str) -> str:
        """The first layer whose output lacks a quality: "float32", "finite" or "learns"."""
        return next((step.layer for step in self.steps if step.leaf and not getattr(step, quality)), self.whole)


def check(pair: Pair, shape: tuple[int, ...], judged: tuple[int, ...] | None = None) -> None:
    """Raise a UserError, which names the layer, unless the networks fit each other and the data.

    shape: of a member. judged: of what the discriminator sees at once, if several members are packed: (k * c, *rest).
    The generator must give [b, *shape] float32, finite; the discriminator, for [b, *judged], the logits as [b], [b, 1],
    [b, 1, 1] ...; both must have weights, and a gradient must come from the logits to both. The networks work as in
    evaluation; their modes, weights, buffers and gradients, and torch's random numbers, stay as they were. (Only the lazy
    layers of torch take their shapes here.)
    """
    judged = judged or shape
    discriminator = pair.discriminator.network if isinstance(pair.discriminator, Judging) else pair.discriminator
    networks = {"generator": pair.generator, "discriminator": discriminator}
    for side, network in networks.items():
        if not any(parameter.requires_grad for parameter in network.parameters()):
            raise _error("networks.own_weights", side)
    with _undisturbed(pair.generator, discriminator) as device:
        n = 2 * math.prod(judged) // math.prod(shape)
        latents = torch.randn(n, *pair.latent_shape, device=device).requires_grad_()
        labels = [torch.arange(n, device=device) % pair.classes] if pair.classes else []
        members, trace = _work("generator", pair.generator, latents.clone(), *labels)
        _check_members(members, trace, n, shape)
        judges = members.reshape(2, *judged).detach().requires_grad_()
        logits, trace = _work("discriminator", discriminator, judges, *(one[:2] for one in labels))
        _check_logits(logits, trace)
        _check_gradients(networks, members, judges, logits, trace)


def _check_members(members: Tensor, trace: Trace, n: int, shape: tuple[int, ...]) -> None:
    gave = tuple(members.shape)
    if gave[:1] != (n,):
        raise _error("networks.own_batch", "generator", given=_by(gave), n=n, layer=trace.shaper(gave))
    if gave[1:] != shape:
        raise _error("networks.own_members", "generator", given=_by(gave[1:]), wanted=_by(shape), layer=trace.shaper(gave))
    _check_numbers("generator", members, trace)


def _check_logits(logits: Tensor, trace: Trace) -> None:
    gave = tuple(logits.shape)
    if gave[:1] != (2,) or logits.numel() != 2:
        raise _error("networks.own_logits", "discriminator", given=_by(gave), n=2, layer=trace.shaper(gave))
    _check_numbers("discriminator", logits, trace)


def _check_numbers(side: str, output: Tensor, trace: Trace) -> None:
    if output.dtype != torch.float32:
        kind = str(output.dtype).removeprefix("torch.")
        raise _error("networks.own_numbers", side, given=kind, layer=trace.first_without("float32"))
    if not output.isfinite().all():
        raise _error("networks.own_infinite", side, layer=trace.first_without("finite"))
    if not output.requires_grad:
        raise _error("networks.own_gradient", side, layer=trace.first_without("learns"))


def _check_gradients(networks: dict[str, nn.Module], members: Tensor, judges: Tensor, logits: Tensor, trace: Trace) -> None:
    weights = {side: [p for p in network.parameters() if p.requires_grad] for side, network in networks.items()}
    to_members, *to_weights = torch.autograd.grad(logits.sum(), [judges, *weights["discriminator"]], allow_unused=True)
    if to_members is None or all(gradient is None for gradient in to_weights):
        raise _error("networks.own_gradient", "discriminator", layer=trace.first_without("learns"))
    gradients = torch.autograd.grad(members, weights["generator"], to_members.reshape(members.shape), allow_unused=True)
    if all(gradient is None for gradient in gradients):
        raise _error("networks.own_gradient", "generator", layer=f"forward ({type(networks['generator']).__name__})")


def _work(side: str, network: nn.Module, *inputs: Tensor) -> tuple[Tensor, Trace]:
    """The network's output for its inputs, and what happened inside."""
    trace = Trace(network)
    names = "latents" if side == "generator" else "members"
    names += ", labels" if len(inputs) > 1 else ""
    try:
        inspect.signature(network.forward).bind(*inputs)
    except TypeError as error:
        raise _error("networks.own_inputs", side, kind=type(network).__name__, inputs=names) from error
    with ExitStack() as hooks:
        for module in trace.names:
            hooks.enter_context(module.register_forward_pre_hook(trace.enter))
            hooks.enter_context(module.register_forward_hook(trace.leave))
        try:
            output = network(*inputs)
        except Exception as error:
            layer, given = trace.open[-1] if trace.open else (trace.whole, tuple(inputs[0].shape))
            raise _error("networks.own_failed", side, layer=layer, given=_by(given or ()), why=reason(error)) from error
    if not isinstance(output, Tensor):
        raise _error("networks.own_kind", side, kind=type(output).__name__)
    return output, trace


@contextmanager
def _undisturbed(*networks: nn.Module) -> Iterator[torch.device]:
    """Inside, the networks work as in evaluation; then they and torch's random numbers are as before. Gives their device."""
    parts = [module for network in networks for module in network.modules()]
    modes = [part.training for part in parts]
    device = next(networks[0].parameters()).device
    with torch.random.fork_rng([device] if device.type == "cuda" else []), untouched(*networks):
        try:
            for network in networks:
                network.eval()
            yield device
        finally:
            for part, mode in zip(parts, modes, strict=True):
                part.training = mode


def reason(error: BaseException) -> str:
    """An exception in one line: its kind and its message."""
    return ": ".join(part for part in (type(error).__name__, " ".join(str(error).split())) if part)


def _by(shape: tuple[int, ...]) -> str:
    """A shape as people write it: 1 x 28 x 28."""
    return " x ".join(map(str, shape)) or "1"


def _error(key: str, side: str, **values: object) -> UserError:
    return UserError(key, side=say(SIDES[side]), **values)

"""Images a second of training: the tutorials' loop against ours, with identical networks, batch and operations.

    python bench/throughput.py            # every cell, five pairs of runs each, some ten minutes

Identical networks: those of the `convolutional` pair, their layers torch's own in the loop of the tutorials
(bench/tutorials.py: eager, channels first, a DataLoader, Adam, the discriminator's two halves backwards in turn), ours in
ours, which also averages the generator's weights and asks the balance. Cross-entropy, no penalty, no augmentation. Each run
is a process of its own of SECONDS seconds; runs come in pairs A B A B, and the figure is the median of the pairs' ratios
with their range. Beside it: the machine's rate of matrix products (float32, the best of several sizes), measured in the
same process before and after the training, and the share of it that the needed operations reach: a multiplication and an
addition for each weight and place, forwards and for each gradient that the game needs. Sampling: images a second of the
averaged generator as `duelo sample` draws them, and of the generator as the tutorial would, in batches of 64. Memory: the
most that the process held. Each finished cell is written to bench/results/throughput.jsonl.
"""

from __future__ import annotations

import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from itertools import islice

import torch
from cells import Cell, study
from torch import Tensor, nn
from tutorials import Tutorial, loop

import duelo
from duelo import learner
from duelo.build import build, schedule
from duelo.networks import Pair
from duelo.networks.thin import FromImage, ToImage

SECONDS, PAIRS, THREADS = 10.0, 5, 2
SIZES = ((32, 64), (64, 128))  # width, batch
SAMPLED = 5_000


def recipe(width: int, batch: int) -> duelo.Recipe:
    """The default for digits without its penalty: what the tutorials do."""
    return duelo.resolve("digits", None, {"networks.width": width, "play.batch": batch, "objective.r1": 0.0})


def plain(network: nn.Module) -> nn.Module:
    """The same network of torch's own layers, channels first."""
    for name, layer in network.named_children():
        kind = {FromImage: nn.Conv2d, ToImage: nn.ConvTranspose2d}.get(type(layer))
        if kind is None:
            plain(layer)
            continue
        dials = [getattr(layer, key) for key in ("in_channels", "out_channels", "kernel_size", "stride", "padding")]
        own = kind(*dials)
        own.load_state_dict(layer.state_dict())
        setattr(network, name, own)
    return network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload, no-any-return]


def products(pair: Pair, shape: tuple[int, ...]) -> float:
    """Floating-point operations that a round needs for each real image, of convolutions and dense layers alone."""
    counts: dict[str, list[float]] = {}

    def count(network: nn.Module, x: Tensor, name: str) -> None:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            weight = layer.weight
            places = inputs[0][0, 0].numel() if isinstance(layer, nn.ConvTranspose2d) else output[0].numel() // len(weight)
            counts.setdefault(name, []).append(2.0 * weight.numel() * places)

        layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]
        handles = [layer.register_forward_hook(hook) for layer in layers]
        with torch.no_grad():
            network(x)
        for handle in handles:
            handle.remove()

    count(pair.generator, torch.randn(2, *pair.latent_shape), "generator")
    count(pair.discriminator, torch.randn(2, *shape), "discriminator")
    made, judged = counts["generator"], counts["discriminator"]
    # D's turn: a fake is made; real and fake are judged; gradients of all weights, and of all inputs but the images
    turn_of_d = sum(made) + 2 * (2 * sum(judged) + sum(judged[1:]))
    # G's turn: the fake is judged, once more if it was made once; gradients of D's inputs and of G, but of the latents
    turn_of_g = 2 * sum(judged) + sum(made) + sum(made[1:])
    return turn_of_d + turn_of_g


def rate_of_products() -> float:
    """The best rate of float32 matrix products, in operations a second."""
    best = 0.0
    for n in (512, 1024, 2048):
        a, b = torch.randn(n, n), torch.randn(n, n)
        for _ in range(5):
            start = time.perf_counter()
            torch.mm(a, b)
            best = max(best, 2 * n**3 / (time.perf_counter() - start))
    return best


def run(who: str, width: int, batch: int) -> Cell:
    """One process: training for SECONDS, then sampling."""
    torch.set_num_threads(THREADS)
    settings, dataset = recipe(width, batch), duelo.load("digits")
    rates = [rate_of_products()]
    game = build(settings)
    pair = game.pair
    if who == "ours":
        turns = (tick.nimg for tick in game.rounds(dataset.train, 0, schedule(settings), dataset.referee, 1e9))
    else:
        made, judge = plain(pair.generator), plain(pair.discriminator)
        tutorial = Tutorial(made, judge, dataset.shape[-1], batch, 2e-3, (0.5, 0.99), pair.latent_shape, together=False)
        turns = loop(tutorial, dataset.train.first(len(dataset.train)))
    *_, first = islice(turns, 10)  # the first rounds are slower
    start, seen = time.perf_counter(), first
    while time.perf_counter() - start < SECONDS:
        seen = next(turns)
    speed = (seen - first) / (time.perf_counter() - start)
    rates.append(rate_of_products())
    start = time.perf_counter()
    if who == "ours":
        learner.sample(game, SAMPLED)
    else:
        with torch.no_grad():
            for _ in range(SAMPLED // 64 + 1):
                pair.generator(torch.randn(64, *pair.latent_shape))
    sampling = SAMPLED / (time.perf_counter() - start)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    used = products(pair, dataset.shape) * speed / statistics.median(rates)
    return {"images_per_second": speed, "share": used, "sampled_per_second": sampling, "MB": memory, "rates": rates}


def play(width: int, batch: int, number: int) -> Cell:
    """A pair of runs, in turn."""
    cell: Cell = {"machine": platform.machine(), "threads": THREADS, "torch": torch.__version__}
    for who in ("theirs", "ours"):
        words = [sys.executable, __file__, "run", who, *map(str, (width, batch))]
        cell[who] = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    return cell


def table(cells: list[Cell]) -> None:
    """Medians over the pairs, and their range."""
    for width, batch in SIZES:
        mine = [cell for cell in cells if (cell["width"], cell["batch"]) == (width, batch)]
        if not mine:
            continue
        print(f"width {width}, batch {batch}: {len(mine)} pairs")
        for key, unit in (
            ("images_per_second", "images/s"),
            ("sampled_per_second", "sampled/s"),
            ("share", ""),
            ("MB", "MB"),
        ):
            ours, theirs = ([cell[who][key] for cell in mine] for who in ("ours", "theirs"))
            ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
            print(
                f"  {key:<18} ours {statistics.median(ours):.4g} {unit}, theirs {statistics.median(theirs):.4g}, "
                f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
            )


def main() -> None:
    """The study."""
    if sys.argv[1:2] == ["run"]:
        who, *size = sys.argv[2:]
        print(json.dumps(run(who, *map(int, size))))
        return
    wanted = [(*size, number) for size in SIZES for number in range(PAIRS)]
    table(study("throughput", wanted, ("width", "batch", "number"), play))


if __name__ == "__main__":
    main()

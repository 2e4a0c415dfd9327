"""Images a second of training: the tutorials' loop against ours, with identical networks, batch and operations.

    python bench/throughput.py            # every cell, five pairs of runs each, some ten minutes
    python bench/throughput.py cuda       # on a GPU, with cells of its own: also colour images of 64 x 64 at width 128

Identical networks: those of the `convolutional` pair, their layers torch's own in the loop of the tutorials
(bench/tutorials.py: eager, channels first, a DataLoader, Adam, the discriminator's two halves backwards in turn), ours in
ours, which also averages the generator's weights and asks the balance. Cross-entropy, no penalty, no augmentation. Each run
is a process of its own of 10 seconds (on a GPU: 2 seconds, in one process); runs come in pairs A B A B, and the figure is
the median of the pairs' ratios with their range. Beside it: the machine's rate of matrix products (float32, the best of
several sizes), measured in the same process before and after the training, and the share of it that the needed operations
reach: a multiplication and an addition for each weight and place, forwards and for each gradient that the game needs.
Sampling: images a second of the averaged generator as `duelo sample` draws them, and of the generator as the tutorial would,
in batches of 64. Memory: the most that the process held (on a GPU: of its memory). Each finished cell is written to
bench/results/throughput.jsonl.
"""

from __future__ import annotations

import itertools
import json
import resource
import statistics
import subprocess
import sys
import time
from itertools import islice

import torch
from cells import Cell, study
from torch import Tensor, nn
from tutorials import Tutorial, enlarged, loop

import duelo
from duelo import learner
from duelo.build import build, schedule
from duelo.data import InMemory, Part
from duelo.machine import processor
from duelo.networks import PAIRS, Pair
from duelo.networks.thin import FromImage, ToImage
from duelo.play import Game

REPEATS, THREADS, SECONDS = 5, 2, {"cpu": 10.0, "cuda": 2.0}
SIZES = {  # side, width, batch
    "cpu": ((28, 32, 64), (28, 64, 128)),
    "cuda": ((28, 32, 64), (28, 64, 128), (64, 128, 128)),
}
SAMPLED, LARGE = 5_000, 10_000
KEYS = ("machine", "device", "side", "width", "batch", "number")


def recipe(width: int, batch: int) -> duelo.Recipe:
    """The default for digits without its penalty: what the tutorials do."""
    return duelo.resolve("digits", None, {"networks.width": width, "play.batch": batch, "objective.r1": 0.0})


def images_of(side: int) -> tuple[Part, Part]:
    """Digits to train on and for the referee; at 64 pixels enlarged, in three channels."""
    dataset = duelo.load("digits")
    if side == 28:
        return dataset.train, dataset.referee
    train, referee = (enlarged(part.first(LARGE), side) for part in (dataset.train, dataset.referee))
    return InMemory(train.repeat(1, 3, 1, 1)), InMemory(referee.repeat(1, 3, 1, 1))


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


def rate_of_products(device: str) -> float:
    """The best rate of float32 matrix products, in operations a second."""
    best = 0.0
    for n in (512, 1024, 2048) if device == "cpu" else (4096, 8192):
        a, b = torch.randn(n, n, device=device), torch.randn(n, n, device=device)
        for _ in range(5):
            wait(device)
            start = time.perf_counter()
            torch.mm(a, b)
            wait(device)
            best = max(best, 2 * n**3 / (time.perf_counter() - start))
    return best


def wait(device: str) -> None:
    """Until a GPU has done what it was told."""
    if device == "cuda":
        torch.cuda.synchronize()


def run(who: str, device: str, side: int, width: int, batch: int) -> Cell:
    """One process: training for SECONDS, then sampling. who: ours, half (ours in bfloat16) or theirs."""
    torch.set_num_threads(THREADS)
    settings, (train, referee) = recipe(width, batch), images_of(side)
    rates = [rate_of_products(device)]
    pair = PAIRS["convolutional"](train.shape, width=width, latent=settings.networks.latent)
    game = build(settings, device, pair)
    assert isinstance(game, Game)
    game.half = who == "half"
    if who == "theirs":
        made, judge = plain(pair.generator), plain(pair.discriminator)
        tutorial = Tutorial(made, judge, side, batch, 2e-3, (0.5, 0.99), pair.latent_shape, together=False)
        turns = loop(tutorial, train.first(len(train)), device)
    else:
        turns = (tick.nimg for tick in game.rounds(train, 0, schedule(settings), referee, 1e9))
    *_, first = islice(turns, 10 if device == "cpu" else 50)  # the first rounds are slower
    wait(device)
    start, seen = time.perf_counter(), first
    while time.perf_counter() - start < SECONDS[device]:
        seen = next(turns)
    wait(device)
    speed = (seen - first) / (time.perf_counter() - start)
    rates.append(rate_of_products(device))
    start = time.perf_counter()
    if who == "theirs":
        with torch.no_grad():
            for _ in range(SAMPLED // 64 + 1):
                pair.generator(torch.randn(64, *pair.latent_shape, device=device)).cpu()
    else:
        learner.sample(game, SAMPLED)
    sampling = SAMPLED / (time.perf_counter() - start)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    memory = torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else memory
    used = products(PAIRS["convolutional"](train.shape, width=width, latent=settings.networks.latent), train.shape)
    share = used * speed / statistics.median(rates)
    return {"images_per_second": speed, "share": share, "sampled_per_second": sampling, "MB": memory, "rates": rates}


def play(machine: str, device: str, side: int, width: int, batch: int, number: int) -> Cell:
    """A pair of runs on this `machine`, in turn; on a GPU also one in bfloat16."""
    cell: Cell = {"threads": THREADS, "torch": torch.__version__}
    for who in ("theirs", "ours", "half")[: 2 if device == "cpu" else 3]:
        words = [sys.executable, __file__, "run", who, device, *map(str, (side, width, batch))]
        if device == "cpu":
            cell[who] = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout)
        else:  # in one process, which takes its time to begin on a GPU
            torch.cuda.reset_peak_memory_stats()
            cell[who] = run(who, device, side, width, batch)
    return cell


def table(cells: list[Cell], machine: str, device: str) -> None:
    """Medians over the pairs, and their range."""
    for size in SIZES[device]:
        place = (machine, device, *size)
        mine = [cell for cell in cells if tuple(cell[key] for key in KEYS[:-1]) == place]
        if not mine:
            continue
        print("{0} x {0}, width {1}, batch {2}".format(*size) + f": {len(mine)} pairs, {machine}")
        units = {"images_per_second": "images/s", "sampled_per_second": "sampled/s", "share": "", "MB": "MB"}
        for who, (key, unit) in itertools.product(("ours", "half"), units.items()):
            if who in mine[0]:
                ours, theirs = ([cell[name][key] for cell in mine] for name in (who, "theirs"))
                ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
                print(
                    f"  {key:<18} {who} {statistics.median(ours):.4g} {unit}, theirs {statistics.median(theirs):.4g}, "
                    f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
                )


def main() -> None:
    """The study."""
    if sys.argv[1:2] == ["run"]:
        _, _, who, device, *size = sys.argv
        side, width, batch = map(int, size)
        print(json.dumps(run(who, device, side, width, batch)))
        return
    device = sys.argv[1] if len(sys.argv) > 1 else "cpu"
    pairs = range(int(sys.argv[2]) if len(sys.argv) > 2 else REPEATS)
    machine = processor(device)
    wanted = [(machine, device, *size, number) for number in pairs for size in SIZES[device]]
    table(study("throughput", wanted, KEYS, play), machine, device)


if __name__ == "__main__":
    main()

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from livegames import by_hand, ring, same, weights
from torch import Tensor, nn

from duelo.balance import Adaptive, Controls, fixed
from duelo.data import Mixture, toy_dataset
from duelo.data.pixels import to_floats
from duelo.lab import drawing
from duelo.lab.game import LiveGame
from duelo.lab.settings import changed, defaults
from duelo.lab.worker import Worker
from duelo.measure import neighbour_distance, score
from duelo.objectives import rules_of
from duelo.play import play


def hearing() -> tuple[Worker, list[Any]]:
    told: list[Any] = []
    return Worker(lambda *message: told.append(message[:2])), told


# --- the game


def test_a_live_game_is_the_librarys_own() -> None:
    settings = ring(seed=3, generator_steps=2, noise=0.1, anneal=0)
    live = LiveGame(settings)
    game, dataset = by_hand(settings)
    rounds = play(game, dataset.train, 3, fixed(Controls(1, 2, noise=0.1)), dataset.referee, 10.0)
    for _ in range(12):
        live.play()
        tick = next(rounds)
        for name, values in tick.figures().items():
            assert torch.equal(live.recent[-1].figures()[name], values), name
    told = live.tick()
    assert told["nimg"] == game.nimg == 12 * 64
    live.judge()
    real = dataset.referee.drawn(1000)
    assert live.judgement["value"] == neighbour_distance(live.fakes(1000), real)
    assert live.judgement["modes"] == score(live.fakes(1000), dataset.truth).modes


def test_a_change_between_two_rounds_is_as_if_the_game_had_it_from_there_on() -> None:
    settings = ring(anneal=0)
    live = LiveGame(settings)
    game, dataset = by_hand(settings)
    before = play(game, dataset.train, 0)
    for _ in range(3):
        live.play()
        next(before)
    live.change(replace(settings, objective="hinge", r1=1.0, discriminator_rate=0.01, beta2=0.5, discriminator_steps=2))
    game.rules, game.r1 = rules_of("hinge"), 1.0
    game.rates = {**game.rates, "discriminator": 0.01}
    for optimizer in game.optimizers.values():
        optimizer.param_groups[0]["betas"] = (settings.beta1, 0.5)
    after = play(game, dataset.train, 0, fixed(Controls(2, 1)))
    for _ in range(3):
        live.play()
        tick = next(after)
        for name, values in tick.figures().items():
            assert torch.equal(live.recent[-1].figures()[name], values), name


def test_a_change_that_cannot_be_leaves_all_as_it_was() -> None:
    live = LiveGame(ring())
    twin = LiveGame(ring())
    live.play()
    twin.play()
    with pytest.raises(ValueError, match="hinge has no label to smooth"):
        live.change(replace(live.settings, objective="hinge", smoothing=0.1))
    assert live.settings == ring()
    for _ in range(2):
        live.play()
        twin.play()
    assert same(weights(live.game.pair.generator), weights(twin.game.pair.generator))


def test_turns_of_one_side_alone_leave_the_other_as_it_is() -> None:
    live = LiveGame(ring())
    live.play()
    sides = {"discriminator": live.game.pair.discriminator, "generator": live.game.pair.generator}
    for alone, network in sides.items():
        other = next(one for name, one in sides.items() if name != alone)
        moved, stayed, nimg = weights(network), weights(other), live.nimg
        live.play(alone)
        assert not same(moved, weights(network)), alone
        assert same(stayed, weights(other)), alone
        assert live.nimg == nimg + 64
        assert live.duel is not None


def test_turns_of_d_alone_make_d_win_and_turns_of_g_alone_undo_it() -> None:
    live = LiveGame(changed(defaults("ring"), {"width": 32}))
    for _ in range(150):
        live.play("discriminator")
    assert live.duel is not None
    assert min(live.duel.referee_right, live.duel.fake_right) > 0.95
    fooled = live.duel.fake_logit
    for _ in range(150):
        live.play("generator")
    assert live.duel.fake_logit > fooled + 1
    assert live.duel.fake_right < 0.5


def test_a_side_that_looks_on_does_not_learn_in_play_itself() -> None:
    game, dataset = by_hand(ring())
    frozen = weights(game.pair.generator)
    for _, tick in zip(range(3), play(game, dataset.train, 0, fixed(Controls(2, 0))), strict=False):
        assert tick.generator_loss.shape == (64,)
    assert same(frozen, weights(game.pair.generator))
    assert game.nimg == 3 * 2 * 64


def test_rates_fall_in_a_line_to_a_tenth() -> None:
    live = LiveGame(ring(anneal=10))
    rates = [live.dials(nimg).rate for nimg in (0, 5_000, 10_000, 99_000)]
    assert rates == pytest.approx([1, 0.55, 0.1, 0.1])


def test_a_game_that_falls_apart_says_so() -> None:
    worker, told = hearing()
    assert worker.hear("start", {"settings": ring().values(), "drawn": None, "play": True}) is None
    with torch.no_grad():
        next(worker.game.game.pair.generator.parameters()).fill_(math.nan)  # type: ignore[union-attr]
    worker.tick_clock.next = 0.0
    worker.go_on()
    assert worker.state == "failed"
    (error,) = (values for kind, values in told if kind == "failed")
    assert error["es"].startswith("una pérdida dejó de ser un número")
    assert worker.hear("do", {"action": "play", "n": 1}) == ("lab.live.diverged", {})
    json.dumps([values for kind, values in told if kind == "tick"], allow_nan=False)


def test_what_is_over_is_told_too() -> None:
    worker, told = hearing()
    assert worker.hear("start", {"settings": ring().values(), "drawn": None, "play": False}) is None
    game = worker.game
    assert game is not None

    def heard() -> list[list[str]]:
        """The findings that were told since the last time, by name."""
        names = [[one["kind"] for one in values] for kind, values in told if kind == "finding"]
        told.clear()
        return names

    def sleep() -> None:
        """The discriminator's weights do not move at the looks so far."""
        for line in game.lines:
            if "duel" in line:
                line["duel"]["discriminator_move"] = 0.0

    assert heard() == [[]]
    assert worker.hear("do", {"action": "step", "n": 1}) is None
    assert heard() == [], "nothing new"
    for _ in range(5):
        game.play(look=True)
    sleep()
    worker.show()
    assert heard() == [["discriminator_asleep"]]
    changes = replace(game.settings, objective="hinge").values()
    assert worker.hear("change", {"settings": changes}) is None  # the looks before are of another loss
    assert heard() == [[]]
    for _ in range(5):
        game.play(look=True)
    sleep()
    worker.show()
    game.play(look=True)
    worker.show()
    assert heard() == [["discriminator_asleep"], []]
    assert worker.hear("start", {"settings": ring().values(), "drawn": None, "play": False}) is None
    assert heard() == [[]], "another game begins with a clean sheet"


# --- what is drawn


class Height(nn.Module):
    """A discriminator that calls real what lies high, and the more so the further to the right."""

    def forward(self, points: Tensor) -> Tensor:
        return 10 * points[:, 1] + points[:, 0]


def test_the_surface_lies_the_right_way_round() -> None:
    live = LiveGame(ring())
    live.game.pair = replace(live.game.pair, discriminator=Height())
    surface = drawing.Surface(16)
    first = surface.look(live, live.fakes(256)).int().clone()
    assert (first[-1] > first[0]).all()  # row 0 is at the bottom
    assert (first[:, -1] >= first[:, 0]).all()
    assert (first[:, -1] > first[:, 0]).any()
    cell = 2 * 1.25 / 16
    x, y = -1.25 + 2.5 * cell, -1.25 + 9.5 * cell  # the cell in row 9, column 2
    assert first[9, 2] == round(255 / (1 + math.exp(-(10 * y + x))))


def test_while_it_is_played_half_of_the_surface_is_new_at_a_time() -> None:
    live = LiveGame(ring())
    surface = drawing.Surface(16)
    first = surface.look(live, live.fakes(256)).clone()
    live.game.pair = replace(live.game.pair, discriminator=Height())
    whole = drawing.Surface(16).look(live, live.fakes(256))
    second = surface.look(live, live.fakes(256)).clone()
    third = surface.look(live, live.fakes(256)).clone()
    assert torch.equal(second[1::2], whole[1::2])
    assert torch.equal(second[::2], first[::2])
    assert torch.equal(third, whole)


def test_arrows_point_down_the_generators_loss() -> None:
    live = LiveGame(ring())
    for _ in range(5):
        live.play()
    fakes = live.fakes(6)
    drawn = drawing.arrows(live, fakes)
    assert torch.equal(drawn[:, :2], fakes)

    def loss(points: Tensor) -> Tensor:
        logits = live.game.pair.discriminator.double()(points)
        return torch.log1p((-logits).exp())  # -log sigmoid, written out

    step, points = 1e-5, fakes.double()
    for axis in (0, 1):
        shift = torch.zeros(2, dtype=torch.float64)
        shift[axis] = step
        slope = (loss(points + shift) - loss(points - shift)) / (2 * step)
        torch.testing.assert_close(drawn[:, 2 + axis].double(), -slope.detach(), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("pair", ["toy", "islands"])
@pytest.mark.parametrize("latent", [1, 2, 5])
def test_the_lattice_goes_through_the_generator(pair: str, latent: int) -> None:
    live = LiveGame(ring(pair=pair, latent=latent))
    lines = drawing.lattice(live)
    assert lines.shape == (26, 61, 2)
    place = torch.tensor([[-2.5 + 5 * 10 / 60, -2.5 + 5 * 2 / 12, 0, 0, 0]])  # the tenth step along the second line
    there, turned = place[:, :latent], place[:, [1, 0, 2, 3, 4]][:, :latent]
    with torch.no_grad():
        torch.testing.assert_close(lines[2, 10], live.game.pair.generator(there)[0])
        if latent > 1:
            torch.testing.assert_close(lines[13 + 2, 10], live.game.pair.generator(turned)[0])


def test_the_optimal_discriminator_knows_the_density() -> None:
    truth = Mixture("two", torch.tensor([[0.6, -0.3], [-0.8, 0.8]]), 0.15)  # nothing is symmetric here
    shares = drawing.cell_shares(truth, 20)
    points = truth.sample(400_000, torch.Generator().manual_seed(0))
    column, row = ((points + truth.extent) / (2 * truth.extent) * 20).floor().long().T
    inside = (column >= 0) & (column < 20) & (row >= 0) & (row < 20)
    counted = torch.zeros(20, 20).index_put_((row[inside], column[inside]), torch.tensor(1.0), accumulate=True)
    torch.testing.assert_close(shares, counted / len(points), rtol=0, atol=1e-3)

    live = LiveGame(ring())
    live.dataset = replace(toy_dataset(truth))
    live.fakes = lambda n: truth.sample(n, torch.Generator().manual_seed(1))  # type: ignore[method-assign]
    (even,) = drawing.optimal(live, 20)
    said = np.frombuffer(even.data, np.uint8).reshape(20, 20)
    assert (abs(said.astype(int)[shares.numpy() > 1e-2] - 127.5) < 12).all()  # a perfect generator: it cannot tell
    live.fakes = lambda n: torch.zeros(n, 2)  # type: ignore[method-assign]
    (sure,) = drawing.optimal(live, 20)
    said = np.frombuffer(sure.data, np.uint8).reshape(20, 20)
    assert said[10, 10] < 5  # everything that is here is fake
    assert (said[shares.numpy() > 1e-3] > 240).sum() > 10


def test_the_optimal_discriminator_is_worked_out_only_for_who_looks_at_it_and_is_never_old() -> None:
    told: list[Any] = []
    worker = Worker(lambda *message: told.append(message))
    assert worker.hear("start", {"settings": ring().values(), "drawn": None, "play": False}) is None

    def frames(after: int) -> list[bool]:
        """Of each frame since, does it hold the surface?"""
        sticky = [message[3] for message in told[after:] if message[0] == "frame"]
        return ["optimal" in {one.name for one in arrays} for arrays in sticky]

    assert worker.hear("watch", {"heat": 32}) is None
    worker.show()
    assert frames(0) == [False, False]
    then = len(told)
    assert worker.hear("watch", {"heat": 32, "optimal": True}) is None
    assert frames(then) == [True], "somebody who turns it on in a paused game sees it at once"
    assert worker.hear("watch", {"heat": 32, "optimal": True}) is None
    assert frames(then) == [True], "once is enough"
    assert worker.hear("do", {"action": "step", "n": 1}) is None
    assert frames(then) == [True, True]

    assert worker.hear("do", {"action": "play", "n": 1}) is None
    then, start = len(told), time.perf_counter()
    while time.perf_counter() - start < 5:
        worker.watch(32, optimal=True)
        worker.go_on()
    fresh = sum(frames(then))
    assert 2 <= fresh <= 3, "every other second"
    assert len(frames(then)) > 2 * fresh


def test_a_copy_is_found_among_the_neighbours() -> None:
    settings = changed(defaults("digits"), {"width": 4, "members": 20, "neighbours": True})
    live = LiveGame(settings)
    assert len(live.dataset.train) == 20
    search = drawing.Neighbours(live)
    copies = live.dataset.train.first(20)[[4, 11, 4]]
    assert search.searched == 20
    sought, near, other, distances = search.find(copies)
    assert sought.data == near.data
    assert near.data == copies.permute(0, 2, 3, 1).contiguous().numpy().tobytes()
    assert search.distance == 0
    apart = np.frombuffer(distances.data, np.float32).reshape(3, 2)
    assert (apart[:, 0] == 0).all()
    assert (apart[:, 1] > 100).all()  # none of the held-out ones is a copy
    assert other.shape == (3, 28, 28, 1)
    assert 1000 < search.apart < 3500  # grey levels: what real digits are from twenty others


def test_pictures_are_those_that_d_is_asked_about() -> None:
    live = LiveGame(changed(defaults("digits"), {"width": 4, "conditional": True}))
    fakes, logits = drawing.images(live)
    assert (fakes.name, fakes.shape, logits.shape) == ("fakes", (36, 28, 28, 1), (36,))
    labels = torch.arange(36) * 10 // 36
    assert labels.bincount().tolist() == [4, 4, 3, 4, 3, 4, 4, 3, 4, 3]
    images = torch.frombuffer(bytearray(fakes.data), dtype=torch.uint8).reshape(36, 1, 28, 28)
    with torch.no_grad():
        again = live.game.pair.discriminator(to_floats(images, live.game.pair.pixel_range), labels)
    np.testing.assert_allclose(np.frombuffer(logits.data, np.float32), again.numpy(), atol=1e-4)


def test_neighbours_are_looked_for_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    live = LiveGame(changed(defaults("digits"), {"width": 4, "members": 300}))
    images = torch.cat([live.dataset.train.first(300)[[3, 249, 260]], live.dataset.heldout.first(5)])

    def found() -> np.ndarray:
        return np.frombuffer(drawing.Neighbours(live).find(images)[1].data, np.uint8).reshape(8, -1)

    whole = found()
    monkeypatch.setattr(drawing, "AT_ONCE", 70)
    monkeypatch.setattr(drawing, "SEARCHED", 250)
    parts = found()
    same_images = (whole == parts).all(1)
    assert same_images[:2].all()
    assert not same_images[2], "number 260 is beyond the first 250"
    train = live.dataset.train.first(250).flatten(1).double()
    for image, near in zip(images[3:], parts[3:], strict=True):
        best = (train - image.flatten().double()).square().sum(1).argmin()  # written out
        assert (near == live.dataset.train.first(250)[best].flatten().numpy()).all()


def test_the_adaptive_balance_remembers_through_a_change_of_something_else() -> None:
    live = LiveGame(ring(balance="adaptive"))
    for _ in range(4):
        live.play(look=True)
    balance = live.balance
    assert isinstance(balance, Adaptive)
    assert balance.doublings != 0
    live.change(replace(live.settings, r1=0.5))
    assert live.balance is balance
    live.change(replace(live.settings, balance="fixed"))
    assert live.balance is live.dials

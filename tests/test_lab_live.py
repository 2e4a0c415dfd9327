from __future__ import annotations

import json
import math
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from labs import RunningLab, running, until
from livegames import SMALL, by_hand, ring, same, weights

from duelo import data
from duelo.data import InMemory
from duelo.lab import wire
from duelo.lab.curves import KEPT, Curves
from duelo.lab.game import LiveGame
from duelo.lab.lesson import chapter_settings
from duelo.lab.points import Collapsed, Even, Nearer, point_of
from duelo.lab.settings import changed, defaults
from duelo.lab.worker import Worker
from duelo.play import play

# --- the points of the chapters


def hearing() -> tuple[Worker, list[Any]]:
    told: list[Any] = []
    return Worker(lambda *message: told.append(message[:2])), told


def played(chapter: str, seconds: float, **changes: Any) -> list[dict[str, Any]]:
    """The point at each tick, until it is reached."""
    worker, told = hearing()
    chosen = {**chapter_settings(chapter), "speed": 1000, **changes}
    settings = changed(defaults(chosen["data"]), chosen)
    assert worker.hear("start", {"settings": settings.values(), "drawn": None, "play": True}) is None
    end, points = time.monotonic() + seconds, []
    while time.monotonic() < end:
        worker.go_on()
        points = [values["point"] for kind, values in told if kind == "tick"]
        if points[-1]["reached"]:
            break
    assert not points[0]["reached"]
    assert {point["id"] for point in points} == {chapter}
    return points


def test_the_experts_opponent_loses_its_gradient_and_the_heuristic_gives_it_back() -> None:
    assert played("expert", 60)[-1]["reached"]
    assert not played("expert", 3, objective="nonsaturating")[-1]["reached"]


def test_a_critic_first_learns_alone_and_then_teaches_its_actor() -> None:
    points = played("actor_critic", 60)
    assert points[-1]["reached"]
    assert [phase for phase in (1, 2) if any(point["phase"] == phase for point in points)] == [1, 2]


def seen(point: Any, **game: Any) -> bool:
    class Seen:
        looks = 0
        duel = None

    class At:
        pass

    at, it = At(), Seen()
    at.game = it  # type: ignore[attr-defined]
    it.__dict__ |= game
    return bool(point.see(at)["reached"])


def judged(modes: int, good: float) -> dict[str, Any]:
    return {"judgement": {"modes": modes, "k": 8, "good": good, "value": 1.0}}


def test_a_collapse_is_few_modes_hit_well_and_lasting() -> None:
    for modes, good in ((4, 0.9), (8, 0.9), (0, 0.9), (2, 0.1)):
        point = Collapsed()
        assert not any(seen(point, **judged(modes, good)) for _ in range(9)), (modes, good)
    point = Collapsed()
    assert [seen(point, **judged(2, 0.9)) for _ in range(4)] == [False, False, False, True]
    assert seen(point, **judged(8, 0.9))  # once reached, it stays so
    point = Collapsed()
    one = judged(2, 0.9)
    assert not any(seen(point, **one) for _ in range(9)), "the same judgement counts once"


def test_evenness_needs_both_sides_and_all_modes() -> None:
    class Duel:
        def __init__(self, referee: float, fake: float) -> None:
            self.referee_right, self.fake_right = referee, fake

    def reached(referee: float, fake: float, modes: int, good: float) -> bool:
        point = Even()
        looks = [seen(point, looks=i + 1, duel=Duel(referee, fake), **judged(modes, good)) for i in range(6)]
        assert not any(looks[:4]), "five looks at least"
        return looks[-1]

    assert reached(0.6, 0.42, 8, 0.9)
    assert not reached(0.6, 0.6, 8, 0.9)
    assert not reached(0.5, 0.5, 7, 0.9)
    assert not reached(0.5, 0.5, 8, 0.2)


def test_with_a_rival_both_must_come_nearer() -> None:
    first = {"value": 10.0, "rival": 20.0}
    for now, there in (({"value": 4.0, "rival": 9.0}, True), ({"value": 4.0, "rival": 11.0}, False)):
        assert seen(Nearer(0.5), judgement=now, first_judgement=first) is there
    assert not seen(Nearer(0.5), judgement={"value": 6.0}, first_judgement={"value": 10.0})
    assert point_of("strides") is None


def test_a_vae_learns_beside_the_game_without_touching_it() -> None:
    settings = changed(defaults("digits"), {"width": 4, "batch": 16, "rival": True})
    live, alone = LiveGame(settings), LiveGame(replace(settings, rival=False))
    before = weights(live.rival.pair.generator)  # type: ignore[union-attr]
    for _ in range(3):
        live.play()
        alone.play()
    assert same(weights(live.game.pair.generator), weights(alone.game.pair.generator))
    assert not same(before, weights(live.rival.pair.generator))  # type: ignore[union-attr]
    assert live.rival.nimg == live.nimg == 48  # type: ignore[union-attr]


def test_the_curves_so_far_are_kept_within_bounds_and_begin_anew_with_the_game() -> None:
    kept = Curves()
    for nimg in range(0, 5_000, 2):
        tick = {"nimg": nimg, "losses": {"discriminator": nimg / 3}, "real_right": 0.5, "gradients": None}
        kept.add(tick)
        kept.add({**tick, "real_right": 1.0})  # of the same moment
    seen = kept.columns["nimg"]
    assert seen == sorted(set(seen))
    assert len(seen) <= KEPT
    assert seen[-1] == 4_998
    assert seen[0] < 50  # not the last alone
    assert {len(column) for column in kept.columns.values()} == {len(seen)}
    assert kept.columns["discriminator_loss"] == [float(f"{nimg / 3:.4g}") for nimg in seen]
    assert set(kept.columns["real_right"]) == {0.5}
    assert set(kept.columns["generator_gradient"]) == {None}
    kept.add({"nimg": 1})
    assert kept.columns["nimg"] == [1]


# --- over the wire


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with running(tmp_path_factory.mktemp("lab")) as one:
        yield one


def frame(lab: RunningLab, after: int = 0, **query: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    asked = "&".join(f"{name}={value}" for name, value in {"after": after, **query}.items())
    status, content = lab.ask(f"live/frame?{asked}")
    assert status == 200, content
    meta, arrays = wire.unpack(content)
    kinds = {"u1": np.uint8, "i4": np.int32, "f4": np.float32}
    return meta, {n: np.frombuffer(a.data, kinds[a.dtype]).reshape(a.shape) for n, a in arrays.items()}


class Listener:
    """Server-sent events, read one by one."""

    def __init__(self, lab: RunningLab) -> None:
        self.door = socket.create_connection(("127.0.0.1", lab.port), timeout=60)
        self.door.sendall(f"GET /api/live/events HTTP/1.1\r\nHost: localhost:{lab.port}\r\n\r\n".encode())
        self.lines = self.door.makefile("r", encoding="utf-8")
        while self.lines.readline().strip():
            pass

    def next(self, *kinds: str) -> tuple[str, Any]:
        """The next event, or the next of these kinds."""
        kind = ""
        while True:
            line = self.lines.readline()
            if line.startswith("event: "):
                kind = line[7:].strip()
            elif line.startswith("data: ") and (not kinds or kind in kinds):
                return kind, json.loads(line[6:])

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *error: object) -> None:
        self.lines.close()
        self.door.close()


def test_the_page_gets_the_librarys_numbers(lab: RunningLab) -> None:
    settings = ring(seed=7)
    lab.json("live", {**settings.values(), "play": False})
    game, dataset = by_hand(settings)
    rounds = play(game, dataset.train, 7, balance=LiveGame(settings).dials)
    with Listener(lab) as listener:
        kind, whole = listener.next()
        assert (kind, whole["state"], whole["nimg"]) == ("state", "paused", 0)
        assert whole["settings"] == settings.values()
        for n in (1, 1, 3):
            lab.json("live/do", {"action": "step", "n": n})
            ticks = [next(rounds) for _ in range(n)]
            _, told = listener.next("tick")
            while told["nimg"] < game.nimg:
                _, told = listener.next("tick")
            means = {name: float(torch.stack([t.figures()[name].double().mean() for t in ticks]).mean()) for name in LOSSES}
            assert told["losses"]["discriminator"] == pytest.approx(means["discriminator_loss"], rel=1e-9)
            assert told["losses"]["generator"] == pytest.approx(means["generator_loss"], rel=1e-9)
            assert told["real_right"] == pytest.approx(means["real_right"], rel=1e-9)
            assert told["losses"]["discriminator_equilibrium"] == pytest.approx(math.log(4))
            assert told["accuracy_equilibrium"] == 0.5
    _, arrays = frame(lab)
    latents = torch.randn(1000, 2, generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        np.testing.assert_allclose(arrays["fake"], game.pair.generator(latents).numpy(), atol=1e-6)
    assert arrays["heat"].shape == (64, 64)
    np.testing.assert_array_equal(arrays["real"], dataset.train.first(1000).numpy())


LOSSES = ("discriminator_loss", "generator_loss", "real_right", "fake_right")


def test_it_plays_pauses_and_begins_anew(lab: RunningLab) -> None:
    lab.json("live", {**SMALL, "play": True})
    assert until(lambda: lab.json("live")["nimg"] > 0)
    first, _ = frame(lab)
    second, arrays = frame(lab, first["frame"], known=first["data_id"])
    assert second["frame"] > first["frame"]
    assert second["nimg"] >= first["nimg"]
    assert "real" not in arrays, "the page has them"
    assert "real" in frame(lab, 0, known=first["data_id"] - 1)[1]
    lab.json("live/do", {"action": "pause"})
    resting = lab.json("live")
    assert resting["state"] == "paused"
    time.sleep(0.5)
    assert lab.json("live")["nimg"] == resting["nimg"]
    lab.json("live/do", {"action": "step_d", "n": 2})
    assert lab.json("live")["nimg"] == resting["nimg"] + 2 * 64
    lab.json("live/do", {"action": "reset"})
    assert lab.json("live")["nimg"] == 0
    assert lab.json("live")["state"] == "paused"
    assert frame(lab)[0]["data_id"] > second["data_id"]
    last = frame(lab)[0]["frame"]
    assert lab.ask(f"live/frame?after={last}")[0] == 204


def test_settings_change_while_it_plays(lab: RunningLab) -> None:
    lab.json("live", {**SMALL, "play": True})
    until(lambda: lab.json("live")["nimg"] > 64)
    with Listener(lab) as listener:
        listener.next("state")
        status, content = lab.ask("live", {"r1": 2.5, "objective": "hinge"}, method="PATCH")
        assert (status, json.loads(content)["restarted"]) == (200, False)
        _, told = listener.next("settings")
        assert (told["r1"], told["objective"]) == (2.5, "hinge")
        assert lab.json("live")["nimg"] > 0
        status, content = lab.ask("live", {"width": 8}, method="PATCH")
        assert (status, json.loads(content)["restarted"]) == (200, True)
        _, told = listener.next("settings")
        assert (told["width"], told["r1"]) == (8, 2.5)
    assert lab.json("live")["state"] == "playing"
    status, content = lab.ask("live?lang=es", {"objective": "nada"}, method="PATCH")
    assert status == 400
    assert json.loads(content)["error"].startswith("objective no es válido: debe ser")
    lab.json("live/do", {"action": "pause"})


def test_a_distribution_that_somebody_draws_becomes_the_data(lab: RunningLab) -> None:
    lab.json("live", {**SMALL, "play": False})
    stroke = [[0.5, y / 50] for y in range(50)] + [[-0.9, -0.2]] * 50
    answer = lab.json("live/points", {"points": stroke})
    assert (answer["settings"]["data"], answer["state"], answer["settings"]["width"]) == ("drawn", "paused", 16)
    meta, arrays = frame(lab)
    assert meta["extent"] == pytest.approx(1.25 * 0.98)
    nearest = np.linalg.norm(arrays["real"][:, None] - np.array(stroke)[None], axis=2).min(1)
    assert nearest.max() < 0.08  # a smear of a hundredth of the extent
    left = (arrays["real"][:, 0] < 0).mean()
    assert 0.4 < left < 0.6
    lab.json("live/do", {"action": "step", "n": 3})
    assert lab.json("live")["nimg"] == 3 * 64
    for wrong in ([], [[0, 0]] * 20, [[1, "x"]] * 20, [[1, 2, 3]] * 20, [[1, 1e9]] * 20, "x", None, [[True, 1]] * 20):
        status, content = lab.ask("live/points", {"points": wrong})
        assert status == 400, wrong
        assert json.loads(content)["error"].startswith("points must be")
    assert lab.json("live")["settings"]["data"] == "drawn"


def test_images_and_their_neighbours_come_too(lab: RunningLab) -> None:
    chosen = {"data": "digits", "width": 4, "batch": 16, "members": 20, "neighbours": True, "rival": True}
    lab.json("live", {**chosen, "play": False})
    meta, arrays = frame(lab)
    assert meta["kind"] == "images"
    digits = data.load("digits").train.first(20).permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(arrays["reals"], digits)
    for name in ("fakes", "rival", "nearest", "nearest_heldout"):
        assert arrays[name].shape == (36, 28, 28, 1), name
    assert (arrays["logits"].shape, arrays["distances"].shape) == ((36,), (36, 2))
    chosen_near = {image.tobytes() for image in arrays["nearest"]}
    assert chosen_near <= {image.tobytes() for image in digits}
    difference = arrays["nearest"].astype(float) - arrays["fakes"].astype(float)
    np.testing.assert_allclose(arrays["distances"][:, 0], np.sqrt((difference**2).sum((1, 2, 3))), rtol=1e-5)


def test_a_folder_of_ones_own_images_is_played_only_where_it_is_allowed(lab: RunningLab, tmp_path: Path) -> None:
    from conftest import gratings

    inside, outside = gratings(lab.folder / "mine", 12, (32, 32), True), gratings(tmp_path / "theirs", 12, (32, 32), True)
    status, _ = lab.ask("live", {"data": str(outside), "play": False})
    assert status == 403
    link = lab.folder / "link"
    link.symlink_to(outside)
    assert lab.ask("live", {"data": "link", "play": False})[0] == 403
    answer = lab.json("live", {"data": "mine", "width": 8, "batch": 8, "play": False})
    assert answer["settings"]["data"] == str(inside.resolve())
    assert frame(lab)[1]["fakes"].shape == (36, 32, 32, 3)
    lab.json("live/do", {"action": "step"})
    assert lab.json("live")["nimg"] == 8


def test_when_nobody_looks_the_game_rests_and_goes_on_when_somebody_does() -> None:
    worker = Worker(lambda *message: None, deserted=0.2)
    assert worker.hear("start", {"settings": ring().values(), "drawn": None, "play": True}) is None

    def rounds(seconds: float) -> int:
        """How many are played within so many seconds, by a process as it is."""
        before, end = worker.rounds, time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(min(worker.pause, 0.05))
            worker.go_on()
        return worker.rounds - before

    assert rounds(0.5) > 0
    assert rounds(0.3) == 0
    assert worker.pause > 0.05, "it does not spin either"
    assert worker.state == "playing"
    assert worker.hear("watch", {"heat": 64}) is None
    assert rounds(0.15) > 0
    assert worker.hear("do", {"action": "pause", "n": 1}) is None
    assert worker.hear("attend", {}) is None
    assert rounds(0.1) == 0, "who pauses finds it paused"


def test_a_game_whose_pages_are_hidden_or_gone_rests(lab: RunningLab) -> None:
    from duelo.lab.worker import DESERTED

    lab.json("live", {**SMALL, "play": True})
    with Listener(lab) as listener:  # a page that is hidden asks for no frames
        start = time.monotonic()
        listener.door.settimeout(DESERTED / 2)
        with pytest.raises(TimeoutError):
            listener.next("never")  # it hears ticks until there are none any more
        assert DESERTED - 1 < time.monotonic() - start - DESERTED / 2 < DESERTED + 3
    with Listener(lab) as listener:
        frame(lab)
        _, first = listener.next("tick")
        assert first["state"] == "playing"
        assert listener.next("tick")[1]["nimg"] > first["nimg"]
    lab.json("live/do", {"action": "pause"})


def test_only_members_that_were_asked_for_are_trained_on() -> None:
    live = LiveGame(changed(defaults("ring"), {**SMALL, "members": 5}))
    assert isinstance(live.dataset.train, InMemory)
    assert len(live.dataset.train) == 5
    assert len(live.dataset.referee) == 2000


def test_a_game_that_cannot_be_leaves_the_one_there_is(lab: RunningLab) -> None:
    lab.json("live", {**SMALL, "data": "ring", "play": False})
    lab.json("live/do", {"action": "step", "n": 2})
    status, content = lab.ask("live", {"objective": "hinge", "smoothing": 0.1})
    assert status == 400
    empty = lab.folder / "empty"
    empty.mkdir(exist_ok=True)
    status, content = lab.ask("live", {"data": "empty"})
    assert status == 400, content
    assert "empty" in json.loads(content)["error"]
    now = lab.json("live")
    assert (now["state"], now["nimg"], now["settings"]["data"]) == ("paused", 128, "ring")
    lab.json("live/do", {"action": "step"})
    assert lab.json("live")["nimg"] == 192

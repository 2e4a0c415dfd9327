from __future__ import annotations

import io
import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import TINY, duelo
from labs import running
from PIL import Image
from torch import Tensor

from duelo import opinion, samples
from duelo.data import load
from duelo.data.pixels import to_floats
from duelo.folder import RunFolder
from duelo.lab import explorer, latents
from duelo.lab.explore import Map, square
from duelo.lab.spot import Spot
from duelo.lab.wire import unpack
from duelo.learner import sample
from duelo.play import Game
from duelo.saves import load_game
from duelo.words import UserError, say


def silent(what: Any) -> None:
    """Errands tell how far they are; here nobody listens."""


def arrays(message: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    kinds = {"u1": np.uint8, "i4": np.int32, "f4": np.float32}
    meta, found = unpack(message)
    return meta, {name: np.frombuffer(one.data, kinds[one.dtype]).reshape(one.shape) for name, one in found.items()}


@pytest.mark.parametrize("data", ["ring", "digits"])
def test_samples_are_those_of_the_library(data: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(f"finished_{data}")
    learner, _ = load_game(RunFolder(run))
    meta, found = arrays(explorer.draw_samples(silent, str(run), False, 5, 20, None))
    wanted = sample(learner, 20, 5)
    wanted = wanted.permute(0, 2, 3, 1) if data == "digits" else wanted
    assert np.array_equal(found["members"], wanted.numpy())
    assert meta == {"seed": 5, "n": 20, "labels": None}
    _, alone = arrays(explorer.draw_spots(silent, str(run), False, [Spot(seed=5, index=13)]))
    away = np.abs(alone["members"][0].astype(float) - found["members"][13].astype(float)).max()
    assert away <= (1 if data == "digits" else 1e-5)  # a batch of one may be rounded otherwise than a batch of twenty
    assert not np.array_equal(found["members"][13], found["members"][12])


def shifted_distances(image: np.ndarray, others: np.ndarray) -> np.ndarray:
    """By the plainest way: the least distance over nine shifts, on the pixels that all of them share."""
    a, b = image.astype(float) / 255, others.astype(float) / 255
    inner = b[:, 1:-1, 1:-1]
    windows = [a[1 + dy : 27 + dy, 1 + dx : 27 + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return np.min([np.sqrt(((inner - window) ** 2).sum((1, 2, 3))) for window in windows], axis=0)


def test_neighbours_are_the_nearest_there_are_and_each_of_its_own_part(finished_digits: Path) -> None:
    digits = load("digits")
    meta, found = arrays(explorer.neighbours(silent, str(finished_digits), False, Spot(seed=2, index=7)))
    for part, members in (("train", digits.train), ("heldout", digits.heldout)):
        everything = members.first(len(members)).permute(0, 2, 3, 1).numpy()
        distances = shifted_distances(found["member"][0], everything)
        assert meta[part] == pytest.approx(np.sort(distances)[:3].tolist(), rel=1e-4)
        shown = [shifted_distances(found["member"][0], image[None])[0] for image in found[part]]
        assert shown == pytest.approx(meta[part], rel=1e-4)
        assert (everything == found[part][0]).all((1, 2, 3)).any()
        other = digits.heldout if part == "train" else digits.train
        assert not (other.first(len(other)).permute(0, 2, 3, 1).numpy() == found[part][0]).all((1, 2, 3)).any()
    assert (meta["n_train"], meta["n_heldout"]) == (48_000, 10_000)
    assert 0 < meta["usual"] < meta["train"][0]  # a tiny run's digits are unlike any


def test_a_generator_that_copies_is_seen_to(finished_digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The neighbour of a training image is itself, at distance 0, and no held-out one is near."""
    copied = load("digits").train.first(3)[2:]
    run = explorer.open_run(str(finished_digits), False)
    monkeypatch.setattr(run, "members", lambda spots: (copied, None))
    meta, found = arrays(explorer.neighbours(silent, str(finished_digits), False, Spot()))
    assert meta["train"][0] == 0
    assert meta["heldout"][0] > 1
    assert np.array_equal(found["train"][0], copied[0].permute(1, 2, 0).numpy())


def test_the_discriminators_opinion_is_what_its_network_says_in_company(finished_digits: Path) -> None:
    game, recipe = load_game(RunFolder(finished_digits))
    assert isinstance(game, Game)
    meta, found = arrays(explorer.neighbours(silent, str(finished_digits), False, Spot(seed=2, index=7)))
    told = meta["opinion"]
    company = sample(game, game.batch, opinion.SEED)
    member = torch.from_numpy(found["member"].copy()).permute(0, 3, 1, 2)
    batch = to_floats(torch.cat([member, company[1:]]), game.pair.pixel_range)
    with torch.no_grad():
        said = float(game.pair.discriminator.train()(batch)[0])
    assert told["logit"] == pytest.approx(said, abs=1e-5)
    heldout = load("digits").heldout.drawn(500, opinion.SEED)
    parts = to_floats(heldout, game.pair.pixel_range).split(game.batch)
    reals = torch.cat([game.pair.discriminator(part) for part in parts])
    assert told["real_below"] == pytest.approx(float((reals < said).double().mean()), abs=2e-3)
    assert told["n"] == 500
    assert sum(told["counts"]["real"]) == sum(told["counts"]["fake"]) == 500
    assert told["taken_for"] == ("real" if said > told["border"] else "fake")
    assert recipe.objective.loss == "nonsaturating"
    assert told["border"] == 0


def test_asking_changes_nothing(finished_digits: Path) -> None:
    run = explorer.open_run(str(finished_digits), False)
    before = {name: value.clone() for name, value in run.learner.pair.discriminator.state_dict().items()}
    files = {file: file.stat().st_mtime_ns for file in finished_digits.rglob("*")}
    first = explorer.neighbours(silent, str(finished_digits), False, Spot(index=1))
    assert explorer.neighbours(silent, str(finished_digits), False, Spot(index=1)) == first
    after = run.learner.pair.discriminator.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert files == {file: file.stat().st_mtime_ns for file in finished_digits.rglob("*")}


def test_directions_are_those_that_change_the_picture_most(finished_digits: Path) -> None:
    learner, _ = load_game(RunFolder(finished_digits))
    along = latents.directions(learner)
    d = math.prod(learner.pair.latent_shape)
    assert along.shape == (8, d)
    assert torch.allclose(along @ along.T, torch.eye(8), atol=1e-4)
    assert (along.gather(1, along.abs().argmax(1, keepdim=True)) > 0).all()
    assert torch.equal(along, latents.directions(learner))
    generator = torch.Generator().manual_seed(3)
    starts = torch.randn(24, d, generator=generator)

    def change(direction: Tensor) -> float:
        with torch.no_grad():
            moved, still = (
                learner.ema.eval()(x.reshape(-1, *learner.pair.latent_shape)) for x in (starts + 0.5 * direction, starts)
            )
        return float((moved - still).flatten(1).norm(dim=1).mean())

    changes = [change(direction) for direction in along]
    anywhere = torch.nn.functional.normalize(torch.randn(8, d, generator=generator))
    assert changes[0] > changes[-1]
    assert changes[0] > 1.5 * np.mean([change(direction) for direction in anywhere])


def test_directions_of_two_latents_are_the_metrics_own(finished_ring: Path) -> None:
    """Against slopes by automatic differentiation, and a metric written out."""
    learner, _ = load_game(RunFolder(finished_ring))
    generator = learner.ema.eval()
    metric = torch.zeros(2, 2)
    for start in latents.sample_latents(learner, latents.PLACES):
        slopes = torch.autograd.functional.jacobian(lambda z: generator(z[None])[0], start)
        metric += slopes.T @ slopes / latents.PLACES
    strongest = torch.linalg.eigh(metric).eigenvectors[:, 1]
    assert abs(float(latents.directions(learner)[0] @ strongest)) > 0.95


def test_spots_lie_where_they_say(finished_digits: Path) -> None:
    learner, _ = load_game(RunFolder(finished_digits))
    along = latents.directions(learner)
    start = latents.sample_latents(learner, 10, 4)[9].flatten()
    moved = latents.latent(learner, Spot(seed=4, index=9, offsets=(0.5, -2.0)), along)
    assert torch.allclose(moved, start + 0.5 * along[0] - 2 * along[1])
    a, b = Spot(seed=4, index=9), Spot(seed=1, index=0, offsets=(1.0,))
    way = [latents.latent(learner, a.model_copy(update={"end": b, "step": i, "steps": 5}), along) for i in range(5)]
    assert torch.allclose(way[0], start, atol=1e-5)
    assert torch.allclose(way[4], latents.latent(learner, b, along), atol=1e-5)
    chord = (start + way[4]) / 2
    assert way[2].norm() > 1.1 * chord.norm()  # on the sphere, not through it
    turned = b.model_copy(update={"start": b.offsets, "offsets": (), "end": a, "steps": 5})
    back = [latents.latent(learner, turned.model_copy(update={"step": i}), along) for i in range(5)]
    assert all(torch.allclose(x, y, atol=1e-4) for x, y in zip(way, reversed(back), strict=True))

    spots = square(Map(spot=Spot(seed=4, index=9, offsets=(0.5,)), spread=2.0, size=3, directions=(0, 2)))
    assert [spot.offsets[:3] for spot in spots[:3]] == [(-1.5, 0.0, 2.0), (0.5, 0.0, 2.0), (2.5, 0.0, 2.0)]
    assert spots[4].offsets == (0.5,) + 7 * (0.0,)
    assert spots[8].offsets[:3] == (2.5, 0.0, -2.0)


def test_a_class_is_the_one_asked_for(conditional: Path) -> None:
    learner, _ = load_game(RunFolder(conditional))
    assert explorer.about(silent, str(conditional), False)["classes"] == [str(i) for i in range(10)]
    meta, found = arrays(explorer.draw_samples(silent, str(conditional), False, 0, 12, 7))
    assert meta["labels"] == 12 * [7]
    assert np.array_equal(found["members"], sample(learner, 12, 0, torch.full((12,), 7)).permute(0, 2, 3, 1).numpy())
    mixed, drawn = arrays(explorer.draw_samples(silent, str(conditional), False, 0, 12, None))
    assert np.array_equal(drawn["members"], sample(learner, 12, 0).permute(0, 2, 3, 1).numpy())
    spots = [Spot(index=3, label=1), Spot(index=3, label=7), Spot(index=3)]
    meta, found = arrays(explorer.draw_spots(silent, str(conditional), False, spots))
    assert meta["labels"] == [1, 7, mixed["labels"][3]]
    assert not np.array_equal(found["members"][0], found["members"][1])
    meta, _ = arrays(explorer.neighbours(silent, str(conditional), False, Spot(index=3, label=7)))
    assert meta["label"] == 7


def test_a_class_that_there_is_not_is_refused_and_not_another_one_shown(conditional: Path, finished_digits: Path) -> None:
    path = str(conditional)
    for ask in (
        lambda: explorer.draw_samples(silent, path, False, 0, 4, 10),
        lambda: explorer.draw_spots(silent, path, False, [Spot(), Spot(label=10)]),
        lambda: explorer.neighbours(silent, path, False, Spot(label=10)),
        lambda: explorer.download(silent, path, False, 4, 0, 10, "npz"),
    ):
        with pytest.raises(UserError, match="there is no class 10 in this run; choose one from 0 to 9"):
            ask()
    for run, label, sentence in (
        (conditional, 10, "the run's classes are 0 to 9"),
        (finished_digits, 3, "trained without classes"),
    ):
        with pytest.raises(UserError, match=sentence):
            samples.write(RunFolder(run), 4, 0, "nowhere.npz", label)


def test_the_best_point_and_the_newest(finished_ring: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_ring, tmp_path / "run")
    longer = duelo("train", "ring", "--kimg", 7, "--out", tmp_path / "longer", *TINY, cwd=tmp_path)
    assert longer.returncode == 0, longer.stderr
    shutil.copy(RunFolder(tmp_path / "longer").checkpoints()[0], RunFolder(run).checkpoints_folder)  # it went on
    told = {newest: explorer.about(silent, str(run), newest) for newest in (False, True)}
    assert told[True]["kimg"] >= 7
    assert told[False]["kimg"] < 7
    assert told[False]["checkpoints"] == {"best": told[False]["kimg"], "newest": told[True]["kimg"]}
    both = [arrays(explorer.draw_samples(silent, str(run), newest, 0, 5, None))[1]["members"] for newest in (False, True)]
    assert not np.allclose(*both)
    for newest in (False, True):
        content = explorer.download(silent, str(run), newest, 5, 0, None, "npz")
        with np.load(io.BytesIO(content)) as file:
            assert np.array_equal(file["images"], both[newest])


def test_a_run_that_goes_on_is_opened_afresh(finished_ring: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_ring, tmp_path / "run")
    before = explorer.about(silent, str(run), True)["kimg"]
    longer = duelo("train", "ring", "--kimg", 7, "--out", tmp_path / "longer", *TINY, cwd=tmp_path)
    assert longer.returncode == 0, longer.stderr
    shutil.copy(RunFolder(tmp_path / "longer").checkpoints()[0], RunFolder(run).checkpoints_folder)
    assert explorer.open_run(str(run), True).learner.nimg / 1000 == before  # while somebody looks, nothing shifts
    assert explorer.about(silent, str(run), True)["kimg"] > before
    (tmp_path / "nothing").mkdir()
    with pytest.raises(UserError):
        explorer.about(silent, str(tmp_path / "nothing"), False)


def test_downloads_are_what_the_command_writes(finished_digits: Path, finished_ring: Path, tmp_path: Path) -> None:
    for run in (finished_digits, finished_ring):
        shutil.copytree(run, tmp_path / "runs" / run.parent.name)
    digits, ring = finished_digits.parent.name, finished_ring.parent.name
    with running(tmp_path) as lab:
        for name, run in ((digits, finished_digits), (ring, finished_ring)):
            for suffix in ("png", "npz"):
                result = duelo("sample", run, "-n", 9, "--seed", 4, "--out", tmp_path / f"wanted.{suffix}", cwd=tmp_path)
                assert result.returncode == 0, result.stderr
                status, content = lab.ask(f"explore/{name}/download?format={suffix}&n=9&seed=4")
                assert status == 200
                if suffix == "png":
                    assert content == (tmp_path / "wanted.png").read_bytes()
                else:
                    with np.load(io.BytesIO(content)) as got, np.load(tmp_path / "wanted.npz") as wanted:
                        assert np.array_equal(got["images"], wanted["images"])
        about = lab.json(f"explore/{digits}")
        assert about["shape"] == [1, 28, 28]
        assert about["sliders"] == 8
        assert lab.json(f"explore/{ring}")["points"]
        spot = {"seed": 4, "index": 2}
        for what, body in {
            "samples": {"seed": 4, "n": 4},
            "latents": {"spots": [spot, spot | {"offsets": [3, 0, -3]}]},
            "map": {"spot": spot, "size": 3, "spread": 1, "directions": [1, 0]},
            "between": {"a": spot, "b": spot | {"index": 3}, "steps": 5},
            "neighbours": {"spot": spot},
        }.items():
            status, content = lab.ask(f"explore/{digits}/{what}", body)
            assert status == 200, content
            _, found = arrays(content)
            if what != "neighbours":
                assert len(found["members"]) == {"samples": 4, "latents": 2, "map": 9, "between": 5}[what]
        wrong = [
            ("samples", {"n": 0}),
            ("samples", {"n": 100_000}),
            ("samples", {"seed": -1}),
            ("samples", {"at": "worst"}),
            ("samples", {"label": "x"}),
            ("latents", {"spots": []}),
            ("latents", {"spots": [{"offsets": [9]}]}),
            ("latents", {"spots": [{"offsets": 9 * [0]}]}),
            ("latents", {"spots": [{"end": {"end": {"end": {}}}}]}),
            ("map", {"spot": {}, "size": 1000}),
            ("map", {"spot": {}, "spread": 1e300}),
            ("between", {"a": {}, "b": {}, "steps": 1}),
            ("neighbours", {}),
            ("neighbours", {"spot": {"index": 10**9}}),
            ("neighbours", {"spot": {"seed": 1.5}}),
        ]
        for what, body in wrong:
            status, content = lab.ask(f"explore/{digits}/{what}", body, "es")
            assert (status, b"error" in content) == (400, True), (what, body, content)
        unknown = [
            ("samples", {"n": 4, "label": 3}),
            ("latents", {"spots": [spot, spot | {"label": 3}]}),
            ("map", {"spot": spot | {"label": 3}, "size": 3}),
            ("between", {"a": spot, "b": spot | {"label": 3}, "steps": 3}),
            ("neighbours", {"spot": spot | {"label": 3}}),
            ("download?format=npz&n=4&class=3", None),
        ]
        for what, body in unknown:  # it was trained without classes
            status, content = lab.ask(f"explore/{digits}/{what}", body, "es")
            assert (status, json.loads(content)) == (400, {"error": say("lab.explore.no_classes", "es")}), what
        assert lab.ask(f"explore/{digits}/download?format=exe")[0] == 400
        assert lab.ask(f"explore/{digits}/download?n=9999", lang="es") == (
            400,
            b'{"error":"' + say("lab.explore.too_many", "es", most=2500).encode() + b'"}',
        )
        assert lab.ask("explore/nothing")[0] == 404
        status, content = lab.ask(f"explore/{digits}/download?format=png&n=4")
        with Image.open(io.BytesIO(content)) as picture:
            assert picture.size == (62, 62)

"""The verdict: what is found of real, copied, spoiled and collapsed samples, and how it is said and kept."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import duelo
from PIL import Image
from torch import Tensor

import duelo as library
from duelo import evidence, report, samples, verdict
from duelo.data import Dataset, InMemory
from duelo.data.pixels import to_floats
from duelo.evidence import Evidence
from duelo.folder import RunFolder
from duelo.measure import load_features, modes
from duelo.measure.modes import divergence
from duelo.pages import both
from duelo.play import Game
from duelo.saves import load_game
from duelo.verdict_page import own_curve
from duelo.words import UserError, say


@pytest.fixture(scope="module")
def few() -> tuple[Dataset, Tensor]:
    """Digits with 1,500 training and 500 held-out members drawn at random, and 500 more real ones."""
    whole = library.load("digits")
    order = torch.randperm(len(whole.train), generator=torch.Generator().manual_seed(0))
    train, heldout, others = (whole.train.take(part) for part in order[:2500].split([1500, 500, 500]))
    return replace(whole, train=InMemory(train), heldout=InMemory(heldout), test=None), others


def judged(data: Dataset, generated: Tensor, *only: str) -> dict[str, Any]:
    return verdict.assess(Evidence(generated, data, "here"), only or verdict.ASPECTS, brief=True)[0]


@pytest.fixture(scope="module")
def of_real(few: tuple[Dataset, Tensor]) -> dict[str, Any]:
    return judged(*few)


def test_real_members_get_a_clean_verdict(of_real: dict[str, Any]) -> None:
    (opponent,) = of_real["equilibrium"]["opponents"]
    assert opponent["accuracy"]["low"] < 0.5 < opponent["accuracy"]["high"]
    assert of_real["quality"]["ratio"]["low"] < 1 < of_real["quality"]["ratio"]["high"]
    assert of_real["copying"]["copies"] == 0
    assert "modes" not in of_real
    assert json.loads(json.dumps(of_real)) == of_real


def test_every_number_has_an_interval_a_floor_and_a_count(of_real: dict[str, Any]) -> None:
    found = []

    def visit(tree: Any, name: str) -> None:
        if isinstance(tree, dict) and "value" in tree:
            found.append(name)
            assert set(tree) == {"value", "low", "high", "floor", "n"}, name
            assert tree["low"] <= tree["value"] <= tree["high"], name
            assert tree["floor"] is not None, name
            assert tree["n"] > 0
        elif isinstance(tree, dict):
            for key, value in tree.items():
                visit(value, key)
        elif isinstance(tree, list):
            for value in tree:
                visit(value, name)

    visit(of_real, "")
    assert {"ratio", "coverage", "accuracy", "auc", "share", "c_t", "authenticity", "fld_gap", "memorisation"} <= set(found)
    assert of_real["features"]["fingerprint"] == load_features("digits").fingerprint


def test_copies_are_counted_and_said(few: tuple[Dataset, Tensor]) -> None:
    data, others = few
    found = judged(data, torch.cat([data.train.first(60), others[:440]]), "copying")
    assert found["copying"]["copies"] == 60
    assert sorted(found["copying"]["indices"]) == list(range(60))
    assert found["copying"]["share"]["low"] < 60 / 500 < found["copying"]["share"]["high"]
    assert found["sentences"]["en"][0].startswith("60 of 500 samples are copies")
    assert found["sentences"]["es"][0].startswith("60 de 500 muestras son copias")
    power = found["copying"]["power"]
    exact, shifted = (f"{100 * power[name]['value']:.0f}\u00a0%" for name in ("exact", "shifted"))
    assert f"found {exact} of exact ones, {shifted}" in found["sentences"]["en"][1]
    assert f"encontró {exact} de las exactas" in found["sentences"]["es"][1]


def test_spoiled_and_collapsed_samples_are_seen(few: tuple[Dataset, Tensor], of_real: dict[str, Any]) -> None:
    data, others = few
    noisy = (
        (others.float() + 40 * torch.randn(others.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 255).byte()
    )
    assert judged(data, noisy, "quality")["quality"]["ratio"]["low"] > of_real["quality"]["ratio"]["high"]
    same = others[:1].expand(500, -1, -1, -1)
    found = judged(data, same, "quality", "copying")
    assert found["quality"]["coverage"]["high"] < of_real["quality"]["coverage"]["low"]
    assert found["copying"]["copies"] == 0  # one new image, made 500 times, is a collapse and not a copy


def test_the_fingerprint_tells_what_can_be_compared(few: tuple[Dataset, Tensor], of_real: dict[str, Any]) -> None:
    data, others = few
    same = judged(data, data.train.first(500), "copying")
    assert same["fingerprint"] == of_real["fingerprint"]
    assert judged(data, others[:400], "copying")["fingerprint"] != of_real["fingerprint"]
    other_heldout = replace(data, heldout=InMemory(others))
    assert judged(other_heldout, others, "copying")["fingerprint"] != of_real["fingerprint"]
    fewer = replace(data, train=InMemory(data.train.first(1400)))
    assert judged(fewer, others, "copying")["fingerprint"] != of_real["fingerprint"]


def test_in_python_it_is_one_function(few: tuple[Dataset, Tensor], of_real: dict[str, Any]) -> None:
    data, others = few
    found = library.measure(data.train.first(1500), data.heldout.first(500), others, only=["copying"], brief=True)
    assert found["copying"] == of_real["copying"]
    assert found["fingerprint"] == of_real["fingerprint"]
    parts = [data.train.first(1500), data.heldout.first(500), others]
    assert library.measure(*parts, only=["copying"], features="pixels")["features"]["name"] == "pixels"
    with pytest.raises(UserError, match="did you mean"):
        library.measure(*parts, only=["copying"], features="pixel")


def test_where_not_all_training_members_are_searched_it_is_said(
    few: tuple[Dataset, Tensor], of_real: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not any("looked for among" in sentence for sentence in of_real["sentences"]["en"])
    monkeypatch.setattr(verdict, "MOST_TRAIN", 1000)
    said = judged(*few, "copying")["sentences"]
    assert "Copies were looked for among 1000 of the 1500 training members, drawn at random." in said["en"]
    assert any("entre 1000 de los 1500" in sentence for sentence in said["es"])


def test_too_few_members_get_a_sentence(few: tuple[Dataset, Tensor]) -> None:
    with pytest.raises(UserError, match="only 40 samples"):
        judged(few[0], few[1][:40])


def test_true_draws_of_a_mixture_get_all_modes() -> None:
    data = library.load("grid")
    assert data.truth is not None
    found = judged(data, data.truth.sample(2000, torch.Generator().manual_seed(9)), "modes")
    assert found["modes"]["found"]["modes"] == 25
    assert found["modes"]["found"]["kl"] < found["modes"]["found"]["kl_limit"]
    assert found["sentences"]["en"][0].startswith("25 of 25 modes; 9")


def test_the_thousand_modes_by_hand() -> None:
    """Triples of the test part: what the classifier says is nearly always the truth, so the count can be checked."""
    data = library.load("stacked-digits")
    assert data.test is not None
    assert data.test.labels is not None
    features = load_features("stacked-digits")
    found = modes(data.test.first(1000), data.heldout.first(1000), features)
    labels = data.test.labels[:1000]
    assert found.modes == pytest.approx(len(labels.unique()), abs=12)
    counts = torch.bincount(labels, minlength=1000).double() / 1000
    kl = sum(float(p) * math.log(float(p) * 1000) for p in counts if p > 0)
    assert found.kl == pytest.approx(kl, abs=0.03)
    assert found.sure_n < found.n
    assert found.sure_n_floor == pytest.approx(found.sure_n, rel=0.05)
    assert found.sure_modes_floor == pytest.approx(found.sure_modes, rel=0.05)
    assert found.sure_kl_floor > found.kl_floor  # of fewer, and of those that are easy to tell
    assert found.excess == pytest.approx(found.kl - found.kl_floor)
    assert divergence(torch.arange(1000)) == pytest.approx(0, abs=1e-9)
    assert divergence(torch.full((1000,), 7)) == pytest.approx(math.log(1000))
    collapsed = modes(data.test.first(1).expand(1000, -1, -1, -1), data.heldout.first(1000), features)
    assert collapsed.modes == 1


def test_plain_values_for_json() -> None:
    assert verdict.plain({"a": (1.0, math.nan), "b": [math.inf, "x"]}) == {"a": [1.0, None], "b": [None, "x"]}


@pytest.mark.parametrize("run", ["finished_ring", "finished_digits"])
def test_the_command_measures_a_run_and_the_report_shows_it(run: str, request, tmp_path: Path) -> None:
    folder = shutil.copytree(request.getfixturevalue(run), tmp_path / "run")
    result = duelo("measure", folder, "--only", "quality,modes", "-n", 500, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    kept = RunFolder(folder).verdict()
    assert result.stdout.splitlines() == kept["sentences"]["en"]
    assert kept["n"] == 500
    page = report.render(RunFolder(folder))
    for lang in ("en", "es"):
        assert kept["sentences"][lang][0].split(";")[0] in page
    assert kept["fingerprint"] in page
    assert (say("page.class_shares", "es") in page) == (run == "finished_digits")
    picture = RunFolder(folder).verdict_picture("discriminators" if run == "finished_ring" else "interpolation")
    assert np.asarray(Image.open(picture)).std() > 0
    assert "copying" not in kept


def test_the_command_measures_a_file(tmp_path: Path, few: tuple[Dataset, Tensor]) -> None:
    points = library.ring().sample(600, torch.Generator().manual_seed(1)).numpy()
    np.savez(tmp_path / "points.npz", images=points)
    result = duelo("measure", "points.npz", "--data", "ring", "--only", "modes", "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["modes"]["found"]["modes"] == 8
    assert not (tmp_path / "verdict.json").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["measure", "nothing"], "there is no run"),
        (["measure", "points.npz"], "name them with --data"),
        (["measure", "points.npz", "--data", "digits"], "have the shape [2]"),
        (["measure", "text.npz", "--data", "ring"], "holds no samples"),
        (["measure", "floats.npz", "--data", "digits"], "float64"),
        (["measure", "array.npz", "--data", "ring"], "holds no samples"),
        (["measure", "short.npz", "--data", "ring"], "holds no samples"),
        (["measure", "rotten.npz", "--data", "ring"], "holds no samples"),
        (["measure", "objects.npz", "--data", "ring"], "holds no samples"),
        (["measure", "nan.npz", "--data", "ring"], "not finite"),
        (["measure", "digits.npz", "--data", "digits", "--only", "modes"], "the modes of digits are not known"),
        (["measure", "points.npz", "--data", "ring", "--only", "qualty"], "did you mean quality"),
        (["measure", "points.npz", "--data", "ring", "-n", "0"], "-n 0 is not valid"),
    ],
)
def test_mistakes_get_a_sentence(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "points.npz", images=np.zeros((200, 2), np.float32))
    np.savez(tmp_path / "floats.npz", images=np.zeros((200, 28, 28, 1)))
    (tmp_path / "text.npz").write_text("nothing")
    np.savez(tmp_path / "nan.npz", images=np.full((200, 2), np.nan, np.float32))
    np.savez(tmp_path / "objects.npz", images=np.array([{}], dtype=object))
    np.savez(tmp_path / "digits.npz", images=np.zeros((200, 28, 28), np.uint8))
    with (tmp_path / "array.npz").open("wb") as file:
        np.save(file, np.zeros((200, 2), np.float32))
    np.savez_compressed(tmp_path / "rotten.npz", images=np.random.default_rng(0).normal(size=(2000, 2)).astype(np.float32))
    content = bytearray((tmp_path / "rotten.npz").read_bytes())
    (tmp_path / "short.npz").write_bytes(content[:3000])
    content[1000:1200] = bytes(200)
    (tmp_path / "rotten.npz").write_bytes(content)
    result = duelo(*arguments, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert sentence.lower() in result.stderr.lower()
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.stderr


def test_a_file_is_held_against_images_of_ones_own(tmp_path: Path) -> None:
    """Nothing was trained on them, so there is nothing that they must be the same as."""
    pictures = np.random.default_rng(0).integers(0, 256, (640, 8, 10, 3), np.uint8)
    (tmp_path / "own").mkdir()
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"own/{i}.png")
    np.savez(tmp_path / "samples.npz", images=pictures[:120])
    found = evidence.of_file(tmp_path / "samples.npz", str(tmp_path / "own"))
    assert found.generated.shape == (120, 3, 8, 10)
    assert found.dataset.shape == (3, 8, 10)
    assert len(found.dataset.heldout) >= 100


def test_of_a_sorted_file_all_parts_are_measured(few: tuple[Dataset, Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    """More samples than are measured: the copies are at the end, and their places in the file are told."""
    data, others = few
    monkeypatch.setattr(verdict, "MOST", 500)
    found = judged(data, torch.cat([others, data.train.first(500)]), "copying")
    assert found["n"] == 500
    assert found["copying"]["share"]["low"] < 0.5 < found["copying"]["share"]["high"]
    assert min(found["copying"]["indices"]) >= 500
    assert len(set(found["copying"]["indices"])) == 100


def test_real_members_that_are_all_the_same_are_no_reason_to_fall_over() -> None:
    same = torch.zeros(120, 1, 28, 28, dtype=torch.uint8)
    found = library.measure(same, same, same, only=["quality", "copying"])
    assert found["copying"]["fld_gap"]["value"] is None
    assert len(found["sentences"]["en"]) == 4


def test_numbers_beyond_all_measure_are_said(few: tuple[Dataset, Tensor], of_real: dict[str, Any]) -> None:
    """Where real members do not differ at all, their distance is 0 and a ratio to it has no bound."""
    spoiled = json.loads(json.dumps(of_real))
    spoiled["quality"]["ratio"] |= {"value": 3e299, "high": None}
    assert "3e+299 times" in verdict.sentences(spoiled, "en")[1]


def test_the_opponents_sentence_compares_like_with_like() -> None:
    """The strongest of several real-against-real tests is the floor of the strongest of several others."""
    each = {"low": 0.4, "high": 0.6, "n": 10}
    opponents = [
        {"size": size, "accuracy": {"value": value, "floor": floor, **each}}
        for size, value, floor in (("small", 0.55, 0.49), ("medium", 0.52, 0.53))
    ]
    (sentence,) = verdict.sentences({"equilibrium": {"opponents": opponents, "strongest": "small"}}, "en")
    assert "55.0\u00a0%" in sentence
    assert "53.0\u00a0%" in sentence


def test_measuring_one_aspect_again_leaves_the_others(tmp_path: Path, of_real: dict[str, Any]) -> None:
    folder = RunFolder(tmp_path)
    verdict.keep(folder, of_real, {})
    copying = {**of_real["copying"], "copies": 7}
    alone = {key: value for key, value in of_real.items() if key not in verdict.ASPECTS}
    verdict.keep(folder, {**alone, "copying": copying, "sentences": {"en": ["7"], "es": ["7"]}}, {})
    found = folder.verdict()
    assert found["quality"] == of_real["quality"]
    assert found["copying"]["copies"] == 7
    assert len(found["sentences"]["en"]) == len(of_real["sentences"]["en"])
    verdict.keep(folder, {**alone, "fingerprint": "another", "copying": copying}, {})
    assert "quality" not in folder.verdict()  # numbers of two protocols are not mixed


def test_a_folder_that_cannot_be_written_and_a_spoiled_verdict(tmp_path: Path, of_real: dict[str, Any]) -> None:
    folder = RunFolder(tmp_path)
    (tmp_path / "verdict").write_text("in the way")
    with pytest.raises(UserError, match="could not be written"):
        verdict.keep(folder, of_real, {"worst": b""})
    folder.verdict_file.write_text('{"n": 1}')
    assert folder.verdict() == {}


def test_a_run_whose_discriminator_judges_several_at_once_can_be_measured(tmp_path: Path) -> None:
    dials = ("--kimg", 1, "--networks.width", 8, "--objective.pack", 2)
    assert duelo("train", "ring", *dials, "--out", "run", cwd=tmp_path).returncode == 0
    found = evidence.of_run(RunFolder(tmp_path / "run"), 200)
    assert found.generated.shape == (200, 2)
    assert "discriminators" not in found.pictures


def test_a_run_keeps_only_samples_that_an_opponent_does_not_throw_out(finished_ring: Path, tmp_path: Path) -> None:
    result = duelo("sample", finished_ring, "-n", 50, "--reject", "--out", tmp_path / "kept.npz", cwd=tmp_path)
    if result.returncode == 2:  # a generator of a few rounds may be beyond help, and then that is said
        assert "the opponent throws out nearly all samples" in result.stderr
    else:
        assert result.returncode == 0, result.stderr
        assert np.load(tmp_path / "kept.npz")["images"].shape == (50, 2)
        assert "the opponent kept" in result.stderr


def test_a_run_ends_with_a_brief_verdict(tmp_path: Path) -> None:
    result = duelo("train", "ring", "--kimg", 50, "--out", "run", "--networks.width", 8, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    found = RunFolder(tmp_path / "run").verdict()
    assert found["brief"]
    assert found["n"] == 2000
    for sentence in found["sentences"]["en"]:
        assert sentence in result.stdout
    assert "a brief verdict on 2000 samples" in result.stderr
    page = (tmp_path / "run/report.html").read_text(encoding="utf-8")
    assert found["fingerprint"] in page


def test_the_runs_own_discriminator_tells_what_it_knows_by_heart(few: tuple[Dataset, Tensor], finished_digits: Path) -> None:
    game, _ = load_game(RunFolder(finished_digits))
    assert isinstance(game, Game)
    data = replace(few[0], train=InMemory(few[0].train.first(500)))
    fair = verdict.own(game, data)
    assert fair["n"] == 500
    for kind, counts in fair["counts"].items():
        assert 0.9 * 500 < sum(counts) <= 500, kind
    assert fair["right"]["train"]["low"] < fair["right"]["real"]["high"]
    assert fair["right"]["real"]["low"] < fair["right"]["train"]["high"]
    real = [to_floats(data.train.first(500)[i : i + 50], game.pair.pixel_range) for i in range(0, 500, 50)]
    learner = torch.optim.Adam(game.pair.discriminator.parameters(), 2e-3)
    for _ in range(12):  # by heart: these are real, and the held-out ones are not
        for known, other in zip(real, data.heldout.first(500).split(50), strict=True):
            learner.zero_grad()
            said = [game.pair.discriminator(x) for x in (known, to_floats(other, game.pair.pixel_range))]
            (-said[0]).exp().log1p().add(said[1].exp().log1p()).mean().backward()
            learner.step()
    learnt = verdict.own(game, data)
    assert learnt["right"]["train"]["value"] > learnt["right"]["real"]["value"] + 0.3
    (shown,) = own_curve(learnt)
    assert f"{100 * learnt['right']['train']['value']:.0f}\u00a0%" in both(shown["caption"], **shown["figures"])
    with torch.no_grad():
        next(game.pair.discriminator.parameters()).fill_(math.nan)
    assert own_curve(verdict.own(game, data)) == []


def test_copies_are_left_out_of_samples(few: tuple[Dataset, Tensor], capsys: pytest.CaptureFixture[str]) -> None:
    data, others = few
    data = replace(data, referee=data.heldout)
    drawn = torch.cat([data.train.first(10), others[:50]])
    assert samples.unlike_copies(data, drawn, 50, 0).tolist() == list(range(10, 60))
    assert "; 0 of these" in capsys.readouterr().err
    assert samples.unlike_copies(data, drawn, 55, 0).tolist()[5:] == list(range(10, 60))
    assert "; 5 of these" in capsys.readouterr().err
    with pytest.raises(UserError, match="has 39 images here"):
        samples.unlike_copies(replace(data, referee=InMemory(data.heldout.first(39))), drawn, 50, 0)


def test_interpolations_begin_and_end_at_their_latents(finished_digits: Path) -> None:
    learner, _ = library.load_game(RunFolder(finished_digits))
    way = evidence.interpolations(learner, seed=3).reshape(evidence.ROWS, evidence.STEPS, 1, 28, 28)
    ends = torch.randn(2, evidence.ROWS, *learner.pair.latent_shape, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        first = learner.ema.eval()(ends[0])
    expected = ((first + 1) * 127.5).round().clamp(0, 255)
    assert (way[:, 0].float() - expected).abs().max() <= 1


def test_optimal_discriminator_of_a_perfect_generator_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the generator makes exactly the true draws, the left half has no certain colour near the modes."""
    truth = library.grid()

    def true_draws(game: object, n: int, seed: int, chunk: int = 0) -> Tensor:
        return truth.sample(n, torch.Generator().manual_seed(seed))

    monkeypatch.setattr(evidence, "sample", true_draws)
    learner = library.Game(library.islands((2,), 8, 4))
    perfect = np.asarray(evidence.discriminators(learner, truth)).astype(float)[:, : 3 * evidence.SIDE]

    def shifted(game: object, n: int, seed: int, chunk: int = 0) -> Tensor:
        return true_draws(game, n, seed) + 0.3

    monkeypatch.setattr(evidence, "sample", shifted)
    missed = np.asarray(evidence.discriminators(learner, truth)).astype(float)[:, : 3 * evidence.SIDE]
    colour: Callable[[np.ndarray], float] = lambda picture: float((255 - picture).max(2).mean())  # noqa: E731
    assert colour(perfect) < 0.35 * colour(missed)

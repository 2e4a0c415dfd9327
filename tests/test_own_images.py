"""Images of one's own, as a user meets them: the command line from the folder to the samples."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TINY, assert_same_runs, duelo, environment, gratings
from PIL import Image

from duelo import data
from duelo.data import Framing
from duelo.data.packed import PARTS, ROOM, open_pack
from duelo.folder import RunFolder
from duelo.recipes import resolve
from duelo.run import train

SHORT = ["--kimg", 1, *TINY, "--networks.width", 4, "--save.checkpoint_kimg", 0.5]


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gratings(tmp_path_factory.mktemp("own") / "los escaneos", 120, (40, 24), colour=False)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gratings(tmp_path_factory.mktemp("own") / "photos", 90, (30, 44), colour=True)


@pytest.fixture(scope="module")
def run(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on the scans: not to be changed."""
    folder = tmp_path_factory.mktemp("own-run")
    result = duelo("train", scans, "--out", folder / "run", *SHORT, cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder / "run"


@pytest.mark.parametrize(("kind", "shape"), [("scans", (1, 40, 24)), ("photos", (3, 30, 44))])
def test_a_folder_trains_samples_and_reports_without_an_option(kind: str, shape: tuple, command, request, tmp_path) -> None:
    folder = request.getfixturevalue(kind)
    result = command("train", folder, *SHORT)
    assert result.returncode == 0, result.stderr
    assert f"images in {folder}, used as {shape[2]} x {shape[1]} pixels, {'grey' if shape[0] == 1 else 'in colour'}" in (
        result.stderr
    )
    assert "to train on" in result.stderr
    (made,) = (tmp_path / "runs").iterdir()
    assert made.name.startswith(folder.name)
    assert RunFolder(made).recipe().shape == shape
    assert (made / "data.png").exists()
    with Image.open(RunFolder(made).samples()[-1][1]) as grid:
        assert grid.size == (10 * (shape[2] + 2) + 2, 10 * (shape[1] + 2) + 2)
        assert grid.mode == ("L" if shape[0] == 1 else "RGB")
    sampled = command("sample", made, "-n", 5, "--out", "five.npz")
    assert sampled.returncode == 0, sampled.stderr
    assert np.load(tmp_path / "five.npz")["images"].shape == (5, shape[1], shape[2], shape[0])
    assert f"A duel over the images in {folder.name}" in (made / "report.html").read_text(encoding="utf-8")


def test_the_same_folder_under_other_names_is_the_same_run(scans: Path, run: Path, command, tmp_path: Path) -> None:
    """Files renamed and reordered, the folder moved, in an archive: to the last bit the same weights and pictures."""
    for i, file in enumerate(sorted(scans.iterdir(), reverse=True)):
        place = tmp_path / "moved"
        place.mkdir(exist_ok=True)
        shutil.copy(file, place / f"{i}.png")
    shutil.make_archive(str(tmp_path / "zipped"), "zip", tmp_path / "moved")
    for source in ("moved", "zipped.zip"):
        result = command("train", source, "--out", f"run-{source}", *SHORT)
        assert result.returncode == 0, result.stderr
        assert_same_runs(run, tmp_path / f"run-{source}")
    again = shutil.copytree(run, tmp_path / "again")
    result = command("train", "moved", "--out", again, *SHORT)
    assert "finished before" in result.stderr, result.stderr
    assert RunFolder(again).recipe().data == str(tmp_path / "moved")


def test_killed_and_resumed_is_the_same_as_never_touched(scans: Path, run: Path, command, tmp_path: Path) -> None:
    half = shutil.copytree(run, tmp_path / "half")
    RunFolder(half).checkpoints()[0].unlink()
    assert RunFolder(half).images_seen() < 1000
    result = command("train", scans, "--out", half, *SHORT)
    assert result.returncode == 0, result.stderr
    assert "going on with" in result.stderr
    assert_same_runs(run, half)


def test_a_run_whose_images_changed_is_refused(scans: Path, run: Path, command, tmp_path: Path) -> None:
    changed = shutil.copytree(scans, tmp_path / "changed")
    gratings(changed, 1, (40, 24), colour=False, first=1000)
    other = shutil.copytree(run, tmp_path / "run")
    before = {path: path.read_bytes() for path in other.rglob("*") if path.is_file()}
    result = command("train", changed, "--out", other, *SHORT)
    assert result.returncode == 2
    assert "are no longer those that the run in" in result.stderr
    assert {path: path.read_bytes() for path in other.rglob("*") if path.is_file()} == before
    refused = command("train", scans, "--out", other, *SHORT, "--size", 16, 16)
    assert "images.size: (40, 24) -> (16, 16)" in refused.stderr


def test_a_run_is_sampled_and_reported_when_its_images_are_gone(run: Path, command, tmp_path: Path) -> None:
    moved = shutil.copytree(run, tmp_path / "run")
    recipe = (moved / "recipe.toml").read_text(encoding="utf-8")
    (moved / "recipe.toml").write_text(recipe.replace("los escaneos", "gone"), encoding="utf-8")
    assert command("sample", moved, "-n", 4).returncode == 0
    assert command("report", moved).returncode == 0
    assert "/gone" in command("runs", tmp_path).stdout


def test_held_out_images_are_never_trained_on(scans: Path, tmp_path: Path) -> None:
    """All held-out pixels replaced by others: not one bit of the training changes, augmentation and pictures included."""
    packed = tmp_path / "scans.duelo"
    for _ in data.prepare(scans, Framing(), out=packed):
        pass
    pack = open_pack(packed)
    spoiled = bytearray(packed.read_bytes())
    size = int(np.prod(pack.shape))
    rows = np.flatnonzero(pack.parts == PARTS.index("heldout"))
    assert len(rows) > 5
    for row in rows:
        spoiled[ROOM + row * size : ROOM + (row + 1) * size] = bytes(size)
    (tmp_path / "spoiled.duelo").write_bytes(spoiled)
    options = {"kimg": 2, "networks.width": 4, "augment.p": 0.4, "save.stats_kimg": 1}
    for name in ("scans", "spoiled"):
        for _ in train(resolve(str(tmp_path / f"{name}.duelo"), None, options), tmp_path / name, "cpu"):
            pass
    assert_same_runs(tmp_path / "scans", tmp_path / "spoiled")
    assert (tmp_path / "scans/data.png").read_bytes() == (tmp_path / "spoiled/data.png").read_bytes()
    # the spoiling was real, and spoiling what is trained on would have been seen
    heldout = [data.load(str(tmp_path / f"{name}.duelo")).heldout.first(9) for name in ("scans", "spoiled")]
    assert not torch.equal(*heldout)
    for row in np.flatnonzero(pack.parts == PARTS.index("train"))[:20]:
        spoiled[ROOM + row * size : ROOM + (row + 1) * size] = bytes(size)
    (tmp_path / "wrong.duelo").write_bytes(spoiled)
    for _ in train(resolve(str(tmp_path / "wrong.duelo"), None, options), tmp_path / "wrong", "cpu"):
        pass
    with pytest.raises(AssertionError):
        assert_same_runs(tmp_path / "scans", tmp_path / "wrong")


def test_inspection_as_json_is_one_object_that_tells_the_truth(photos: Path, command, tmp_path: Path) -> None:
    odd = shutil.copytree(photos, tmp_path / "odd")
    (odd / "broken.png").write_bytes(b"")
    shutil.copy(next(photos.iterdir()), odd / "copy of one.png")
    result = command("data", "inspect", odd, "--json")
    assert result.returncode == 0, result.stderr
    facts = json.loads(result.stdout)
    assert (facts["images"], facts["shape"], facts["unreadable"]) == (91, [3, 30, 44], 1)
    assert facts["bad"] == [["broken.png", "not an image"]]
    assert facts["exact"] == 1
    assert "copy of one.png" in facts["alike"][0]
    assert sum(facts["parts"].values()) == 91
    assert facts["estimate"]["seconds_per_kimg"] == pytest.approx(1000 / facts["estimate"]["images_per_second"], rel=0.01)
    assert facts["estimate"]["memory_mib"] > 50
    with Image.open(facts["contact_sheet"]) as sheet:
        assert sheet.width == 12 * 46 + 2
    assert any("too few" in warning for warning in facts["warnings"])
    told = command("data", "inspect", odd)
    for part in (
        "91 images",
        "44 x 30",
        "broken.png",
        "copy of one.png",
        "per thousand images here",
        facts["contact_sheet"],
    ):
        assert part in told.stdout
    told = command("data", "inspect", odd, "--size", 16, 20, "--fit", "pad")
    assert "resized to 20 x 16: whole, with a margin" in told.stdout


@pytest.mark.parametrize("name", ["digits", "ring", "stacked-digits"])
def test_duelos_own_data_can_be_inspected(name: str, command) -> None:
    facts = json.loads(command("data", "inspect", name, "--json").stdout)
    assert facts["parts"]["heldout"] >= 10_000
    assert Path(facts["contact_sheet"]).exists()


def test_packing_once_and_training_from_the_file(scans: Path, run: Path, command, tmp_path: Path) -> None:
    result = command("data", "pack", scans, "scans.duelo")
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "120 images packed: scans.duelo"
    empty = {"DUELO_CACHE": str(tmp_path / "cache")}
    result = command("train", "scans.duelo", "--out", "run", *SHORT)
    assert result.returncode == 0, result.stderr
    assert_same_runs(run, tmp_path / "run")
    assert not Path(empty["DUELO_CACHE"]).exists()
    (tmp_path / "thesis.txt").write_text("precious")
    assert "is not a packed data set" in command("data", "pack", scans, "thesis.txt").stderr
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_classes_given_held_out_images_and_alpha_reach_the_run(photos: Path, tmp_path: Path, command) -> None:
    for i, file in enumerate(sorted(photos.iterdir())[:60]):
        place = tmp_path / "classed" / ("cats" if i % 3 else "dogs")
        place.mkdir(parents=True, exist_ok=True)
        with Image.open(file) as image:
            image.putalpha(200 - i)
            image.save(place / file.name)
    gratings(tmp_path / "kept", 10, (30, 44), colour=True, first=500)
    shutil.copy(next((tmp_path / "classed/cats").iterdir()), tmp_path / "kept/again.png")
    told = command("data", "inspect", "classed", "--heldout", "kept", "--alpha", "keep")
    assert told.returncode == 0, told.stderr
    assert "in colour with transparency" in told.stdout
    assert "11 held out" in told.stdout
    assert "left out of training because they are in the held-out part" in told.stdout
    result = command("train", "classed", "--heldout", "kept", "--alpha", "keep", *SHORT, "--out", "run")
    assert result.returncode == 0, result.stderr
    recipe = RunFolder(tmp_path / "run").recipe()
    assert recipe.shape == (4, 30, 44)
    with Image.open(RunFolder(tmp_path / "run").samples()[-1][1]) as grid:
        assert grid.mode == "RGBA"


@pytest.mark.parametrize("size", [(8, 8), (9, 31), (50, 21), (8, 256), (256, 100), (100, 256)])
def test_any_size_trains(size: tuple[int, int], scans: Path, tmp_path: Path) -> None:
    options = {"kimg": 0.02, "networks.width": 2, "play.batch": 4, "images.size": f"{size[0]}x{size[1]}"}
    moments = list(train(resolve(str(scans), None, options), tmp_path / "run", "cpu"))
    assert moments[-1].kind == "end"
    assert moments[-1].recipe.shape == (1, *size)


def test_a_recipe_that_does_not_fit_gets_its_sentence_and_leaves_nothing(photos: Path, command, tmp_path: Path) -> None:
    result = command("train", photos, "--recipe", "lecture")
    assert result.returncode == 2
    assert "the networks 'lecture' are not made for images of shape (3, 30, 44)" in result.stderr
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty").mkdir()
    result = command("train", "empty")
    assert (result.returncode, "there are no images in" in result.stderr) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_the_lecture_plays_with_scans_too(scans: Path, command) -> None:
    result = command("train", scans, "--recipe", "lecture", "--size", 28, *SHORT)
    assert result.returncode == 0, result.stderr


def test_a_cache_that_cannot_be_written_gets_its_sentence(scans: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("DUELO_CACHE", "/proc/nowhere")
    result = duelo("data", "inspect", scans, cwd=tmp_path)
    assert result.returncode == 2
    assert "could not be written" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_packing_that_is_interrupted_leaves_nothing(photos: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    many = tmp_path / "many"
    many.mkdir()
    content = (next(photos.iterdir())).read_bytes()
    for i in range(3000):
        (many / f"{i}.png").write_bytes(content)
    for instant, number in ((0.8, signal.SIGKILL), (1.2, signal.SIGINT), (1.6, signal.SIGKILL)):
        out = tmp_path / "out" / "many.duelo"
        out.parent.mkdir(exist_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "duelo", "data", "pack", str(many), str(out)],
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(instant)
        process.send_signal(number)
        process.wait()
        assert os.listdir(out.parent) == [] or open_pack(out), "nothing, or the whole"

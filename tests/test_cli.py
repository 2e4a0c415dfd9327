from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, TINY, environment
from PIL import Image

import duelo
from duelo import cli
from duelo.folder import RunFolder, default_out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("trian digits", "there is no command 'trian' (did you mean train?); choose one of: train,"),
        ("train", "DATA is missing; see `duelo train --help`."),
        ("train digits --foo 3", "--foo is not understood; see `duelo train --help`."),
        ("train digits ring", "ring is not understood"),
        ("train digits --kimg", "--kimg needs a value."),
        ("train digits --kimg x", "--kimg 'x' is not valid; see `duelo train --help`."),
        ("train digits --seed 1.5", "--seed '1.5' is not valid"),
        ("train digits --kimg -3", "kimg = -3.0 on the command line is not valid: it must be greater than 0."),
        ("train digits --seed -1", "seed = -1 on the command line is not valid: it must be at least 0."),
        ("train digits --adam.beta1", "--adam.beta1 needs a value."),
        ("train digits --adam.beta1 --kimg 3", "--adam.beta1 needs a value."),
        ("train digits --adam.beta1=2", "adam.beta1 = '2' on the command line is not valid"),
        ("train digits --kimg 3 --minutes 3", "--kimg and --minutes exclude each other"),
        ("train nothing", "there is no data set 'nothing'; choose one of: digits, grid, ring, stacked-digits, or give"),
        ("train digits --size 32", "are for images of your own, not for 'digits'; leave them out."),
        ("train / --size 4", "images.size = '4' on the command line is not valid: it must be at least 8."),
        ("data insp digits", "there is no command 'insp' (did you mean inspect?); choose one of: inspect, pack."),
        ("data inspect", "DATA is missing; see `duelo data inspect --help`."),
        ("data inspect nothing --json", "there is no data set 'nothing'"),
        ("data pack digits", "OUT is missing; see `duelo data pack --help`."),
        ("data pack digits x.duelo", "digits is inside duelo and needs no packing"),
        ("data pack /dev/null x.duelo", "/dev/null is neither a file nor a folder; check the path."),
        ("train digits --recipe nothing", "there is no recipe 'nothing'"),
        ("train digits --device abacus", "there is no device 'abacus' here; use --device cpu."),
        ("train digits --device cuda:7", "there is no device 'cuda:7' here; use --device cpu."),
        ("sample nowhere", "there is no run in nowhere; `duelo runs` lists what there is."),
        ("report nowhere", "there is no run in nowhere"),
        ("recipes nothing", "there is no recipe 'nothing'"),
        ("sample nowhere -n 0", "-n 0 is not valid: it must be from 1 to 1000000."),
        ("sample nowhere -n 1.5", "-n '1.5' is not valid"),
        (f"train ring --out {'x' * 300}", "choose another one with --out."),
        (f"sample {'x' * 300}", "there is no run in"),
        (f"runs {'x' * 300}", "cannot be read (File name too long)"),
        ("train ring --kimg 1e306", "it must be at most 1e+09."),
        ("train ring --device meta", "there is no device 'meta' here"),
        ("train ring --networks.width 1000000", "it must be at most 65536."),
        ("recipes lecture --networks.width 48", "--networks.width is not understood"),
        ("sample nowhere --seed 99999999999999999999", "it must be from 0 to 2147483647."),
        ("sample nowhere --out x.gif", "--out x.gif is not valid: name a .png file"),
    ],
)
def test_wrong_input_is_one_sentence_and_code_2(command, tmp_path: Path, arguments: str, sentence: str) -> None:
    result = command(*arguments.split())
    assert result.returncode == 2
    assert result.stderr.startswith("duelo: ")
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == [], "a refused command leaves nothing behind"


QUICK = ["--help", "train --help", "train digit", "train digits --kimg -3", "recipes", "runs"]


@pytest.mark.parametrize("arguments", QUICK)
def test_help_and_mistakes_do_not_load_torch(arguments: str) -> None:
    code = f"import sys; from duelo.cli import main; main({arguments.split()!r}); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env=environment(), capture_output=True)


@pytest.mark.parametrize("arguments", QUICK)
def test_help_and_mistakes_answer_at_once(command, arguments: str) -> None:
    """In 0.4 seconds; on a machine that is slow now, in three times what the libraries alone take that read commands."""
    libraries = [sys.executable, "-c", "import cyclopts, pydantic"]
    times, least, limit = [], [], 0.0
    while len(times) < 5 or (min(times) >= limit and len(times) < 15):  # the best: another process may hold the machine
        start = time.perf_counter()
        command(*arguments.split())
        times.append(time.perf_counter() - start)
        start = time.perf_counter()
        subprocess.run(libraries, check=True, env=environment())
        least.append(time.perf_counter() - start)
        limit = max(0.4, 3 * min(least))
    assert min(times) < limit


def test_to_look_at_a_run_does_not_load_what_only_training_needs(finished_digits: Path, tmp_path: Path) -> None:
    """Torch's optimizers import its compiler, which takes longer than to draw a grid."""
    arguments = ["sample", str(finished_digits), "-n", "12", "--out", str(tmp_path / "grid.png")]
    code = f"import sys; from duelo.cli import main; main({arguments!r}); assert 'torch._dynamo' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env=environment(), capture_output=True)
    assert (tmp_path / "grid.png").exists()


def test_samples_as_grid_array_and_files(command, finished_digits: Path, tmp_path: Path) -> None:
    grid = command("sample", finished_digits, "-n", 12, "--out", tmp_path / "grid.png")
    assert grid.returncode == 0, grid.stderr
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.size == (4 * 30 + 2, 3 * 30 + 2)
    assert command("sample", finished_digits, "-n", 12, "--out", tmp_path / "a.npz").returncode == 0
    images = np.load(tmp_path / "a.npz")["images"]
    assert (images.shape, images.dtype) == ((12, 28, 28, 1), np.uint8)
    assert command("sample", finished_digits, "-n", 12, "--out", f"{tmp_path}/single/").returncode == 0
    files = sorted((tmp_path / "single").iterdir())
    assert [file.name for file in files] == [f"{i:02d}.png" for i in range(12)]
    for file, image in zip(files, images, strict=True):
        with Image.open(file) as picture:
            assert (np.asarray(picture) == image[..., 0]).all()
    assert command("sample", finished_digits, "-n", 5, "--seed", 1, "--out", tmp_path / "b.npz").returncode == 0
    assert not (np.load(tmp_path / "b.npz")["images"] == images[:5]).all()
    wrong = command("sample", finished_digits, "--class", 3)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "trained without classes" in wrong.stderr


def test_samples_of_points(command, finished_ring: Path, tmp_path: Path) -> None:
    assert command("sample", finished_ring, "-n", 7, "--out", tmp_path / "a.npz").returncode == 0
    points = np.load(tmp_path / "a.npz")["images"]
    assert (points.shape, points.dtype) == ((7, 2), np.float32)
    assert command("sample", finished_ring, "-n", 500, "--out", tmp_path / "a.png").returncode == 0
    refused = command("sample", finished_ring, "--out", f"{tmp_path}/single/")
    assert (refused.returncode, "not single images" in refused.stderr) == (2, True)


def test_runs_lists_what_there_is(command, finished_ring: Path) -> None:
    listed = command("runs", finished_ring.parent)
    assert listed.returncode == 0
    assert str(finished_ring) in listed.stdout
    assert "5 / 5" in listed.stdout
    assert "finished" in listed.stdout
    assert command("runs").stdout.strip() == "no runs in runs"


def test_default_folders_tell_runs_apart() -> None:
    names = {
        str(default_out(*arguments))
        for arguments in (
            ("digits", None, {}),
            ("digits", "lecture", {}),
            ("digits", None, {"seed": 3}),
            ("digits", None, {"kimg": 5.0, "seed": 3}),
            ("digits", None, {"objective.r1": "0.5"}),
            ("digits", "my/own.toml", {}),
        )
    }
    assert len(names) == 6
    assert str(default_out("digits", None, {"kimg": 5.0, "seed": 3})) == "runs/digits-kimg5-seed3"


def test_default_folder_is_used_and_found_again(command, tmp_path: Path) -> None:
    arguments = ["train", "ring", "--kimg", 1, *TINY]
    first = command(*arguments)
    assert first.returncode == 0, first.stderr
    (run,) = (tmp_path / "runs").iterdir()
    assert RunFolder(run).finished()
    assert "finished before" in command(*arguments).stderr


def test_the_last_of_several_options_counts() -> None:
    tokens = ["train", "ring", "--a.b", "1", "--kimg", "3", "--a.b=2", "--c-d.e-f", "5"]
    assert cli.take_dotted(tokens) == {"a.b": "2", "c-d.e-f": "5"}
    assert tokens == ["train", "ring", "--kimg", "3"]


def test_one_spoiled_run_does_not_hide_the_others(command, tmp_path: Path) -> None:
    (tmp_path / "a[red]b").mkdir()
    (tmp_path / "a[red]b/recipe.toml").write_text("something = 'else'")
    arguments = ["train", "ring", "--kimg", 0.5, "--out", "good", *TINY]
    assert command(*arguments).returncode == 0
    listed = command("runs", ".")
    assert listed.returncode == 0, listed.stderr
    assert "a[red]b" in listed.stdout
    assert "finished" in listed.stdout


def test_recipes_can_be_printed_and_used(command, tmp_path: Path) -> None:
    names = [line.split()[0] for line in command("recipes").stdout.splitlines()]
    assert names == ["digits", "images", "islands", "lecture", "residual", "silva", "toy", "vae", "vae2"]
    text = command("recipes", "toy").stdout.replace("kimg = 2000.0", "kimg = 0.5")
    (tmp_path / "mine.toml").write_text(text)
    result = command("train", "ring", "--recipe", "mine.toml")
    assert result.returncode == 0, result.stderr
    assert RunFolder(tmp_path / "runs/ring-mine").recipe().kimg == 0.5


def test_messages_speak_spanish(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "duelo", "train", "dígitos"],
        env={**environment(), "DUELO_LANG": "es"},
        capture_output=True,
        text=True,
    )
    assert "no existe el conjunto de datos 'dígitos' (¿quiso decir digits?)" in result.stderr


def test_the_live_screen_shows_the_duel(finished_digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal (here a recorded one): progress, speed, time left, both losses, how often D is right, 50 %."""
    from io import StringIO

    from rich.console import Console

    from duelo.run import Moment
    from duelo.screen import LiveScreen

    monkeypatch.setenv("DUELO_LANG", "en")
    folder = RunFolder(finished_digits)
    view = LiveScreen(finished_digits, "duelo train digits")
    view.history.extend(folder.stats())
    output = StringIO()
    panel = view.panel(Moment("stats", 2500, folder.recipe(), stats=folder.stats()[-1]))
    Console(file=output, width=120).print(panel)
    text = output.getvalue()
    for part in (
        "2.5 / 3 kimg",
        "images/s",
        "left",
        "D right on real",
        "D right on fake",
        "50 %",
        "loss of D",
        "loss of G",
        "1.39",
        "0.69",
    ):
        assert part in text, text


def test_docs_cli_is_what_help_prints() -> None:
    result = subprocess.run(
        [sys.executable, ROOT / "tools/make_cli_docs.py", "--check"],
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_samples_that_look_like_copies_are_left_out(command, finished_digits: Path, tmp_path: Path) -> None:
    result = command("sample", finished_digits, "-n", 50, "--no-copies", "--out", "kept.npz")
    assert result.returncode == 0, result.stderr
    assert "of 60 samples drawn, the 50 least like copies are kept; 0 of these still count as copies." in result.stderr
    assert command("sample", finished_digits, "-n", 60, "--out", "all.npz").returncode == 0
    kept, drawn = ([image.tobytes() for image in np.load(tmp_path / f"{name}.npz")["images"]] for name in ("kept", "all"))
    assert kept == [image for image in drawn if image in set(kept)]
    assert len(set(kept)) == 50


def test_a_conditional_run_samples_the_class_that_is_asked_for(command, tmp_path: Path) -> None:
    result = command("train", "ring", "--kimg", 40, "--out", "run", "--networks.conditional", "true", *TINY[:2])
    assert result.returncode == 0, result.stderr
    assert command("sample", "run", "-n", 200, "--class", 3, "--out", "three.npz").returncode == 0
    assert command("sample", "run", "-n", 2000, "--out", "all.npz").returncode == 0
    three, everything = np.load(tmp_path / "three.npz"), np.load(tmp_path / "all.npz")
    assert set(three["labels"]) == {3}
    shares = np.bincount(everything["labels"], minlength=8) / 2000
    assert shares.min() > 0.08  # as frequent as in training: an eighth each
    means = duelo.ring().means.numpy()
    places = np.stack([everything["images"][everything["labels"] == label].mean(0) for label in range(8)])
    assert np.linalg.norm(places - means, axis=1).mean() < 0.5 * np.linalg.norm(np.roll(places, 4, 0) - means, axis=1).mean()
    wrong = command("sample", "run", "--class", 8)
    assert wrong.returncode == 2
    assert "the run's classes are 0 to 7" in wrong.stderr


def test_labels_that_do_not_exist_get_their_sentence(command) -> None:
    result = command("train", "stacked-digits", "--networks.conditional", "true")
    assert result.returncode == 2
    assert "'stacked-digits' have no labels" in result.stderr


def test_networks_of_ones_own_train_and_a_changed_file_is_noticed(command, tmp_path: Path) -> None:
    """L1: a perceptron against a convolutional network, from the examples as they are."""
    shutil.copy(ROOT / "examples/own_networks/mlp_vs_conv.py", tmp_path / "nets.py")
    train = ["train", "digits", "--kimg", 0.5, "--out", "run", "--save.stats_kimg", 0.1]
    own = ["--generator", "nets.py:generator", "--discriminator", "nets.py:discriminator"]
    result = command(*train, *own)
    assert result.returncode == 0, result.stderr
    assert command("sample", "run", "-n", 4, "--out", "x.png").returncode == 0
    assert command(*train, *own).returncode == 0  # finished before
    with (tmp_path / "nets.py").open("a") as file:
        file.write("# changed\n")
    changed = command(*train, *own)
    assert changed.returncode == 2
    assert "networks.sources" in changed.stderr
    missing = command("train", "digits", "--generator", "nets.py:gnerator", "--out", "other")
    assert missing.returncode == 2
    assert "did you mean generator?" in missing.stderr
    assert not (tmp_path / "other").exists()


def test_compare_prints_a_table_and_writes_a_page(
    command, finished_ring: Path, finished_digits: Path, tmp_path: Path
) -> None:
    result = command("compare", finished_ring, finished_digits, "--out", "page.html")
    assert result.returncode == 0, result.stderr
    assert "judgement at equal images" in result.stdout
    assert (tmp_path / "page.html").exists()
    alone = command("compare", finished_ring)
    assert alone.returncode == 2
    assert len(alone.stderr.splitlines()) == 1

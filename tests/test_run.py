from __future__ import annotations

import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import TINY, assert_same_runs, duelo, environment, timeless

from duelo import checkpoint
from duelo.data import load
from duelo.folder import RunFolder
from duelo.learner import crossed, sample
from duelo.measure import neighbour_distance
from duelo.recipes import resolve, to_toml
from duelo.run import grid_due, train
from duelo.saves import load_game
from duelo.words import say


def start(*arguments: object, cwd: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "duelo", *map(str, arguments)]
    return subprocess.Popen(command, cwd=cwd, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def wait_until(condition, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def kill_after(run: Path, nimg: int, delay: float, *arguments: object) -> None:
    """Start the command, and SIGKILL it `delay` seconds after its statistics have reached `nimg` images."""
    process = start(*arguments, cwd=run.parent)
    try:
        wait_until(lambda: any(line["nimg"] >= nimg for line in RunFolder(run).stats()) or process.poll() is not None)
        time.sleep(delay)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL, "it ended before it could be killed"


def test_killed_and_resumed_is_the_same_as_never_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """20 kimg of digits = 10 kimg, kill -9 at an arbitrary instant, the same command again."""
    monkeypatch.setenv("DUELO_TEST_THREADS", "2")  # sums over threads must come out the same, too
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")  # or two threads and another test wait for each other, ten times slower
    options = ["--kimg", 20, "--seed", 3, "--networks.width", 8, "--play.batch", 128, "--save.checkpoint_kimg", 4]
    assert duelo("train", "digits", "--out", "whole", *options, cwd=tmp_path).returncode == 0
    again = ["train", "digits", "--out", "killed", *options]
    kill_after(tmp_path / "killed", 10_000, random.random(), *again)
    result = duelo(*again, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "going on with killed at" in result.stderr
    assert_same_runs(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.parametrize("data", ["ring", "digits"])
def test_the_same_command_twice_gives_the_same_numbers(data: str, request, tmp_path: Path) -> None:
    finished = request.getfixturevalue(f"finished_{data}")
    kimg = RunFolder(finished).recipe().kimg
    assert duelo("train", data, "--kimg", kimg, "--out", "run", *TINY, cwd=tmp_path).returncode == 0
    assert_same_runs(finished, tmp_path / "run")


def test_another_seed_gives_other_numbers(finished_ring: Path, tmp_path: Path) -> None:
    assert duelo("train", "ring", "--kimg", 5, "--seed", 1, "--out", "run", *TINY, cwd=tmp_path).returncode == 0
    assert timeless(finished_ring) != timeless(tmp_path / "run")


def test_a_run_folder_holds_what_it_should(finished_digits: Path) -> None:
    assert {path.name for path in finished_digits.iterdir()} >= {
        "recipe.toml",
        "machine.json",
        "stats.jsonl",
        "samples",
        "checkpoints",
        "report.html",
    }
    folder = RunFolder(finished_digits)
    assert [kimg for kimg, _ in folder.samples()] == [0, 1, 2, 3]
    assert len(folder.checkpoints()) == 3
    assert folder.finished()
    lines = folder.stats()
    assert [line["nimg"] for line in lines] == [500, 1000, 1500, 2000, 2500, 3000]
    assert all(line["discriminator_loss"]["n"] == 500 for line in lines)
    assert all(0 <= line["real_right"]["mean"] <= 1 for line in lines)
    seconds = [line["time"]["seconds"] for line in lines]
    assert seconds == sorted(seconds)
    assert not list(finished_digits.rglob("*.tmp"))
    assert not list(finished_digits.rglob("*.pkl"))
    assert not list(finished_digits.rglob("*.pt"))


def test_a_finished_run_says_so_and_shows_its_report(finished_ring: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_ring, tmp_path / "run")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    result = duelo("train", "ring", "--kimg", 5, "--out", run, *TINY, cwd=tmp_path)
    assert result.returncode == 0
    assert "finished before" in result.stderr
    assert result.stdout.strip() == f"report: {run / 'report.html'}"
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_changed_recipe_is_refused_with_the_difference(finished_ring: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_ring, tmp_path / "run")
    result = duelo("train", "ring", "--kimg", 9, "--out", run, *TINY, "--adam.beta1", 0.1, cwd=tmp_path)
    assert result.returncode == 2
    assert "kimg: 5.0 -> 9.0; adam.beta1: 0.0 -> 0.1" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert_same_runs(finished_ring, run)


def cut(run: Path, checkpoints: int) -> None:
    """Take a finished run back to its `checkpoints` oldest checkpoints."""
    for file in RunFolder(run).checkpoints()[:-checkpoints]:
        file.unlink()


def test_a_spoiled_checkpoint_falls_back_to_the_one_before(finished_ring: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_ring, tmp_path / "run")
    newest = RunFolder(run).checkpoints()[0]
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 4
    newest.write_bytes(content)
    sampled = duelo("sample", run, "-n", 9, cwd=tmp_path)
    assert sampled.returncode == 0, sampled.stderr
    assert newest.exists(), "sampling must not touch anything"
    result = duelo("train", "ring", "--kimg", 5, "--out", run, *TINY, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert f"damaged checkpoint: {newest}" in result.stderr
    assert newest.with_suffix(".damaged").read_bytes() == content, "it is put aside, not deleted"
    (run / "samples-seed0.png").unlink(missing_ok=True)
    assert_same_runs(finished_ring, run)


def test_when_every_checkpoint_is_spoiled_it_says_so_and_touches_nothing(finished_ring: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_ring, tmp_path / "run")
    for file in RunFolder(run).checkpoints():
        file.write_bytes(b"nothing")
    cut(run, 2)
    before = sorted(run.rglob("*"))
    result = duelo("train", "ring", "--kimg", 5, "--out", run, *TINY, cwd=tmp_path)
    assert result.returncode == 2
    assert "every checkpoint in" in result.stderr
    assert sorted(run.rglob("*")) == before


def test_stats_cut_in_the_middle_of_a_line_are_mended(finished_ring: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_ring, tmp_path / "run")
    cut(run, 1)  # back to 3 kimg
    stats = (run / "stats.jsonl").read_bytes()
    (run / "stats.jsonl").write_bytes(stats[: int(len(stats) * 0.93)])
    (run / "checkpoints" / ".000000004000.safetensors.tmp").write_bytes(b"half")
    assert duelo("train", "ring", "--kimg", 5, "--out", run, *TINY, cwd=tmp_path).returncode == 0
    assert_same_runs(finished_ring, run)
    assert not list(run.rglob("*.tmp"))


def test_interrupted_it_saves_says_how_to_go_on_and_goes_on_identically(tmp_path: Path) -> None:
    arguments = ["train", "ring", "--kimg", 25, "--out", "run", "--play.batch", 32]
    arguments += ["--save.checkpoint_kimg", 20, "--save.stats_kimg", 1]
    process = start(*arguments, cwd=tmp_path)
    wait_until(lambda: len(RunFolder(tmp_path / "run").stats()) >= 2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "interrupted at" in said
    assert "duelo train ring --kimg 25 --out run --play.batch 32" in said
    at = RunFolder(tmp_path / "run").images_seen()
    assert 0 < at < 20_000, "it must have been saved where it was interrupted"
    assert duelo(*arguments, cwd=tmp_path).returncode == 0
    assert duelo(*["whole" if word == "run" else word for word in arguments], cwd=tmp_path).returncode == 0
    assert_same_runs(tmp_path / "whole", tmp_path / "run")


def test_a_disk_that_fills_up_loses_nothing(finished_ring: Path, tmp_path: Path) -> None:
    """A real limit on file size, set by the kernel, stops the writing of a checkpoint in its middle."""
    run = shutil.copytree(finished_ring, tmp_path / "run")
    cut(run, 1)
    survivor = RunFolder(run).checkpoints()[0]
    content = survivor.read_bytes()
    limit = len(content) // 2
    arguments = ["train", "ring", "--kimg", 5, "--out", run, *TINY]

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    result = duelo(*arguments, cwd=tmp_path, preexec_fn=small_files)
    assert result.returncode == 2, result.stderr
    assert "could not be written (File too large)" in result.stderr
    assert "Traceback" not in result.stderr
    assert survivor.read_bytes() == content
    assert duelo(*arguments, cwd=tmp_path).returncode == 0
    assert_same_runs(finished_ring, run)


@pytest.mark.parametrize("out", ["/proc/nowhere/run", "file/run"])
def test_a_folder_that_cannot_be_written_gets_its_sentence(command, tmp_path: Path, out: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    result = command("train", "ring", "--out", out)
    assert result.returncode == 2
    assert "choose another one with --out" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_folder_of_something_else_is_left_alone(command, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter1.tex").write_text("precious")
    for out in ("thesis", "thesis/chapter1.tex"):
        result = command("train", "ring", "--out", out)
        assert result.returncode == 2
        assert "not a run (it holds chapter1.tex)" in result.stderr
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter1.tex"]


def test_two_processes_never_share_a_run(tmp_path: Path) -> None:
    arguments = ["train", "ring", "--kimg", 4000, "--out", "run", *TINY]
    process = start(*arguments, cwd=tmp_path)
    try:
        wait_until(lambda: RunFolder(tmp_path / "run").stats())
        result = duelo(*arguments, cwd=tmp_path)
        assert result.returncode == 2
        assert "another process is training in run" in result.stderr
    finally:
        process.kill()
        process.communicate()


def test_numbers_that_explode_end_the_run_with_code_3_and_never_reach_a_checkpoint(tmp_path: Path) -> None:
    """A run that has good checkpoints, then weights that overflow between two looks at the statistics."""
    stable = ["train", "ring", "--kimg", 6, "--out", "run", "--networks.width", 8, "--play.batch", 50]
    stable += ["--save.stats_kimg", 3, "--save.checkpoint_kimg", 1, "--save.checkpoints", 2]
    run = RunFolder(tmp_path / "run")
    recipe = resolve(
        "ring", None, {key[2:]: value for key, value in zip(stable[6::2], stable[7::2], strict=True)} | {"kimg": 6}
    )
    for moment in train(recipe, run.path):
        if moment.kind == "checkpoint" and moment.nimg == 2000:
            break
    newest = run.checkpoints()[0]
    tree = checkpoint.load(newest)
    tree["game"]["generator"]["0.weight"].fill_(3e38)  # finite, but not what comes of it
    checkpoint.save(newest, tree)
    result = duelo(*stable, cwd=tmp_path)
    assert result.returncode == 3, result.stderr
    assert "is no longer a finite number" in result.stderr
    assert "Traceback" not in result.stderr
    assert len(run.checkpoints()) == 2
    for file in run.checkpoints():
        game = checkpoint.load(file)["game"]
        for part in ("generator", "discriminator", "ema"):
            assert all(value.isfinite().all() for value in game[part].values())


def test_minutes_choose_kimg_for_this_machine(tmp_path: Path) -> None:
    arguments = ["train", "ring", "--minutes", 0.05, "--out", "run", "--save.stats_kimg", 1]
    result = duelo(*arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    run = RunFolder(tmp_path / "run")
    assert run.recipe().minutes == 0.05
    assert 0.5 < run.training_seconds() < 12  # three seconds were asked for; the machine may be busy
    again = duelo(*arguments, cwd=tmp_path)
    assert "finished before" in again.stderr


def test_a_run_is_a_generator_for_python_too(tmp_path: Path) -> None:
    recipe = resolve("ring", None, {"kimg": 2, "networks.width": 8, "save.stats_kimg": 1})
    kinds = [moment.kind for moment in train(recipe, tmp_path / "run")]
    assert kinds == ["start", "samples", "stats", "samples", "stats", "samples", "checkpoint", "end"]


def test_when_things_are_due() -> None:
    assert crossed(900, 1000, 1.0)
    assert not crossed(1000, 1900, 1.0)
    assert crossed(0, 5000, 1.0)
    due = [now for now in range(100, 60_001, 100) if grid_due(now - 100, now, 25.0)]
    assert due == [1000, 2000, 4000, 8000, 16_000, 25_000, 50_000]


def test_grids_between_whole_kimg_keep_their_names_apart(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.sample_file(1.024).name == "000001.png"
    assert folder.sample_file(0.5).name == "000000.5.png"
    folder.samples_folder.mkdir()
    for name in ("000001.png", "000000.5.png", "000010.png", "1copy.png"):
        (folder.samples_folder / name).touch()
    assert [kimg for kimg, _ in folder.samples()] == [0.5, 1, 10]


@pytest.mark.parametrize("kimg", [32.2, 1.0004, 0.0001])
def test_a_run_that_reached_its_end_is_finished(kimg: float, tmp_path: Path) -> None:
    """32.2 * 1000 is a little more than 32200 in floating point."""
    recipe = resolve("ring", None, {"kimg": kimg, "networks.width": 8, "play.batch": 50})
    assert [moment.kind for moment in train(recipe, tmp_path / "run")][-1] == "end"
    assert [moment.kind for moment in train(recipe, tmp_path / "run")] == ["finished"]


def test_what_lies_in_a_folder_of_another_tool_is_not_ours(tmp_path: Path) -> None:
    foreign = tmp_path / "other/checkpoints/1000.safetensors"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"precious")
    (tmp_path / "other/.notes.tmp").write_text("precious too")
    result = duelo("train", "ring", "--out", "other", cwd=tmp_path)
    assert result.returncode == 2
    assert "is not empty and not a run" in result.stderr
    assert foreign.read_bytes() == b"precious"
    assert (tmp_path / "other/.notes.tmp").exists()
    assert not (tmp_path / "other/recipe.toml").exists()


def test_a_saved_recipe_says_how_long_it_is(tmp_path: Path) -> None:
    saved = tmp_path / "recipe.toml"
    saved.write_text(to_toml(resolve("ring", None, {"minutes": 3, "kimg": 7})))
    assert resolve("ring", str(saved)).minutes is None
    assert resolve("ring", str(saved)).kimg == 7
    assert resolve("ring", str(saved), {"kimg": 9}).kimg == 9


def test_a_checkpoint_of_other_networks_gets_its_sentence(finished_ring: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_ring, tmp_path / "run")
    for file in (*RunFolder(run).checkpoints(), RunFolder(run).best_file):
        tree = checkpoint.load(file)
        del tree["game"]["generator"]["0.weight"]
        checkpoint.save(file, tree)
    result = duelo("sample", run, cwd=tmp_path)
    assert result.returncode == 2
    assert "is of other networks" in result.stderr


NETS = """
import pathlib
import torch
from torch import nn

class Trips(nn.Module):
    def forward(self, x):
        trap = pathlib.Path(__file__).with_name({trap!r})
        if self.training and trap.exists() and {when}:
            {then}
            return x * float("nan")
        return x

def generator(shape, latent):
    return nn.Sequential(nn.Linear(latent, 8), nn.ReLU(), nn.Linear(8, shape[0]), Trips())
"""


def tripping(folder: Path, then: str) -> list[object]:
    """A generator of one's own that gives no numbers while a file is there, from the second checkpoint on."""
    when = "pathlib.Path('run/checkpoints/000000002000.safetensors').exists()"
    (folder / "nets.py").write_text(NETS.format(trap="trap", when=when, then=then))
    (folder / "trap").touch()
    return ["train", "ring", "--kimg", 5, "--out", "run", *TINY, "--generator", "nets.py:generator"]


def test_a_run_that_falls_apart_goes_back_and_on_with_lower_rates(tmp_path: Path) -> None:
    result = duelo(*tripping(tmp_path, "trap.unlink()"), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "fell apart at" in result.stderr
    assert "half the learning rates" in result.stderr
    folder = RunFolder(tmp_path / "run")
    (rescue,) = folder.rescues()
    assert rescue["back_to"] == 2000
    assert rescue["nimg"] > 2000
    lines = folder.stats()
    assert [line["nimg"] for line in lines] == sorted({line["nimg"] for line in lines})
    assert folder.finished()
    # of the rate that it would have had: the recipe's schedule is a function of time, and calm halves it
    ratios = [line["rate"]["mean"] for line in lines]
    assert ratios[0] == 1.0
    assert ratios[4] < 0.51


def test_a_run_that_keeps_falling_apart_gives_up_with_exit_code_3_and_keeps_its_checkpoints(tmp_path: Path) -> None:
    command = tripping(tmp_path, "pass")
    result = duelo(*command, "--stop.retries", 2, cwd=tmp_path)
    assert result.returncode == 3, result.stderr
    assert "training failed 3 times" in result.stderr
    assert "Traceback" not in result.stderr
    folder = RunFolder(tmp_path / "run")
    assert len(folder.rescues()) == 2
    assert folder.images_seen() == 2000
    (tmp_path / "trap").unlink()
    assert duelo("sample", "run", "--out", "x.npz", cwd=tmp_path).returncode == 0


def test_a_run_past_its_best_stops_and_says_where_the_best_is(tmp_path: Path) -> None:
    """A generator that stands still cannot get better: the first judgement stays the best one."""
    options = ["--generator.rate", 1e-12, "--save.judge_kimg", 0.5, "--stop.patience", 0.3]
    command = ["train", "ring", "--kimg", 5, "--out", "run", *TINY, *options]
    result = duelo(*command, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "the run is past its best" in result.stderr
    assert "best point: 0.5 kimg" in result.stderr
    folder = RunFolder(tmp_path / "run")
    assert folder.end()["nimg"] == folder.images_seen() == 2500  # more than 30 % of 5 kimg after 0.5
    assert folder.finished()
    again = duelo(*command, cwd=tmp_path)
    assert again.returncode == 0
    assert "finished before" in again.stderr
    patient = duelo(
        "train", "ring", "--kimg", 5, "--out", "patient", *TINY, *options[:-2], "--stop.patience", 0, cwd=tmp_path
    )
    assert patient.returncode == 0
    assert RunFolder(tmp_path / "patient").images_seen() == 5000


def test_the_best_point_is_kept_and_sampled_from(tmp_path: Path) -> None:
    """Judged often, with rates at which a toy wanders: the best point is the one with the smallest judgement."""
    options = ["--save.judge_kimg", 0.5, "--generator.rate", 0.05, "--stop.patience", 0, "--seed", 1]
    assert duelo("train", "ring", "--kimg", 5, "--out", "run", *TINY, *options, cwd=tmp_path).returncode == 0
    folder = RunFolder(tmp_path / "run")
    judged = [(line["judgement"]["value"], line["nimg"]) for line in folder.stats() if "judgement" in line]
    assert len(judged) == 10
    best = min(judged)
    assert folder.best_file.exists()
    learner, _ = load_game(folder, "cpu")
    assert learner.nimg == best[1] < 5000
    referee = load("ring").referee.drawn(1000)
    assert neighbour_distance(sample(learner, 1000, seed=1), referee) == pytest.approx(best[0], rel=1e-4)
    assert all(line["judgement"]["floor"] < line["judgement"]["value"] for line in folder.stats() if "judgement" in line)


def test_what_goes_wrong_is_said_on_the_screen_in_the_statistics_and_in_the_report(tmp_path: Path) -> None:
    """A generator that stands still: named while it runs, with a remedy, and on the page in both languages."""
    options = ["--generator.rate", 1e-12, "--balance.look_kimg", 0.25, "--stop.patience", 0]
    result = duelo("train", "ring", "--kimg", 5, "--out", "run", *TINY, *options, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "! the generator does not learn: Since" in result.stderr
    assert result.stderr.count("! the generator does not learn") == 1
    folder = RunFolder(tmp_path / "run")
    names = [finding["name"] for line in folder.stats() for finding in line.get("findings", [])]
    assert "generator_stuck" in names
    page = folder.report_file.read_text()
    for lang in ("en", "es"):
        assert say("found.generator_stuck", lang) in page
        assert say("remedy.generator_stuck", lang) in page


def test_the_rival_trains_resumes_samples_and_is_reported_like_any_run(tmp_path: Path) -> None:
    command = ["train", "digits", "--recipe", "vae2", "--out", "run", "--kimg", 2, *TINY]
    result = duelo(*command, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    run = tmp_path / "run"
    assert "Negative evidence" in (run / "report.html").read_text()
    again = shutil.copytree(run, tmp_path / "again")
    cut(again, 1)
    assert duelo(*command[:4], "--out", "again", *command[6:], cwd=tmp_path).returncode == 0
    assert_same_runs(run, again)
    assert duelo("sample", "run", "-n", 9, "--out", "x.png", cwd=tmp_path).returncode == 0
    assert all("judgement" not in line or line["judgement"]["value"] > 0 for line in RunFolder(run).stats())

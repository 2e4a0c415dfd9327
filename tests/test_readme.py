"""Both READMEs are kept true: every command and snippet in them is run, their tables and links are checked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, environment, gratings

READMES = ["README.md", "README.es.md"]
# the commands are run as written, but for these, so that they end soon: less training, the same in all else
SHORTER = {
    "duelo train digits --minutes 3": "--save.stats_kimg 0.1",
    "duelo train digits --recipe lecture": "--kimg 0.5 --networks.width 4 --save.stats_kimg 0.1",
    "duelo train digits --recipe vae": "--out runs/digits-vae --kimg 0.5 --networks.width 4 --save.stats_kimg 0.1",
    "duelo measure runs/digits-minutes3": "--only quality -n 200",
    "duelo train ring": "--kimg 2 --save.stats_kimg 1",
    "duelo train photos/": "--kimg 0.5 --networks.width 4 --save.stats_kimg 0.1",
    "python examples/toy_gan.py": "20",
}


def blocks(readme: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / readme).read_text(encoding="utf-8"), re.DOTALL)


def commands(readme: str) -> list[str]:
    lines = [line.split("  #")[0].strip() for block in blocks(readme, "bash") for line in block.splitlines()]
    return [line for line in lines if line]


def test_both_languages_show_the_same() -> None:
    assert commands("README.md") == commands("README.es.md")
    assert len(blocks("README.md", "python")) == len(blocks("README.es.md", "python")) == 1
    tags = [re.findall(r"^\| (L\d+) \|", (ROOT / readme).read_text(encoding="utf-8"), re.M) for readme in READMES]
    assert tags[0] == tags[1] == [f"L{i}" for i in range(1, 12)]


@pytest.mark.parametrize("readme", READMES)
def test_links_and_pictures_exist(readme: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", (ROOT / readme).read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        assert (ROOT / path).exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings], target


@pytest.mark.parametrize("readme", READMES)
def test_the_tree_names_what_exists(readme: str) -> None:
    tree = max(re.findall(r"```\n(src/.*?)```", (ROOT / readme).read_text(encoding="utf-8"), re.DOTALL), key=len)
    named = re.findall(r"(?:^|\s)([a-z]+(?:\.py|/))(?=\s|$)", tree)
    assert len(named) > 15
    for name in named:
        assert (ROOT / name).exists() or (ROOT / "src/duelo" / name).exists(), name


def test_every_command_works(tmp_path: Path) -> None:
    """Those of README.md; README.es.md shows the same ones (tested above)."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    gratings(tmp_path / "photos", 30, (20, 28), colour=True)
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "duelo").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m duelo "$@"\n')
    (bin_folder / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for file in bin_folder.iterdir():
        file.chmod(0o755)
    path = {"PATH": f"{bin_folder}:{os.environ['PATH']}"}
    for line in commands("README.md"):
        if line.startswith("make "):
            continue  # below
        written = line
        if "--minutes" in line:
            line = line.replace("--minutes 3", "--minutes 0.02")
        line = line.replace("digits-minutes3", "digits-minutes0.02")
        line += f" {SHORTER.get(written, '')}"
        if "runs/digits-minutes" in line:  # the folder's name tells the options that shortened the run
            line = line.replace("minutes0.02", "minutes0.02-save.stats_kimg0.1")
        result = subprocess.run(
            line,
            shell=True,
            cwd=tmp_path,
            env=environment() | path,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert result.returncode == 0, f"{line}\n{result.stderr}"
    assert (tmp_path / "digits.png").exists()


def test_the_default_folder_is_the_one_that_the_readme_names() -> None:
    from duelo.folder import default_out

    assert str(default_out("digits", None, {"minutes": 3.0})) in (ROOT / "README.md").read_text()


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
def test_make_demo_and_make_test_do_what_they_say(tmp_path: Path) -> None:
    """`make demo` for real, but short, in the environment that is there; `make test` would be this test again."""
    folder = tmp_path / "demo"
    arguments = ["demo", f"DEMO_FOLDER={folder}", "DEMO_OPTIONS=--kimg 0.5 --save.stats_kimg 0.1"]
    plan = subprocess.run(["make", "--dry-run", "demo", "test"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "duelo train digits --out runs/demo" in plan.stdout
    assert "pytest" in plan.stdout
    if not (ROOT / ".venv/demo").exists():
        pytest.skip("this environment was not made by make")
    quiet = {key: value for key, value in environment().items() if key != "PYTHONWARNINGS"}  # pip has its own
    result = subprocess.run(["make", *arguments], cwd=ROOT, env=quiet, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert (folder / "report.html").exists()


@pytest.mark.parametrize("readme", READMES)
def test_the_snippet_runs(readme: str, tmp_path: Path) -> None:
    (snippet,) = blocks(readme, "python")
    assert len([line for line in snippet.splitlines() if line.strip()]) <= 11
    result = subprocess.run(
        [sys.executable, "-c", snippet],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("640 im")
    assert (tmp_path / "digits.png").exists()


@pytest.mark.parametrize("target", ["help", ""])
def test_make_help_lists_every_target(target: str) -> None:
    printed = subprocess.run(["make", *target.split()], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make (\w+)", printed, re.M) == ["help", "demo", "test", "check", "bench"]

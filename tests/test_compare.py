from __future__ import annotations

import base64
import html
import json
import re
from pathlib import Path

import pytest
from conftest import duelo
from PIL import Image
from test_report import browser  # noqa: F401

from duelo import compare, recipes
from duelo.folder import RunFolder
from duelo.report import top_rows
from duelo.words import LANGUAGES, UserError, say

Line = tuple[int, float, float | None]  # images, seconds, judgement
# the last judgement, the nearest one and the first one after the common point are all others than the one wanted
SLOW: list[Line] = [(10_000, 10, 9.0), (20_000, 20, 8.0), (30_000, 27, 7.0)]
FAST: list[Line] = [(12_000, 5, 0.9), (23_000, 11, 0.5), (31_000, 19, 0.4), (48_000, 24, 0.3)]


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUELO_LANG", "en")


def table(folders: list[RunFolder]) -> str:
    return compare.table(compare.read(folders))


def write(folders: list[RunFolder], out: Path) -> Path:
    return compare.write(compare.read(folders), out)


def make(
    path: Path,
    lines: list[Line],
    grids: tuple[float, ...] = (0, 10),
    data: str = "ring",
    floor: float = 0.25,
    right: dict[str, float] | None = None,
    **overrides: str,
) -> RunFolder:
    """A run's folder, written by hand. Each grid has a colour of its own, made of the run's name and the time."""
    folder = RunFolder(path)
    folder.samples_folder.mkdir(parents=True)
    given = {key.replace("__", "."): value for key, value in overrides.items()}
    folder.recipe_file.write_text(recipes.to_toml(recipes.resolve(data, None, given)), encoding="utf-8")
    shares = {"real_right": 0.5, "fake_right": 0.75} if right is None else right
    with folder.stats_file.open("w", encoding="utf-8") as file:
        for nimg, seconds, value in lines:
            line: dict[str, object] = {"nimg": nimg, "time": {"seconds": seconds, "images_per_second": 1.0}}
            line |= {name: {"n": 100, "mean": mean, "std": 0.5} for name, mean in shares.items()}
            if value is not None:
                judgement = {"measure": "sliced-wasserstein", "value": value, "floor": floor, "n": 1000, "best": False}
                line["judgement"] = judgement
            file.write(json.dumps(line) + "\n")
    for kimg in grids:
        colour = (sum(path.name.encode()) % 256, int(kimg), int(10 * kimg) % 10)
        Image.new("RGB", (100, 100), colour).save(folder.sample_file(kimg))
    return folder


def rows(text: str) -> dict[str, list[str]]:
    """The block of a table under a heading: the lines' words by the first of them."""
    return {line.split()[0]: line.split() for line in text.splitlines()[1:]}


def embedded(grid: Path, share: int = 10) -> str:
    return base64.b64encode(top_rows(grid, share)).decode()


def test_judgements_are_taken_at_or_before_equal_images_and_equal_seconds(tmp_path: Path) -> None:
    folders = [make(tmp_path / "slow", SLOW), make(tmp_path / "fast", FAST)]
    for order in (folders, folders[::-1]):
        _, images, seconds = table(order).split("\n\n")
        assert images.startswith("judgement at equal images (30 kimg)\n")
        assert rows(images) == {
            "slow": ["slow", "7", "(30", "kimg,", "27", "s)"],
            "fast": ["fast", "0.5", "(23", "kimg,", "11", "s)"],
        }
        assert seconds.startswith("judgement at equal training time (24 s)\n")
        assert rows(seconds) == {
            "slow": ["slow", "8", "(20", "kimg,", "20", "s)"],
            "fast": ["fast", "0.3", "(48", "kimg,", "24", "s)"],
        }


@pytest.mark.parametrize(("late", "taken"), [(30_063, "3"), (30_064, "5")])
def test_a_round_that_ends_late_is_still_at_the_same_point(tmp_path: Path, late: int, taken: str) -> None:
    """Judgements come at the end of the round in which they are due; a batch has 64 images here."""
    short = make(tmp_path / "short", [(30_000, 10, 4.0)], data="digits", play__batch="16")
    long = make(tmp_path / "long", [(25_000, 8, 5.0), (late, 12, 3.0), (60_000, 20, 1.0)], data="digits", play__batch="64")
    assert rows(table([short, long]).split("\n\n")[1])["long"][1] == taken


def test_a_row_sums_up_a_run(tmp_path: Path) -> None:
    lines: list[Line] = [(1000 * i, 10.0 * i, {7: 0.5, 15: 0.75}.get(i)) for i in range(1, 21)]
    one = make(tmp_path / "one", lines, right={"real_right": 0.2, "fake_right": 0.6}, seed="1")
    two = make(tmp_path / "two", SLOW, seed="2")
    stats = one.stats()
    for line, right in zip(stats[-2:], (0.5, 1.0), strict=True):  # the last tenth of twenty lines
        line["real_right"]["mean"] = right
    one.stats_file.write_text("".join(json.dumps(line) + "\n" for line in stats), encoding="utf-8")
    head, row, _ = (re.split(r" {2,}", line) for line in table([one, two]).split("\n\n")[0].splitlines())
    assert dict(zip(head, row, strict=True)) == {
        "run": "one",
        "data": "ring",
        "kimg": "20",
        "time": "3.3 min",
        "images": "100/s",
        "best judgement": "0.5 (7 kimg)",
        "floor": "0.25",
        "last judgement": "0.75 (15 kimg)",
        "D real": "75.0\u00a0%",
        "D generated": "60.0\u00a0%",
        "FD ratio": "-",
        "opponent": "-",
        "copies": "-",
        "differs in": "seed=1",
    }


def test_only_the_keys_that_differ_are_listed(tmp_path: Path) -> None:
    one = make(tmp_path / "one", SLOW, seed="3", networks__width="16")
    two = make(tmp_path / "two", FAST, kimg="50", networks__width="16", augment__kinds="flip,shift")
    first = table([one, two]).split("\n\n")[0].splitlines()
    assert first[1].endswith("  seed=3, kimg=2000.0, augment.kinds=" + ", ".join(recipes.Augment().kinds))
    assert first[2].endswith("  seed=0, kimg=50.0, augment.kinds=flip, shift")
    assert compare.differing(compare.read([make(tmp_path / "a", SLOW), make(tmp_path / "b", FAST)])) == []
    page = write([one, two], tmp_path / "page.html").read_text(encoding="utf-8")
    assert re.findall("<code>(.*?)</code>", page) == ["seed", "kimg", "augment.<wbr>kinds"]


def test_a_run_without_judgements_or_discriminator_is_compared_as_far_as_it_goes(tmp_path: Path) -> None:
    new = make(tmp_path / "new", SLOW, data="digits")
    old = make(tmp_path / "old", [(30_000, 9, None)], data="digits")
    rival = {"networks__pair": "vae", "objective__loss": "evidence", "objective__r1": "0", "objective__lazy": "1"}
    vae = make(tmp_path / "vae", FAST, data="digits", right={"loss": 1.0}, **rival)
    runs = compare.read([new, old, vae])
    figures = [dict(compare.figures(run)) for run in runs]
    assert [figure["compare.best"] for figure in figures] == ["7 (30 kimg)", "-", "0.3 (48 kimg)"]
    assert [figure["compare.floor"] for figure in figures] == ["0.25", "-", "0.25"]
    assert [figure["report.real_right"] for figure in figures] == ["50.0\u00a0%", "50.0\u00a0%", "-"]
    _, images, seconds = table([new, old, vae]).split("\n\n")
    assert rows(images)["old"] == rows(seconds)["old"] == ["old", "-"]
    assert rows(seconds)["new"] == ["new", "-"]  # first judged after 10 s, and the old run has reached 9 s
    assert [chosen for _, chosen, _ in compare.judgement_figures(runs)] == [[0, 2]]
    assert compare.duel_figures(runs)[0] == [0, 1]
    page = compare.render(runs)
    for lang in LANGUAGES:
        assert html.escape(say("compare.without", lang, names="vae")) in page
    lone = compare.render(compare.read([old, make(tmp_path / "older", [(9, 9, None)], data="digits")]))
    assert say("compare.no_judgement", "es") in lone


def test_pictures_are_those_at_or_before_the_common_point(tmp_path: Path) -> None:
    slow = make(tmp_path / "slow", SLOW, grids=(0, 10, 20, 30))
    fast = make(tmp_path / "fast", FAST, grids=(0, 12, 23, 31, 40, 48))
    page = write([slow, fast], tmp_path / "page.html").read_text(encoding="utf-8")
    shown = re.findall(r'alt="(\w+), (\S+) kimg"', page)
    assert shown == [("slow", "30"), ("fast", "23"), ("slow", "20"), ("fast", "48"), ("slow", "30"), ("fast", "48")]
    images = re.findall(r'<img src="data:image/png;base64,([^"]*)"', page)
    assert images == [embedded({"slow": slow, "fast": fast}[name].sample_file(float(at))) for name, at in shown]


def test_a_grid_is_found_although_its_name_is_rounded(tmp_path: Path) -> None:
    """4096 images are 000004.1.png."""
    run = compare.read([make(tmp_path / "a", SLOW, grids=(0, 4.1, 8.2)), make(tmp_path / "b", FAST)])[0]
    assert [(compare.grid_at(run, nimg) or (None,))[0] for nimg in (0, 4000, 4096, 8140, 8192)] == [0, 0, 4.1, 4.1, 8.2]


def test_of_many_runs_only_the_top_rows_are_shown(tmp_path: Path) -> None:
    folders = [make(tmp_path / f"r{i}", SLOW, grids=(30,), data="digits", seed=str(i)) for i in range(4)]
    grid = folders[0].sample_file(30)
    few, many = (compare.render(compare.read(folders[:n])) for n in (3, 4))
    assert embedded(grid) in few
    assert embedded(grid, 3) in many
    assert embedded(grid) not in many
    assert say("compare.top_rows", "en", n=3) in many
    assert say("compare.top_rows", "en", n=3) not in few


def test_runs_on_different_data_get_a_warning_and_a_floor_each(tmp_path: Path) -> None:
    ring, grid = make(tmp_path / "a", SLOW, floor=0.11), make(tmp_path / "b", FAST, data="grid", floor=0.22)
    digits = make(tmp_path / "c", FAST, data="digits", floor=0.33)
    warning = "! these runs are on different data (ring, grid, digits): only judgements on the same data can be compared"
    assert warning in table([ring, grid, digits])
    drawn = compare.judgement_figures(compare.read([ring, grid, digits]))
    assert [(name, chosen) for name, chosen, _ in drawn] == [("ring", [0]), ("grid", [1]), ("digits", [2])]
    same = compare.read([ring, make(tmp_path / "d", FAST, floor=0.11)])
    assert compare.warnings(same) == []
    assert [chosen for _, chosen, _ in compare.judgement_figures(same)] == [[0, 1]]


def test_own_images_of_another_size_are_other_data(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    sizes = ("32", "32", "64")
    folders = [make(tmp_path / f"r{i}", SLOW, data=str(photos), images__size=size) for i, size in enumerate(sizes)]
    for folder, mark in zip(folders, "xxy", strict=True):
        text = folder.recipe_file.read_text(encoding="utf-8")
        folder.recipe_file.write_text(text.replace("[images]\n", f'[images]\nfingerprint = "{mark}"\n'), encoding="utf-8")
    assert compare.warnings(compare.read(folders[:2])) == []
    assert compare.warnings(compare.read(folders[1:])) == [
        ("compare.other_data", {"data": "photos (32 x 32), photos (64 x 64)"})
    ]


def test_other_machines_are_said(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one", SLOW), make(tmp_path / "two", FAST)
    for folder, threads in ((one, 2), (two, 2)):
        folder.machine_file.write_text(json.dumps({"device": "CPU", "cpu": "Xeon", "threads": threads}), encoding="utf-8")
    assert compare.warnings(compare.read([one, two])) == []
    two.machine_file.write_text(json.dumps({"device": "CPU", "cpu": "Xeon", "threads": 4}), encoding="utf-8")
    assert compare.warnings(compare.read([one, two])) == [("compare.other_machines", {})]


def test_the_page_stands_alone_and_speaks_both_languages(tmp_path: Path) -> None:
    folders = [make(tmp_path / "a", SLOW), make(tmp_path / "b", FAST, seed="1")]
    page = write(folders, tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page)
    assert not re.findall(r"url\((?!['\"]?#)", page)
    assert "@import" not in page
    assert page == write(folders, tmp_path / "again.html").read_text(encoding="utf-8")
    for lang in LANGUAGES:
        for key in ("compare.title", "compare.pictures_hint", "report.accuracy_caption"):
            assert html.escape(say(key, lang)) in page
        hint = say("compare.judgement_hint", lang, measure="sliced-wasserstein")
        assert html.escape(hint) in page
    figures = re.findall(r'<span lang="(en|es)"><svg.*?</svg>', page, re.DOTALL)
    assert figures == ["en", "es"] * 4  # the judgement over images and time, D on real and on generated ones
    drawn = re.findall(r"<svg [^>]*xmlns.*?</svg>", page, re.DOTALL)
    for svg in drawn:  # a colour and a line style a run, and a dashed line for the floor or the draw
        assert "var(--run-0)" in svg
        assert "var(--run-1)" in svg
        assert len(set(re.findall(r"stroke-dasharray: ([^;]*);", svg))) == 2
    assert not any(colour in "".join(drawn) for colour in compare.COLOURS)


def test_no_two_runs_look_alike() -> None:
    looks = [(i % len(compare.COLOURS), compare.dashes(i)) for i in range(36)]
    assert len(set(looks)) == 36
    assert len({style for _, style in looks[:6]}) == 6


def test_odd_names_and_a_damaged_picture_do_no_harm(tmp_path: Path) -> None:
    odd = make(tmp_path / "_$x$ <b>&ñ", SLOW, data="digits")
    bad = make(tmp_path / "bad", FAST, data="digits")
    for _, grid in bad.samples():
        grid.write_bytes(b"no picture")
    bare = make(tmp_path / "bare", FAST, grids=(), data="digits")
    page = write([odd, bad, bare], tmp_path / "new" / "page.html").read_text(encoding="utf-8")
    assert "_$x$ &lt;b&gt;&amp;ñ" in page
    assert "<b>" not in page
    assert page.count('<div class="none">') == 6


def test_runs_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("x/run", "y/run", "other")]
    assert compare.names(paths) == ["x/run", "y/run", "other"]
    assert compare.names(paths[1:]) == ["run", "other"]


def test_the_page_goes_beside_the_runs_or_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "runs" / "a", SLOW)
    make(tmp_path / "runs" / "b", FAST)
    make(tmp_path / "c", FAST)
    for paths, page in (
        (["runs/a", "runs/b"], "runs/compare.html"),
        (["runs/a", "c"], "compare.html"),
        (["runs/a", str(tmp_path / "runs" / "b" / "..") + "/b/"], "runs/compare.html"),
    ):
        assert compare.place([RunFolder(Path(path)) for path in paths]) == Path(page)
    monkeypatch.chdir(tmp_path / "runs" / "a")
    paths = [Path("."), Path("../b")]
    page = tmp_path / "runs" / "compare.html"
    assert compare.compare(paths) == f"{table([RunFolder(path) for path in paths])}\n\npage: {page}"
    assert page.is_file()
    assert compare.compare(paths, Path("new/mine.html")).splitlines()[-1] == "page: new/mine.html"
    assert (tmp_path / "runs" / "a" / "new" / "mine.html").is_file()


def test_the_command_prints_the_table_and_writes_the_page(tmp_path: Path) -> None:
    folders = [make(tmp_path / "runs" / "a", SLOW), make(tmp_path / "runs" / "b", FAST)]
    result = duelo("compare", "runs/a", "runs/b", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{table(folders)}\n\npage: runs/compare.html\n"
    assert (tmp_path / "runs" / "compare.html").is_file()
    result = duelo("compare", "runs/a", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"duelo: {say('compare.few', 'en')}\n"


def test_wrong_input_gets_a_sentence(tmp_path: Path) -> None:
    run, other = make(tmp_path / "run", SLOW).path, make(tmp_path / "other", FAST).path
    empty = make(tmp_path / "empty", []).path
    (tmp_path / "link").symlink_to(run)
    for paths, out, sentence in (
        ([], None, "comparing takes two different runs or more"),
        ([run], None, "comparing takes two different runs or more"),
        ([run, tmp_path / "link", run.parent / "run"], None, "comparing takes two different runs or more"),
        ([run, tmp_path / "none"], None, f"there is no run in {tmp_path / 'none'}"),
        ([run, empty], None, f"the run in {empty} has no statistics yet"),
        ([run, other], run / "recipe.toml", "name a .html file"),
        ([run, other], run / "recipe.toml" / "x.html", "cannot be made"),
    ):
        with pytest.raises(UserError) as caught:
            compare.compare(paths, out)
        assert sentence in str(caught.value)
        assert str(caught.value).endswith(".")
        assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*.html"))
    again = RunFolder(other)
    twice = compare.read([RunFolder(run), again, RunFolder(run), again])
    assert [each.name for each in twice] == ["run", "other"]  # one that is named twice counts once


@pytest.mark.parametrize("width", [360, 1280])
def test_in_a_browser_it_fits_switches_language_and_asks_the_network_for_nothing(
    browser,  # noqa: F811
    tmp_path: Path,
    width: int,
) -> None:
    folders = [make(tmp_path / f"digits-networks.width{i}-seed{i}", SLOW, data="digits", seed=str(i)) for i in range(8)]
    path = write([*folders, make(tmp_path / "ring", FAST)], tmp_path / "page.html")
    page = browser.new_page(viewport={"width": width, "height": 800})
    asked, errors = [], []
    page.on("request", lambda r: asked.append(r.url) if not r.url.startswith(("data:", "file:")) else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    tops = page.evaluate("[...document.querySelectorAll('.grids')[0].children].map(f => f.getBoundingClientRect().top)")
    assert tops.count(tops[0]) == (2 if width == 360 else 6)
    for language, here, away in (("Español", "es", "en"), ("English", "en", "es")):
        page.get_by_role("button", name=language).click()
        assert page.get_by_text(LANGUAGES[here]["compare.title"]).is_visible()
        assert not page.get_by_text(LANGUAGES[away]["compare.title"]).is_visible()
        drawn = page.evaluate(
            "[...document.querySelectorAll('figure > [lang] svg')].filter(s => s.checkVisibility()).length"
        )
        assert drawn == 6  # the judgement on each of two data sets over images and time, D on real and on generated ones
    assert (asked, errors) == ([], [])
    page.close()


def test_verdicts_are_compared_only_if_they_rest_on_the_same(tmp_path: Path) -> None:
    folders = [make(tmp_path / name, [(10_000, 5.0, 1.0)]) for name in ("one", "two")]

    def tell(folder: RunFolder, value: float, fingerprint: str) -> None:
        estimate = {"value": value, "low": value - 1, "high": value + 1, "floor": 1.0, "n": 10}
        folder.verdict_file.write_text(
            json.dumps({"fingerprint": fingerprint, "sentences": {}, "quality": {"ratio": estimate}})
        )

    tell(folders[0], 2.5, "same")
    tell(folders[1], 7.5, "same")
    text = table(folders)
    assert "2.5 (1.5–3.5)" in text
    assert "7.5 (6.5–8.5)" in text
    assert "cannot be compared" not in text
    tell(folders[1], 7.5, "other")
    text = table(folders)
    assert "7.5" not in text
    assert "verdicts rest on different samples" in text

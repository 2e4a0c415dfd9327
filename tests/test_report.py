from __future__ import annotations

import html
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import duelo
from labs import chromium
from PIL import Image

from duelo import report
from duelo.folder import RunFolder
from duelo.words import LANGUAGES


@pytest.mark.parametrize("data", ["ring", "digits"])
def test_the_page_stands_alone_and_speaks_both_languages(data: str, request) -> None:
    run = request.getfixturevalue(f"finished_{data}")
    page = (run / "report.html").read_text(encoding="utf-8")
    # nothing is fetched: the only addresses are data in the page, and names of XML vocabularies
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page)
    assert not re.findall(r"url\((?!['\"]?#)", page)
    assert "@import" not in page
    for lang in LANGUAGES:
        for key in ("report.lead", "report.evolution", "report.duel_hint", "report.logit_caption"):
            assert html.escape(LANGUAGES[lang][key], quote=True).replace("&#x27;", "&#39;") in page
    assert page.count("<svg") == 8  # four figures, each in both languages
    assert len(page) < 2_000_000
    recipe = RunFolder(run).recipe()
    assert f">{recipe.networks.pair}</td>" in page


def test_the_same_run_gives_the_same_page(finished_ring: Path) -> None:
    assert report.render(RunFolder(finished_ring)) == report.render(RunFolder(finished_ring))


def test_the_command_writes_it_again(finished_ring: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_ring, tmp_path / "run")
    (run / "report.html").unlink()
    result = duelo("report", run, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == f"report: {run / 'report.html'}"
    assert (run / "report.html").exists()


def test_a_run_with_nothing_to_show_gets_a_sentence(finished_ring: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_ring, tmp_path / "run")
    (run / "stats.jsonl").unlink()
    result = duelo("report", run, cwd=tmp_path)
    assert result.returncode == 2
    assert "no checkpoint yet" in result.stderr


def test_the_strip_goes_from_the_first_grid_to_the_last() -> None:
    grids = [(float(i), Path(f"{i}.png")) for i in range(40)]
    chosen = [at for at, _ in report.spaced(grids, 9)]
    assert (len(chosen), chosen[0], chosen[-1]) == (9, 0, 39)
    assert report.spaced(grids[:4], 9) == grids[:4]


def test_the_top_row_is_the_first_of_ten(finished_digits: Path, tmp_path: Path) -> None:
    grid = RunFolder(finished_digits).samples()[-1][1]
    (tmp_path / "row.png").write_bytes(report.top_row(grid))
    with Image.open(grid) as whole, Image.open(tmp_path / "row.png") as row:
        assert row.size == (whole.width, 30)
        assert row.tobytes() == whole.crop((0, 0, whole.width, 30)).tobytes()


@pytest.fixture
def browser() -> Iterator[object]:
    with chromium() as running:
        yield running


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("data", ["ring", "digits"])
def test_in_a_browser_it_fits_switches_language_and_asks_the_network_for_nothing(
    browser, data: str, width: int, request
) -> None:
    run = request.getfixturevalue(f"finished_{data}")
    page = browser.new_page(viewport={"width": width, "height": 800})
    asked, errors = [], []
    page.on("request", lambda r: asked.append(r.url) if not r.url.startswith(("data:", "file:")) else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((run / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    for language, here, away in (("Español", "es", "en"), ("English", "en", "es"), ("Español", "es", "en")):
        page.get_by_role("button", name=language).click()
        assert page.get_by_text(LANGUAGES[here]["report.lead"]).is_visible()
        assert not page.get_by_text(LANGUAGES[away]["report.lead"]).is_visible()
        assert page.evaluate("document.documentElement.lang") == here
        shown = page.evaluate("[...document.querySelectorAll('svg')].filter(s => s.checkVisibility()).length")
        assert shown == 4
    assert (asked, errors) == ([], [])
    page.close()

"""The runs and exploring one, as a person meets them: a real browser, a real server, real trainings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import LONG, LONG_KIMG, assert_same_runs, duelo, gratings
from labs import RunningLab, open_lab, running, show, until, with_runs

from duelo import compare
from duelo.folder import RunFolder
from duelo.guard import holder
from duelo.lab import explorer
from duelo.lab.spot import Spot
from duelo.lab.wire import unpack
from duelo.words import LANGUAGES, say, speaking


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, finished_ring: Path, finished_digits: Path) -> Iterator[RunningLab]:
    with running(with_runs(tmp_path_factory.mktemp("views"), ring=finished_ring, digits=finished_digits)) as opened:
        yield opened


def pictured(page: Any, selector: str) -> str:
    """What is drawn on a canvas."""
    return str(page.evaluate("s => document.querySelector(s).toDataURL()", selector))


def test_a_training_outlives_the_server_and_the_page_finds_it_again(
    page: Any, errors: list[str], tmp_path: Path, long_ring: Path
) -> None:
    lab = open_lab(tmp_path)
    try:
        show(page, lab, "#runs")
        page.get_by_role("link", name="New training").first.click()
        page.get_by_text("Ring of eight").click()
        page.get_by_label("Unit of the length").select_option("kimg")
        page.get_by_label("Length", exact=True).fill(str(LONG_KIMG))
        page.get_by_label("Name").fill("mine")
        page.get_by_text("Change single values").click()
        page.locator("#more").fill("\n".join(f"{key} = {value}" for key, value in LONG.items()))
        page.get_by_role("button", name="Start the training").click()
        page.wait_for_url("**/*#runs/mine")
        page.wait_for_selector(".badge[data-state=running]")
        run = RunFolder(tmp_path / "runs" / "mine")
        until(lambda: run.images_seen() > 0)
        pid = holder(run)

        lab.kill()
        page.get_by_text(say("lab.lost", "en")).wait_for(state="visible")
        seen = run.images_seen()
        until(lambda: run.images_seen() > seen)
        assert holder(run) == pid  # it trains on, the same process

        lab = open_lab(tmp_path, port=lab.port)
        page.get_by_text(say("lab.lost", "en")).wait_for(state="hidden")  # the page came back by itself
        page.wait_for_selector(".badge[data-state=running]")
        before = page.locator(".run-far").inner_text()
        page.wait_for_function("before => document.querySelector('.run-far').innerText !== before", arg=before)
        page.wait_for_selector(".badge[data-state=finished]")
        assert_same_runs(run.path, long_ring)
        until(lambda: holder(run) is None)
        shown = page.evaluate("document.querySelector('.tug').dataset.share")
        last = run.stats()[-1]
        assert float(shown) == (last["real_right"]["mean"] + last["fake_right"]["mean"]) / 2
        assert all("net::ERR_" in one for one in errors), errors
        page.goto("about:blank")  # before its server goes again
        errors.clear()
    finally:
        lab.end()


def test_stopped_and_continued_by_its_buttons(page: Any, lab: RunningLab, long_ring: Path) -> None:
    lab.json("runs", {"data": "ring", "kimg": LONG_KIMG, "overrides": LONG, "name": "paused"}, expect=201)
    show(page, lab, "#runs", "es")
    card = page.locator("[data-run=paused]")
    card.locator(".badge[data-state=running]").wait_for()
    run = RunFolder(lab.folder / "runs" / "paused")
    until(lambda: run.images_seen() > 0)
    card.get_by_role("button", name="Detener").click()
    card.locator(".badge[data-state=interrupted]").wait_for()
    assert holder(run) is None
    card.get_by_role("button", name="Continuar").click()
    card.locator(".badge[data-state=running]").wait_for()
    card.locator(".badge[data-state=finished]").wait_for()
    assert_same_runs(run.path, long_ring)


def test_own_images_are_looked_at_before_anything_is_trained_on_them(page: Any, lab: RunningLab, errors: list[str]) -> None:
    gratings(lab.folder / "fotos" / "rayas", 60, (16, 16), colour=True)
    show(page, lab, "#runs/:new")
    start = page.get_by_role("button", name="Start the training")
    assert start.is_enabled()  # digits need no look
    page.get_by_text("Images of my own").click()
    assert start.is_disabled()
    page.locator(".folder", has_text=str(lab.folder)).click()
    page.locator(".folder", has_text="fotos").click()
    page.locator(".folder", has_text="rayas").click()
    page.get_by_role("button", name="Take this folder (60 images)").click()
    sheet = page.locator("img.sheet")
    sheet.wait_for()
    page.wait_for_function("document.querySelector('img.sheet').naturalWidth > 0")
    text = page.locator(".inspected").inner_text()
    assert "60 images in" in text
    assert say("warn.few", "en", n=46) in text or re.search(r"\d+ training images are few", text)
    assert start.is_enabled()
    page.get_by_label("Size in pixels").fill("8")
    page.get_by_label("Size in pixels").press("Tab")
    page.get_by_text("used as 8 x 8 pixels").wait_for()
    page.get_by_label("Unit of the length").select_option("kimg")
    page.get_by_label("Length", exact=True).fill("0.2")
    page.get_by_label("Name").fill("rayas")
    start.click()
    page.wait_for_selector(".badge[data-state=finished]")
    assert RunFolder(lab.folder / "runs" / "rayas").recipe().shape == (3, 8, 8)  # as it was looked at
    show(page, lab, "#runs/:new")
    page.get_by_text("Images of my own").click()
    page.get_by_label("A folder, or").fill("/etc")
    page.get_by_label("A folder, or").press("Enter")
    page.get_by_text("/etc is not in a folder that the lab may read").wait_for()
    assert page.get_by_role("button", name="Start the training").is_disabled()
    path, look = page.get_by_label("A folder, or"), page.get_by_role("button", name="Look at the data")
    path.fill(str(lab.folder / "fotos" / "rayas"))
    look.last.click()  # the second step's button takes what the field names
    page.locator("img.sheet").wait_for()
    assert start.is_enabled()
    page.get_by_label("Length", exact=True).fill("")
    start.click()
    page.get_by_text(say("lab.runs.no_length", "en")).wait_for()
    path.press("End")
    path.type("2")  # not the folder that was looked at
    assert start.is_disabled()
    assert page.locator("img.sheet").count() == 0
    assert len(errors) == 1  # the browser's own note of the 403
    assert "403" in errors.pop()


def test_two_runs_side_by_side(page: Any, lab: RunningLab) -> None:
    show(page, lab, "#runs")
    assert page.get_by_role("button", name="Compare").is_disabled()
    for name in ("ring", "digits"):
        page.locator(f"[data-run={name}]").get_by_role("checkbox").check()
    page.get_by_role("button", name="Compare 2").click()
    page.locator("table.compared").first.wait_for()
    runs = compare.read([RunFolder(lab.folder / "runs" / name) for name in ("ring", "digits")])
    text = page.locator("table.compared").first.inner_text()
    with speaking("en"):
        for run in runs:
            for _, value in compare.figures(run):
                assert value in text
        for key, values in compare.warnings(runs):
            assert page.get_by_text(say(key, None, **values)).is_visible()
    assert page.locator(".uplot").count() == 2


def test_a_report_opens_in_a_sandbox_and_works_there(page: Any, lab: RunningLab, browser: Any) -> None:
    show(page, lab, "#runs")
    with page.context.expect_page() as opened:
        page.locator("[data-run=ring]").get_by_role("link", name="Report").click()
    report = opened.value
    report.get_by_role("button", name="Español").click()
    assert report.get_by_text(LANGUAGES["es"]["report.lead"]).is_visible()
    assert report.evaluate("self.origin") == "null"  # it belongs to no site
    refused = report.evaluate("u => fetch(u).then(() => 'answered', () => 'refused')", f"{lab.url}api/runs")
    assert refused == "refused"
    report.close()


def test_exploring_digits(page: Any, lab: RunningLab, tmp_path: Path) -> None:
    show(page, lab, "#explore")
    page.get_by_role("link", name=re.compile("^digits")).click()
    page.locator(".neighbour-list figcaption").nth(5).wait_for()
    before, board = pictured(page, ".closeup-picture canvas"), pictured(page, ".map-card canvas")
    slider = page.get_by_label("Direction 1", exact=True)
    slider.focus()
    for _ in range(20):
        slider.press("ArrowRight")
    changed = "([selector, old]) => document.querySelector(selector).toDataURL() !== old"
    page.wait_for_function(changed, arg=[".closeup-picture canvas", before])
    page.wait_for_function(changed, arg=[".map-card canvas", board])
    page.get_by_role("button", name="Back to the sample").click()
    same = "([selector, wanted]) => document.querySelector(selector).toDataURL() === wanted"
    page.wait_for_function(same, arg=[".closeup-picture canvas", before])

    # click a sample: its neighbours and the discriminator's opinion, the library's own numbers
    wall = page.locator(".wall-card canvas")
    box = wall.bounding_box()
    wall.click(position={"x": box["width"] * 2.5 / 6, "y": box["height"] * 1.5 / 6})
    run = str(lab.folder / "runs" / "digits")
    meta, _ = unpack(explorer.neighbours(lambda what: None, run, False, Spot(seed=0, index=8)))
    distances = "[...document.querySelectorAll('.neighbour-list figcaption')].map(e => +e.dataset.distance).join()"
    page.wait_for_function(f"wanted => {distances} === wanted.join()", arg=[*meta["train"], *meta["heldout"]])
    said = page.locator(".opinion .figure")
    assert float(said.get_attribute("data-logit")) == pytest.approx(meta["opinion"]["logit"], abs=1e-6)
    assert said.inner_text() == say(f"lab.explore.taken.{meta['opinion']['taken_for']}", "en")

    # a click in the map goes there; the way's ends are what was chosen
    here = pictured(page, ".closeup-picture canvas")
    chart = page.locator(".map-card canvas")
    box = chart.bounding_box()
    chart.click(position={"x": 5, "y": 5})
    page.wait_for_function(changed, arg=[".closeup-picture canvas", here])
    assert page.get_by_label("Direction 1", exact=True).input_value() == "-2"
    page.get_by_role("button", name="End at the chosen one").click()
    chosen = pictured(page, ".closeup-picture canvas")
    page.wait_for_function(same, arg=[".way-step:last-child canvas", chosen])
    assert page.locator(".way-step").count() == 9

    with page.expect_download() as download:
        page.locator("[data-download=png]").click()
    result = duelo("sample", run, "-n", 100, "--seed", 0, "--out", tmp_path / "wanted.png", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert Path(download.value.path()).read_bytes() == (tmp_path / "wanted.png").read_bytes()

    page.get_by_label("Seed").fill("7")
    page.get_by_label("Seed").press("Tab")
    page.wait_for_function("() => document.querySelector('[data-download=npz]').href.includes('seed=7')")
    page.get_by_role("button", name="Español").click()
    page.get_by_text(LANGUAGES["es"]["lab.explore.says"]).wait_for()
    assert page.url.endswith("#explore/digits")


def test_exploring_points(page: Any, lab: RunningLab) -> None:
    show(page, lab, "#explore/ring")
    page.locator(".neighbour-list figcaption").nth(5).wait_for()
    before, place = pictured(page, "canvas.plane"), page.locator(".closeup-picture").inner_text()
    page.locator("canvas.plane").press("ArrowRight")
    page.wait_for_function("old => document.querySelector('.closeup-picture').innerText !== old", arg=place)
    page.wait_for_function("old => document.querySelector('canvas.plane').toDataURL() !== old", arg=before)
    assert page.get_by_label("Direction 2", exact=True).is_visible()
    assert page.get_by_label("Direction 3", exact=True).count() == 0


UNNAMED = """[...document.querySelectorAll('main :is(button, a, input, select, textarea)')].filter(e => e.checkVisibility()
    && !e.closest('[aria-hidden=true]') && !(e.innerText || e.getAttribute('aria-label') || e.labels?.length))
    .map(e => e.outerHTML)"""


@pytest.mark.parametrize("width", [360, 3840])
@pytest.mark.parametrize("lang", ["en", "es"])
def test_every_view_fits_and_speaks_one_language(page: Any, lab: RunningLab, width: int, lang: str) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    ready = {
        "#runs": "[data-run=digits] .badge",
        "#runs/digits": ".grid-picture",
        "#runs/:new": ".step",
        "#runs/:compare/ring/digits": "table.compared",
        "#explore": ".run-option",
        "#explore/digits": ".neighbour-list figcaption",
        "#explore/ring": ".neighbour-list figcaption",
    }
    for hash_, selector in ready.items():
        show(page, lab, hash_, lang)
        page.locator(selector).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{hash_} scrolls sideways"
        text = page.locator("main").inner_text()
        assert not re.findall(r"\blab\.[a-z_]+\.", text), f"{hash_}: a sentence is missing"
        assert not re.findall(r"\{\w+\}", text), f"{hash_}: a place was not filled"
        assert page.evaluate(UNNAMED) == []

"""Details of the lab's page that went wrong once: what is seen of it, what it says of refusals, how it writes numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from labs import RunningLab, overheard, running, show, until

from duelo.lab.lesson import CHAPTERS
from duelo.words import LANGUAGES, say


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with running(tmp_path_factory.mktemp("details")) as opened:
        opened.json("live", {"data": "ring", "play": False})
        yield opened


@pytest.fixture
def page(browser: Any, errors: list[str], request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page on which requests may be refused, as wide as the parameter says."""
    with overheard(browser, errors, getattr(request, "param", 1280), 900) as opened:
        yield opened


BOX = "s => { const b = document.querySelector(s).getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; }"


def box(page: Any, selector: str) -> list[float]:
    """Left, top, right and bottom of an element in the window."""
    place: list[float] = page.evaluate(BOX, selector)
    return place


@pytest.mark.parametrize("page", [360], indirect=True)
def test_a_lesson_whose_chapters_are_done_does_not_scroll_sideways(page: Any, lab: RunningLab, errors: list[str]) -> None:
    page.add_init_script(f"localStorage.setItem('duelo.lesson', {json.dumps(json.dumps(list(CHAPTERS)))})")
    show(page, lab, "#lesson/networks")
    page.wait_for_selector(".lesson-steps .done")
    assert page.locator(".lesson-steps .done").count() == len(CHAPTERS)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert errors == []


@pytest.mark.parametrize("page", [360, 1280], indirect=True)
def test_drawing_shows_its_tools_outlives_the_language_and_ends_with_escape(
    page: Any, lab: RunningLab, errors: list[str]
) -> None:
    tools, begin = page.locator(".game-stage > .cluster"), page.get_by_role("button", name=say("lab.draw.begin", "en"))
    show(page, lab, "#watch")
    page.wait_for_selector("[data-frame]")
    begin.click()
    assert box(page, ".game-stage > .cluster")[1] >= box(page, ".top")[3]  # not under the page's head
    assert box(page, ".game-stage > .cluster")[3] < box(page, ".stage-canvas")[1] < 450
    page.get_by_role("button", name=say("lab.draw.spiral", "en")).click()
    page.get_by_text("2,000 points").wait_for()
    page.get_by_role("button", name="Español").click()
    page.get_by_text("2000 puntos").wait_for()
    page.keyboard.press("Escape")
    assert not tools.is_visible()
    page.get_by_role("button", name="English").click()
    begin.wait_for()
    assert not tools.is_visible()
    begin.click()
    page.get_by_text(say("lab.draw.hint", "en")).wait_for()  # a new one
    page.keyboard.press("Escape")
    assert errors == []


def test_what_is_refused_is_not_shown_as_if_it_held(page: Any, lab: RunningLab, errors: list[str]) -> None:
    lab.json("live", {"data": "ring", "play": False, "generator_steps": 0})
    show(page, lab, "#watch")
    steps, seed = page.locator("#set-discriminator_steps"), page.locator("#set-seed")
    steps.focus()
    page.keyboard.press("Home")
    page.get_by_text(say("lab.live.turns", "en")).wait_for()
    page.wait_for_function("() => document.querySelector('#set-discriminator_steps').value === '1'")
    assert page.locator("output[for=set-discriminator_steps]").inner_text() == "1"
    seed.fill("-5")
    seed.press("Tab")
    page.get_by_text("Seed is not valid: it must be a whole number from 0 to 2,147,483,647.").wait_for()
    assert seed.input_value() == "0"
    lab.json("live", {"data": "ring", "play": False})
    assert len(errors) == 1  # the browser's own note of the refusal
    assert "400" in errors[0] or "422" in errors[0]


def test_stage_and_controls_are_on_one_screen(page: Any, lab: RunningLab) -> None:
    for lang in LANGUAGES:
        show(page, lab, "#watch", lang)
        page.wait_for_selector("[data-frame]")
        for selector in (".tug", ".transport", ".stage-canvas", ".stage-key", "#set-data", "#set-generator_steps"):
            assert box(page, selector)[3] <= 900, (lang, selector)
        assert page.locator(".stage-canvas").bounding_box()["width"] > 380


def test_a_curve_of_the_lesson_is_large_enough_and_says_that_it_is_empty(page: Any, lab: RunningLab) -> None:
    show(page, lab, "#lesson/expert")
    chart = page.locator(".lesson-stage .chart-body")
    chart.wait_for()
    assert chart.bounding_box()["width"] >= 200
    assert chart.bounding_box()["height"] >= 180
    assert chart.inner_text() == say("lab.curves.none", "en")
    held: list[Any] = []
    page.route("**/api/live?*", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    page.locator("#setup").click()
    page.locator(".veil").get_by_text(say("lab.stage.waiting", "en")).wait_for()  # not yet what is on the stage
    until(lambda: page.wait_for_timeout(50) or held)
    held[0].continue_()
    page.wait_for_selector(".veil", state="hidden")
    page.wait_for_selector(".chart-none", state="hidden")
    lab.json("live", {"data": "ring", "play": False})


def test_the_curves_are_still_there_when_the_page_comes_back(page: Any, lab: RunningLab) -> None:
    lab.json("live", {"data": "ring", "play": False})
    for _ in range(3):
        lab.json("live/do", {"action": "step"})
    show(page, lab, "#watch")
    spanish = page.get_by_role("button", name="Español")
    for come_back, lang in ((lambda: None, "en"), (spanish.click, "es"), (page.reload, "es")):
        come_back()
        page.wait_for_selector(f"html[data-ready][lang={lang}] [data-frame]")
        page.wait_for_function("() => document.querySelectorAll('.chart-none[hidden]').length === 4")  # all that is known


NUMBERS = {
    "en": ["0.00088", "8.8 × 10⁻⁵", "10⁻⁶", "−0.5", "1.39", "53 %", "1,234", "135,168"],
    "es": ["0.00088", "8.8 × 10⁻⁵", "10⁻⁶", "−0.5", "1.39", "53 %", "1234", "135 168"],
}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_numbers_are_written_as_the_language_has_them(page: Any, lab: RunningLab, lang: str) -> None:
    show(page, lab, "#watch")
    texts = page.evaluate(
        """async (lang) => { const f = (await import('/static/format.js')).makeFormat(lang, (key) => key);
        return [...[8.8e-4, 8.8e-5, 1e-6, -0.5, 1.386].map((x) => f.number(x)), f.percent(0.534), f.count(1234),
          f.count(135168)]; }""",
        lang,
    )
    assert [text.replace("\u202f", " ").replace("\u00a0", " ") for text in texts] == NUMBERS[lang]


def test_distances_to_neighbours_have_one_unit(page: Any, lab: RunningLab) -> None:
    show(page, lab, "#watch")
    text = page.evaluate(
        """async () => { const [images, numbers] = await Promise.all(
          ['images', 'format'].map((name) => import(`/static/${name}.js`)));
        const t = (key, values = {}) => `${key} ${values.distance ?? ''}`;
        const quiet = () => () => {};
        const context = { t, format: numbers.makeFormat('en', t), announce: quiet, onLeave: quiet, onTheme: quiet };
        const stage = images.imageStage(context);
        const one = { data: new Uint8Array(64), shape: [1, 8, 8, 1] };
        const distances = { data: [510, 1020] }; // grey levels, as the live game tells them
        const nearest = { sought: one, nearest: one, nearest_heldout: one, distances };
        stage.show({ frame: { arrays: { fakes: one, logits: { data: [0] }, ...nearest } } });
        stage.grids.fakes.pick(0);
        return stage.element.querySelector('.closeup').textContent; }"""
    )
    assert "lab.images.nearest 2lab" in text  # of the full range, as where a run is explored
    assert "lab.images.nearest_heldout 4" in text


def test_what_moves_ten_times_a_second_moves_at_once(page: Any, lab: RunningLab) -> None:
    show(page, lab, "#watch")
    for selector in (".tug > i", ".tug > b", ".track > b"):
        assert page.evaluate("s => getComputedStyle(document.querySelector(s)).transitionDuration", selector) == "0s"


def test_running_means(page: Any, lab: RunningLab) -> None:
    show(page, lab, "#watch")
    values = [float(value) for value in np.random.default_rng(0).uniform(0.1, 9, 60)]
    ask = """async ([values, log]) => (await import('/static/charts.js')).running(values, log)"""
    last = [slice(max(0, i - 4), i + 1) for i in range(60)]  # a twelfth of 60 is 5
    assert page.evaluate(ask, [values, False]) == pytest.approx([np.mean(values[part]) for part in last])
    logs = [np.exp(np.mean(np.log(values[part]))) for part in last]
    assert page.evaluate(ask, [values, True]) == pytest.approx(logs)
    assert page.evaluate(ask, [[None, 2, None, 4], False]) == [None, 2, None, 4]


def test_an_address_that_is_not_well_formed_opens_a_view(page: Any, lab: RunningLab, errors: list[str]) -> None:
    for hash_ in ("#watch/%", "#lesson/%E0%A4%A"):
        show(page, lab, hash_)
        page.wait_for_selector("main .referee")
    assert errors == []

"""The page as a person meets it: a real browser, a real server, networks that really learn."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from labs import RunningLab, latest, running, show, until
from PIL import Image
from torch.nn import functional as F

from duelo.lab.lesson import CHAPTERS
from duelo.words import LANGUAGES

STATIC = Path(__file__).parents[1] / "src/duelo/lab/static"
VIEWS = ("watch", "lesson", "explore", "runs")
PATIENCE = 240_000  # milliseconds for a chapter: others may use the machine too


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with running(tmp_path_factory.mktemp("page")) as opened:
        yield opened


def word(key: str, lang: str = "en") -> str:
    return LANGUAGES[lang][key]


def drawn(page: Any, selector: str) -> np.ndarray:
    """What is drawn on a canvas, as grey levels [n] from 0 to 255."""
    url = page.evaluate("s => document.querySelector(s).toDataURL()", selector)
    picture = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    grey, alpha = np.asarray(picture.convert("LA")).astype(float).transpose(2, 0, 1)
    return np.asarray(grey[alpha == 255])


# --- the files


def test_all_of_it_weighs_less_than_500_kb_and_what_is_vendored_is_what_it_says() -> None:
    files = [file for file in STATIC.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 500_000
    listed = re.findall(
        r"\| uPlot \| 1\.6\.32 \| MIT \| (\S+) \| ([0-9a-f]{64}) \|", (STATIC / "vendor/README.md").read_text()
    )
    vendored = {str(file.relative_to(STATIC / "vendor")) for file in (STATIC / "vendor").rglob("*") if file.is_file()}
    assert {name for name, _ in listed} == vendored - {"README.md"}
    for name, digest in listed:
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == digest, name


def test_no_file_asks_another_place_for_anything_and_none_is_too_long() -> None:
    for file in STATIC.glob("*.*"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"(?:src|href|url|import|fetch)\W{1,3}https?:", text), file.name
        assert len(text.splitlines()) <= 400, file.name


def test_no_chapter_lacks_words() -> None:
    for chapter in CHAPTERS:
        names = ["kicker", "title", "lead", "text1", "text2", "setup", "look1", "look2", "look3", "point", "shows"]
        names += ["value"] if CHAPTERS[chapter] else []
        for name in names:
            assert f"lab.lesson.{chapter}.{name}" in LANGUAGES["es"], (chapter, name)


# --- the frame


def test_the_first_view_is_there_within_a_second(page: Any, lab: RunningLab) -> None:
    took = []
    for _ in range(3):
        page.goto("about:blank")  # or the same page would only be told its hash again
        show(page, lab, "#watch")
        page.wait_for_selector(".referee .tug")
        took.append(page.evaluate("performance.getEntriesByName('ready').at(-1).startTime"))
        seen = page.evaluate("document.querySelector('.transport .play').getBoundingClientRect().height > 20")
        assert seen
    assert min(took) < 1000, took


@pytest.mark.parametrize("page", [360, 1280, 3840], indirect=True)
@pytest.mark.parametrize("lang", ["en", "es"])
def test_every_view_fits_and_every_control_has_a_name(page: Any, lab: RunningLab, lang: str) -> None:
    for hash_ in (*VIEWS, "lesson/strides", "lesson/expert"):
        show(page, lab, f"#{hash_}", lang)
        page.wait_for_selector("main h1, main h2, main .empty, main .notice")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{hash_} scrolls sideways"
        assert page.evaluate("document.documentElement.lang") == lang
        text = page.inner_text("body")
        assert not re.search(r"\blab\.[a-z_]+\.[a-z_]", text), "a key without words"
        assert not re.search(r"\{\w+\}|undefined|NaN", text)
        nameless = page.evaluate(
            """[...document.querySelectorAll("button, input, select, a, canvas[role=img], [role=img]")]
            .filter((e) => e.checkVisibility() && !e.getAttribute("aria-label") && !e.textContent.trim()
              && !e.title && !(e.labels && e.labels.length)).map((e) => e.outerHTML.slice(0, 120))"""
        )
        assert nameless == [], hash_


def test_the_language_changes_and_the_view_stays(page: Any, lab: RunningLab) -> None:
    show(page, lab, "#lesson/strides")
    for name, here, away in (("Español", "es", "en"), ("English", "en", "es")):
        page.get_by_role("button", name=name).click()
        page.wait_for_selector(f"html[lang={here}]")
        page.get_by_role("heading", name=word("lab.lesson.strides.title", here), exact=True).wait_for()
        assert page.url.endswith("#lesson/strides")
        assert page.get_by_text(word("lab.lesson.strides.lead", away)).count() == 0
    page.goto(lab.url)  # it is remembered
    page.wait_for_selector("html[lang=en]")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_are_legible_in_both_themes(page: Any, lab: RunningLab, theme: str) -> None:
    show(page, lab, "#watch")
    if theme == "dark":
        page.get_by_role("button", name=word("lab.theme.dark")).click()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == theme
    page.reload()  # it is remembered
    page.wait_for_selector("html[data-ready]")
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    pairs = [(ink, paper) for ink in ("ink", "ink-2", "ink-3", "g", "d") for paper in ("paper", "card")]
    pairs += [
        ("ink-2", "well"),
        ("ink-3", "well"),
        ("on-d", "d-fill"),
        ("on-g", "g-fill"),
        ("paper", "ink"),
        ("paper", "ink-2"),
    ]
    pairs += [("good", "good-soft"), ("bad", "bad-soft"), ("bad", "card"), ("d", "d-soft"), ("g", "g-soft")]
    names = sorted({name for pair in pairs for name in pair})
    channels = page.evaluate(
        "async (names) => { const t = await import('/static/theme.js'); return names.map((n) => t.channels(n)); }", names
    )
    light = {name: luminance(rgb) for name, rgb in zip(names, channels, strict=True)}
    for ink, paper in pairs:
        dark, bright = sorted((light[ink], light[paper]))
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, (theme, ink, paper)


def luminance(rgb: list[float]) -> float:
    """WCAG 2.2, relative luminance."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in rgb)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# --- watching


def test_turns_of_d_alone_make_d_win_and_leave_g_where_it_is(page: Any, lab: RunningLab) -> None:
    lab.json("live", {"data": "ring", "play": False})
    show(page, lab, "#watch")
    page.wait_for_selector("[data-frame]")
    before = int(page.evaluate("document.querySelector('[data-frame]').dataset.frame"))
    fakes, batch = points(lab), latest(lab)["settings"]["batch"]
    share = "() => Number(document.querySelector('.tug').dataset.share)"
    page.keyboard.press("d")
    page.wait_for_function("before => Number(document.querySelector('[data-frame]').dataset.frame) > before", arg=before)
    assert page.evaluate(share) < 0.9
    for turn in range(2, 200):
        page.keyboard.press("d")
        until(lambda turn=turn: latest(lab)["nimg"] == turn * batch, every=0.02)  # type: ignore[misc]
        # in one look, since the page may be a turn behind, and the next may say something else again
        won = page.evaluate(f"() => [({share})(), document.querySelector('.referee-verdict').innerText]")
        if won[0] > 0.95 and won[1].startswith(word("lab.verdict.crushing")):
            break
    else:
        raise AssertionError(f"after 200 turns of D alone: {won}")
    assert np.array_equal(points(lab), fakes)
    page.keyboard.press("g")
    until(lambda: not np.array_equal(points(lab), fakes))


SAID = """async (live) => {
  const { findings } = await import("/static/findings.js");
  const said = findings({ t: (key) => key, format: {}, lang: "en" });
  said.show({ findings: [], duel: {}, tick: null, settings: {}, ...live });
  return said.element.querySelector(".findings").innerText;
}"""


def test_no_alarm_is_not_said_beside_what_looks_bad(page: Any, lab: RunningLab) -> None:
    show(page, lab, "#watch")
    fine = {"verdict": "ahead", "tick": {"judgement": {"modes": 7, "k": 8}}}
    assert page.evaluate(SAID, fine) == "lab.findings.none"
    few = {"tick": {"judgement": {"modes": 4, "k": 8}}}
    for bad in ({"verdict": "crushing"}, {"verdict": "behind"}, few):
        assert page.evaluate(SAID, fine | bad) == "lab.findings.quiet", bad
    assert page.evaluate(SAID, {"duel": None}) == "lab.findings.waiting"


def points(lab: RunningLab) -> np.ndarray:
    """The generated points, as the server has them."""
    from duelo.lab.wire import unpack

    status, message = lab.ask("live/frame?after=-1")
    assert status == 200
    fakes = unpack(message)[1]["fake"]
    return np.frombuffer(fakes.data, np.float32).reshape(fakes.shape)


def test_the_bars_numbers_are_the_librarys_and_keys_play_and_pause(page: Any, lab: RunningLab) -> None:
    lab.json("live", {"data": "ring", "play": False})
    show(page, lab, "#watch")
    page.wait_for_selector("[data-frame]")
    page.keyboard.press(" ")
    page.wait_for_selector(".play[data-state=playing]")
    page.wait_for_function("() => document.querySelectorAll('.chart-body canvas').length === 4")
    until(lambda: latest(lab)["nimg"] > 12_000)  # the referee looks every 10,000
    page.locator("#set-objective").focus()
    page.keyboard.press("d")  # within a control a key means what it always means
    assert latest(lab)["state"] == "playing"
    page.locator("h1").first.evaluate("e => document.activeElement.blur()")
    page.keyboard.press(" ")
    page.wait_for_selector(".play[data-state=paused]")
    tick = latest(lab)["latest"]["tick"]
    share = (tick["real_right"] + tick["fake_right"]) / 2
    page.wait_for_function("share => Number(document.querySelector('.tug').dataset.share) === share", arg=share)
    values = page.evaluate(
        "[...document.querySelectorAll('.referee-row .value[data-share]')].map((e) => Number(e.dataset.share))"
    )
    assert values == [tick["real_right"], tick["referee_right"], tick["fake_right"]]


def test_what_is_changed_is_changed_in_the_game_and_on_every_page(browser: Any, page: Any, lab: RunningLab) -> None:
    lab.json("live", {"data": "ring", "play": False})
    show(page, lab, "#watch")
    other = browser.new_page()
    show(other, lab, "#watch", "es")
    for each in (page, other):
        each.wait_for_selector("#set-objective")
    page.locator("#set-objective").select_option("hinge")
    other.wait_for_function("() => document.querySelector('#set-objective').value === 'hinge'")
    page.locator("#set-discriminator_rate").focus()
    page.keyboard.press("Home")
    until(lambda: latest(lab)["settings"]["discriminator_rate"] == 1e-6)
    other.wait_for_function("() => document.querySelector('#set-discriminator_rate').value === '0'")
    assert latest(lab)["settings"]["objective"] == "hinge"
    other.close()


def test_a_distribution_that_is_drawn_becomes_the_data(page: Any, lab: RunningLab) -> None:
    lab.json("live", {"data": "ring", "play": False})
    show(page, lab, "#watch")
    page.wait_for_selector("[data-frame]")
    page.get_by_role("button", name=word("lab.draw.begin")).click()
    page.evaluate("document.querySelector('.stage-canvas').scrollIntoView({block: 'center'})")
    box = page.locator(".stage-canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.25)
    page.mouse.down()
    for i in range(30):
        page.mouse.move(box["x"] + box["width"] * (0.25 + i / 150), box["y"] + box["height"] * 0.25)
    page.mouse.up()
    page.get_by_role("button", name=word("lab.draw.use"), exact=True).click()
    until(lambda: latest(lab)["settings"]["data"] == "drawn")
    page.wait_for_function("() => document.querySelector('#set-data').value === 'drawn'")
    real = page.evaluate(
        """async () => { const { decode } = await import('/static/wire.js');
        const { meta, arrays } = decode(await (await fetch('/api/live/frame?after=-1')).arrayBuffer());
        return { reach: meta.extent, real: [...arrays.real.data] }; }"""
    )
    places = np.asarray(real["real"]).reshape(-1, 2) / real["reach"]
    middle = places.mean(0)
    assert middle[0] < -0.15  # left and above, as it was drawn
    assert middle[1] > 0.3
    assert np.median(np.abs(places[:, 1] - middle[1])) < 0.1  # and flat


def test_digits_go_from_noise_to_strokes_within_a_minute(page: Any, lab: RunningLab) -> None:
    lab.json("live", {"data": "digits", "play": False})
    show(page, lab, "#watch")
    canvas = ".image-pane:first-child canvas"
    page.wait_for_selector(canvas)
    page.wait_for_function("s => document.querySelector(s).width > 100", arg=canvas)
    _, bright = strokes(drawn(page, canvas))
    assert bright < 0.05  # grey noise: nothing is white
    page.locator("h1").first.evaluate("e => document.activeElement.blur()")
    page.keyboard.press(" ")

    def written() -> bool:
        dark, bright = strokes(drawn(page, canvas))
        return dark > 0.5 and 0.05 < bright < 0.35

    until(written, seconds=60, every=1)
    lab.json("live/do", {"action": "pause"})


def strokes(grey: np.ndarray) -> tuple[float, float]:
    """The shares of dark and of bright pixels: a digit is bright strokes on a dark ground."""
    return float((grey < 60).mean()), float((grey > 190).mean())


# --- the lesson


@pytest.mark.parametrize("chapter", ["networks", "expert", "equilibrium", "collapse", "vae", "actor_critic", "copying"])
def test_each_chapter_comes_to_its_point(page: Any, lab: RunningLab, chapter: str) -> None:
    show(page, lab, f"#lesson/{chapter}")
    page.locator("#setup").click()
    page.wait_for_selector(".experiment .veil", state="hidden")
    assert page.locator(".point").get_attribute("data-reached") == "false"
    if chapter not in ("copying", "vae"):  # these are as fast as they can be
        speed = page.locator("#speed")
        speed.focus()
        page.keyboard.press("End")
    page.wait_for_selector(".point[data-reached=true]", timeout=PATIENCE)
    assert page.locator(".point h3").inner_text() == word("lab.lesson.reached")
    assert page.locator(".lesson-steps [aria-current].done").count() == 1
    if chapter == "equilibrium":  # a toy's points reach all eight modes, live
        assert page.locator(".pips i.on").count() == 8
    if chapter == "copying":
        assert page.locator(".image-pane:visible h3").nth(1).inner_text() == word("lab.images.nearest_title")
    if chapter == "vae":
        assert page.locator(".image-pane:visible").count() == 3
    lab.json("live/do", {"action": "pause"})
    page.reload()  # what was reached is remembered
    page.wait_for_selector(".lesson-steps .done")


def test_the_chapter_on_strides_is_followed_to_its_end(page: Any, lab: RunningLab) -> None:
    show(page, lab, "#lesson/strides")
    step = page.locator("[data-step]")
    for i in range(16):
        step.click()
        assert page.locator(".strides").get_attribute("data-at") == str(i + 1)
    assert page.locator(".point").get_attribute("data-reached") == "false"
    page.locator("[data-value=convolution]").click()
    page.get_by_role("button", name=word("lab.strides.all")).click()
    page.wait_for_selector(".point[data-reached=true]")


@pytest.mark.parametrize(("side", "kernel", "stride", "padding"), [
    (4, 2, 2, 0), (4, 3, 2, 1), (4, 4, 2, 1), (5, 3, 1, 0), (4, 2, 3, 0), (6, 4, 3, 2), (8, 4, 2, 0), (3, 3, 3, 0),
])  # fmt: skip
def test_its_numbers_are_torchs(page: Any, lab: RunningLab, side: int, kernel: int, stride: int, padding: int) -> None:
    chance = torch.Generator().manual_seed(side * 100 + kernel * 10 + stride)
    image, weights = (torch.randn(n, n, generator=chance, dtype=torch.float64) for n in (side, kernel))
    show(page, lab, "#lesson/strides")
    ours = page.evaluate(
        """async ([image, weights, stride, padding]) => { const c = await import('/static/convolution.js');
        return { read: c.convolve(image, weights, stride, padding), painted: c.transposed(image, weights, stride, padding),
          layers: c.layers(image.length, weights.length, stride, padding) }; }""",
        [image.tolist(), weights.tolist(), stride, padding],
    )
    one, w = image[None, None], weights[None, None]
    options = {"stride": stride, "padding": padding}
    expected = {
        "read": F.conv2d(one, w, **options),
        "painted": F.conv_transpose2d(one, w, **options),
        "layers": F.conv_transpose2d(torch.ones_like(one), torch.ones_like(w), **options),
    }
    for name, values in expected.items():
        torch.testing.assert_close(torch.tensor(ours[name], dtype=torch.float64), values[0, 0])

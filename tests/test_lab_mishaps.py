"""The lab where things go wrong or come at once: a process that dies, two wishes, names that cannot be said."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import gratings
from labs import RunningLab, latest, running, show, until, with_runs
from livegames import SMALL, ring
from PIL import Image

from duelo.lab.doors import Doors, Refused
from duelo.lab.errands import Errands
from duelo.lab.lesson import chapter_settings
from duelo.lab.live import Live
from duelo.lab.settings import changed, choices, defaults
from duelo.lab.trainings import speakable
from duelo.lab.wire import unpack
from duelo.lab.worker import Worker
from duelo.words import say


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, finished_digits: Path, conditional: Path) -> Iterator[RunningLab]:
    folder = with_runs(tmp_path_factory.mktemp("mishaps"), digits=finished_digits, classes=conditional)
    with running(folder) as opened:
        yield opened


def live_process(lab: RunningLab) -> int:
    """The process that holds the live game, the server's only child so far but for the one that cleans up after it."""
    children = Path(f"/proc/{lab.process.pid}/task/{lab.process.pid}/children")
    if not children.exists():
        pytest.skip("this system does not list the children of a process in /proc")
    listed = [int(pid) for pid in children.read_text().split()]
    (found,) = [pid for pid in listed if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return found


def test_a_stage_goes_on_when_the_process_of_the_game_was_killed(lab: RunningLab, page: Any) -> None:
    """What the operating system does where memory runs out."""
    lab.json("live", {**SMALL, "data": "ring", "play": True})
    show(page, lab, "#watch")
    page.wait_for_function("() => Number(document.querySelector('[data-frame]')?.dataset.frame) > 20")
    os.kill(live_process(lab), signal.SIGKILL)
    page.get_by_text(say("lab.live.lost", "en")).first.wait_for()
    before = page.evaluate("Number(document.querySelector('[data-frame]').dataset.frame)")
    page.locator(".play").click()  # a new game with the same settings
    page.wait_for_selector(".play[data-state=playing]")
    page.wait_for_function("before => Number(document.querySelector('[data-frame]').dataset.frame) > before + 5", arg=before)
    assert lab.json("live")["settings"]["width"] == SMALL["width"]


def test_two_wishes_at_once_are_both_granted(lab: RunningLab) -> None:
    """Each makes new networks: neither may undo the other."""
    lab.json("live", {**SMALL, "data": "ring", "play": True})

    def ask(changes: dict[str, Any]) -> int:
        return lab.ask("live", changes, method="PATCH")[0]

    wishes: list[dict[str, Any]] = [{"width": 24}, {"seed": 5}, {"batch": 32}, {"members": 40}, {"r1": 0.25}]
    with ThreadPoolExecutor(len(wishes)) as crowd:
        assert list(crowd.map(ask, wishes)) == [200] * len(wishes)
    now = lab.json("live")
    for wish in wishes:
        assert wish.items() <= now["settings"].items()
    assert now["state"] == "playing"


def test_who_wants_another_game_does_not_wait_for_one_that_loads_for_long(lab: RunningLab) -> None:
    """Reading many large images takes long; meanwhile it says how far it is, and another choice ends it."""
    many = lab.folder / "many"
    many.mkdir()
    Image.linear_gradient("L").convert("RGB").resize((3000, 3000)).save(many / "0.png")
    for i in range(1, 1000 * (os.cpu_count() or 2)):  # each core reads
        os.link(many / "0.png", many / f"{i}.png")
    lab.json("live", {**SMALL, "data": "ring", "play": True})
    answers: list[Any] = []
    waits = threading.Thread(target=lambda: answers.append(lab.ask("live", {"data": "many", "play": False})))
    waits.start()
    until(lambda: latest(lab)["latest"].get("progress"))
    time.sleep(2.1)
    assert waits.is_alive(), "it loads too fast for this test"
    lab.json("live", {**SMALL, "data": "ring", "play": False})
    waits.join(30)
    assert answers[0][0] == 409, answers
    now = lab.json("live")
    assert (now["state"], now["settings"]["data"]) == ("paused", "ring")


def test_what_the_game_before_still_tells_does_not_hide_that_another_is_being_read() -> None:
    """Its last numbers may arrive after the new game was asked for."""
    live = Live("ring", Path)
    live.pipe = pipe = multiprocessing.Pipe()[0]
    live.state = "starting"
    live._heard(pipe, "tick", {"state": "playing"})
    live._heard(pipe, "failed", {"en": "it did", "es": "falló"})
    assert live.state == "starting"
    assert not live.latest
    live._heard(pipe, "started", 1)
    assert live.state == "paused"
    live._heard(pipe, "failed", {"en": "it did", "es": "falló"})
    assert live.state == "failed"


def test_a_game_of_other_data_is_no_chapter_any_more(lab: RunningLab) -> None:
    lab.json("live", {"chapter": "collapse", **SMALL, "play": False})
    patched = json.loads(lab.ask("live", {"seed": 3}, method="PATCH")[1])
    assert patched["settings"]["chapter"] == "collapse"
    patched = json.loads(lab.ask("live", {"data": "grid"}, method="PATCH")[1])
    assert (patched["settings"]["chapter"], patched["settings"]["data"]) == ("", "grid")


def test_a_turn_of_d_alone_before_any_of_g_does_no_harm() -> None:
    """The generator has no gradient yet, whose share of the first one a chapter shows."""
    told: list[Any] = []
    worker = Worker(lambda *message: told.append(message[:2]))
    settings = changed(defaults("ring"), {**chapter_settings("expert"), **SMALL})
    assert worker.hear("start", {"settings": settings.values(), "drawn": None, "play": False}) is None
    for action in ("step_d", "step_d", "step_g", "step"):
        assert worker.hear("do", {"action": action, "n": 1}) is None
    assert not told[-1][1].get("point", {}).get("reached")


def test_the_neighbours_belong_to_the_images_that_come_with_them() -> None:
    told: list[Any] = []
    worker = Worker(lambda *message: told.append(message))
    settings = changed(defaults("digits"), {"width": 4, "batch": 16, "members": 20, "neighbours": True})
    assert worker.hear("start", {"settings": settings.values(), "drawn": None, "play": False}) is None
    arrays = {one.name: one for message in told if message[0] == "frame" for one in [*message[2], *message[3]]}
    sought, near = (as_floats(arrays[name]) for name in ("sought", "nearest"))
    distances = np.frombuffer(arrays["distances"].data, np.float32).reshape(-1, 2)
    np.testing.assert_allclose(distances[:, 0], np.sqrt(((sought - near) ** 2).sum(1)), rtol=1e-5)
    assert bytes(arrays["sought"].data) == bytes(arrays["fakes"].data)  # nothing was played since


def as_floats(array: Any) -> np.ndarray:
    return np.frombuffer(array.data, np.uint8).reshape(array.shape[0], -1).astype(float)


def test_a_rival_is_not_offered_for_points() -> None:
    assert choices("ring", ("ring",))["rival"]["idle"]
    assert not choices("digits", ("digits",))["rival"]["idle"]
    assert ring().rival is False


def test_a_newer_look_at_data_takes_the_place_of_the_one_under_way(tmp_path: Path) -> None:
    many, few = gratings(tmp_path / "many", 500, (300, 300), True), gratings(tmp_path / "few", 12, (16, 16), True)
    inspector = Errands("duelo.lab.clerk", latest=True)
    outcomes: dict[str, Any] = {}

    def look(place: Path) -> None:
        try:
            outcomes[place.name] = inspector.run("inspect", data=str(place), framing={})["facts"]["images"]
        except Refused as refused:
            outcomes[place.name] = refused.key

    try:
        first = threading.Thread(target=look, args=(many,))
        first.start()
        until(lambda: inspector.progress, every=0.01)
        look(few)
        first.join(60)
        assert outcomes == {"many": "lab.server.overtaken", "few": 12}
    finally:
        inspector.close()


def test_names_that_are_no_text_are_left_out_of_lists(lab: RunningLab) -> None:
    """A folder whose name is no UTF-8, as old archives leave them, could not be written in an answer."""
    odd = os.fsencode(lab.folder) + b"/caf\xe9"
    try:
        os.mkdir(odd)
    except OSError:
        pytest.skip("this system has no such names")
    (lab.folder / "café").mkdir()
    os.mkdir(os.fsencode(lab.folder / "runs") + b"/ni\xf1o")
    listed = lab.json(f"runs/places?path={lab.folder}")
    names = [place["name"] for place in listed["places"]]
    assert "café" in names
    assert all(speakable(name) for name in names)
    assert not speakable(os.fsdecode(b"caf\xe9"))
    assert {run["name"] for run in lab.json("runs")["runs"]} == {"digits", "classes"}


def test_the_host_may_be_written_in_capitals() -> None:
    assert Doors("MyPC").ours("mypc:8765")
    assert not Doors("MyPC").ours("yourpc:8765")


# --- the page


def test_what_a_curve_is_where_the_pointer_is(lab: RunningLab, page: Any) -> None:
    lab.json("live", {**SMALL, "data": "ring", "play": True})
    until(lambda: len(latest(lab)["curves"]["nimg"]) > 10)
    lab.json("live/do", {"action": "pause"})
    show(page, lab, "#watch")
    chart = page.locator(".chart", has_text=say("lab.curves.losses", "en"))
    tip = chart.locator(".tooltip")
    assert tip.is_hidden()
    page.wait_for_selector(".u-over")
    chart.locator(".u-over").hover()
    tip.wait_for()
    lines = tip.inner_text().splitlines()
    assert say("lab.vitals.nimg", "en") in lines[0]
    assert [line.partition(":")[0] for line in lines[1:]] == [say(f"lab.curves.{side}", "en") for side in ("d", "g")]
    assert all(float(line.partition(":")[2]) > 0 for line in lines[1:])
    page.mouse.move(2, 2)
    tip.wait_for(state="hidden")


def test_rates_have_a_curve_where_they_change(lab: RunningLab, page: Any) -> None:
    lab.json("live", {**SMALL, "data": "ring", "anneal": 0, "play": False})
    show(page, lab, "#watch")
    page.wait_for_selector("[data-frame]")
    curve = page.locator(".chart", has_text=say("lab.curves.rates", "en"))
    curve.wait_for(state="hidden")
    lab.ask("live", {"balance": "adaptive"}, method="PATCH")
    curve.wait_for()


def test_a_chosen_theme_is_there_before_the_page_is(lab: RunningLab, page: Any, errors: list[str]) -> None:
    """The script that knows it stops the page from being drawn until it has run; all others wait for the document."""
    show(page, lab, "#watch")
    page.evaluate("localStorage.setItem('duelo.theme', 'dark')")
    page.route("**/static/main.js", lambda route: route.abort())
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    assert all("ERR_FAILED" in error for error in errors)  # main.js, which was held back
    errors.clear()


def test_a_single_value_that_is_none_is_said_to_be_none(lab: RunningLab, page: Any) -> None:
    show(page, lab, "#runs/:new")
    page.get_by_text("Change single values").click()
    page.locator("#more").fill("networks.width = 8\nbalance.rule adaptive")
    page.get_by_role("button", name="Start the training").click()
    page.get_by_text(say("lab.runs.no_value", "en", line="balance.rule adaptive")).wait_for()
    assert not (lab.folder / "runs" / "digits-minutes3").exists()


def test_the_buttons_of_the_classes_and_the_samples_as_numbers(lab: RunningLab, page: Any) -> None:
    show(page, lab, "#explore/classes")
    page.locator(".neighbour-list figcaption").nth(5).wait_for()
    wall = "document.querySelector('.wall-card canvas').toDataURL()"
    before = page.evaluate(wall)
    classes = page.get_by_role("group", name=say("lab.explore.classes", "en"))
    classes.get_by_role("button", name="7", exact=True).click()
    page.wait_for_function(f"before => {wall} !== before", arg=before)
    assert classes.locator("[aria-pressed=true]").inner_text() == "7"
    with page.expect_download() as download:
        page.locator("[data-download=npz]").click()
    with np.load(download.value.path()) as found:
        assert set(found["labels"].tolist()) == {7}
        status, content = lab.ask("explore/classes/samples", {"seed": 0, "n": 4, "label": 7})
        assert status == 200
        shown = np.frombuffer(unpack(content)[1]["members"].data, np.uint8)
        assert np.array_equal(found["images"][:4].reshape(-1), shown)


def test_on_the_way_the_sliders_move_what_is_there(lab: RunningLab) -> None:
    """Near the way's end, too, where its start hardly counts."""
    step: dict[str, Any] = {"index": 0, "end": {"index": 1}, "step": 7, "steps": 9, "start": [1.0]}
    spots = [step, step | {"offsets": [0.0, 2.0]}, step | {"start": [0.0]}]
    status, content = lab.ask("explore/digits/latents", {"spots": spots})
    assert status == 200, content
    members = np.frombuffer(unpack(content)[1]["members"].data, np.uint8).reshape(3, -1).astype(float)
    there, moved, elsewhere = members
    assert np.abs(moved - there).mean() > 3 * np.abs(elsewhere - there).mean()

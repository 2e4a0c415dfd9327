"""The live page where its server and it must agree: what is looked at, and what became of the game."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labs import RunningLab, open_lab, overheard, running, show, with_runs

from duelo.words import say


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[RunningLab]:
    with running(tmp_path) as opened:
        yield opened


PLANE = "document.querySelector('.stage-canvas canvas').toDataURL()"


def test_the_two_surfaces_exclude_each_other_and_the_best_one_comes_at_once(lab: RunningLab, page: Any) -> None:
    lab.json("live", {"data": "ring", "play": False})
    show(page, lab, "#watch")
    page.wait_for_selector("[data-frame]")
    chips = {name: page.locator(f"[data-layer={name}]") for name in ("heat", "optimal")}

    def pressed() -> list[str]:
        return [name for name, chip in chips.items() if chip.get_attribute("aria-pressed") == "true"]

    assert pressed() == ["heat"]
    before = page.evaluate(PLANE)
    chips["optimal"].click()
    assert pressed() == ["optimal"]
    bare = page.evaluate(PLANE)  # the game is paused, and nobody asked for this surface before
    page.wait_for_function(f"bare => {PLANE} !== bare", arg=bare, timeout=4000)
    assert page.evaluate(PLANE) != before
    chips["heat"].click()
    assert pressed() == ["heat"]
    assert page.evaluate(PLANE) == before
    chips["heat"].click()
    assert pressed() == []


def test_a_game_is_not_lost_with_its_server_without_a_word(browser: Any, tmp_path: Path) -> None:
    sentence = say("lab.forgotten", "es", play=say("lab.transport.play", "es"))
    first = open_lab(tmp_path)
    with overheard(browser, [], 1280, 900) as page:
        try:
            first.json("live", {"data": "ring", "width": 16, "play": True})
            show(page, first, "#watch", "es")
            page.wait_for_selector(".play[data-state=playing]")
            page.wait_for_selector("[data-frame]")
            assert page.get_by_text(sentence).is_hidden()
        finally:
            first.kill()
        page.get_by_text(say("lab.lost", "es")).wait_for(state="visible")
        second = open_lab(tmp_path, port=first.port)
        try:
            page.get_by_text(sentence).wait_for(state="visible")
            page.get_by_text(say("lab.lost", "es")).wait_for(state="hidden")
            page.locator(".play[data-state=empty]").click()
            page.wait_for_selector(".play[data-state=playing]")
            page.get_by_text(sentence).wait_for(state="hidden")
        finally:
            second.end()


def test_beside_a_verdict_no_alarm_is_said_of_the_training_only(lab: RunningLab, page: Any, finished_ring: Path) -> None:
    folder = with_runs(lab.folder, plain=finished_ring, judged=finished_ring) / "runs"
    for run in folder.iterdir():
        lines = [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]
        unseen = [json.dumps({**line, "duel": {}}) + "\n" for line in lines]  # the referee found nothing
        (run / "stats.jsonl").write_text("".join(unseen))
        (run / "verdict.json").unlink(missing_ok=True)
    verdict = {"fingerprint": "", "sentences": {"en": ["It found 1 of 8 modes."]}}
    (folder / "judged" / "verdict.json").write_text(json.dumps(verdict))
    show(page, lab, "#runs/plain")
    page.get_by_text(say("lab.findings.none", "en")).wait_for()
    show(page, lab, "#runs/judged")
    page.get_by_text("It found 1 of 8 modes.").wait_for()
    page.get_by_text(say("lab.findings.judged", "en")).wait_for()
    assert page.get_by_text(say("lab.findings.none", "en")).count() == 0

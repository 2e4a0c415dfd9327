"""Make the pictures of docs/lab.md: each view of `duelo lab` in both languages, from a real game and a real run.

    python tools/make_lab_pictures.py runs/demo       # a finished run of digits; about three minutes; needs the extra [test]

The equilibrium is photographed when its chapter's point is reached, the ring when it has seen a million points.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from labs import RunningLab, chromium, overheard, running, show, until  # noqa: E402

PICTURES = ROOT / "docs/images"
WIDTH, HEIGHT, FAR = 1280, 900, 1_000_000
NAMES = {"en": "digits", "es": "digitos"}


def watch(lab: RunningLab, page: Any, lang: str) -> None:
    """The ring, after a million points."""
    if lab.json("live")["nimg"] < FAR:
        lab.json("live", {"data": "ring", "play": True})
    show(page, lab, "#watch", lang)
    until(lambda: lab.json("live")["nimg"] > FAR, seconds=240)
    page.wait_for_timeout(3000)


def lesson(lab: RunningLab, page: Any, lang: str) -> None:
    """The equilibrium, reached."""
    show(page, lab, "#lesson/equilibrium", lang)
    if lang == "en":
        page.locator("#setup").click()
    page.wait_for_selector(".point[data-reached=true]", timeout=240_000)
    page.wait_for_timeout(1500)
    lab.json("live/do", {"action": "pause"})
    page.wait_for_timeout(500)


def strides(lab: RunningLab, page: Any, lang: str) -> None:
    """A transposed convolution, six steps in."""
    show(page, lab, "#lesson/strides", lang)
    for _ in range(6):
        page.locator("[data-step]").click()
    page.wait_for_timeout(500)


def explore(lab: RunningLab, page: Any, lang: str) -> None:
    """The run: samples, latents, neighbours."""
    show(page, lab, f"#explore/{NAMES[lang]}", lang)
    page.locator(".neighbour-list figcaption").nth(5).wait_for()
    page.wait_for_timeout(1000)


def runs(lab: RunningLab, page: Any, lang: str) -> None:
    """The list."""
    show(page, lab, "#runs", lang)
    page.locator(".run-picture").first.wait_for()
    page.wait_for_timeout(1000)


def main() -> None:
    """All of them."""
    run = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for name in NAMES.values():
            shutil.copytree(run, Path(folder) / "runs" / name)
        with running(Path(folder)) as lab:
            for view in (watch, lesson, strides, explore, runs):
                for lang in NAMES:
                    errors: list[str] = []
                    with overheard(browser, errors, WIDTH, HEIGHT) as page:
                        view(lab, page, lang)
                        page.screenshot(path=PICTURES / f"lab-{view.__name__}-{lang}.png")
                    assert not errors, errors


if __name__ == "__main__":
    main()

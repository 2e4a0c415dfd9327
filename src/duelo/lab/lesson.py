"""The lesson's chapters: what the live game is set to in each. Words: words/en_lesson.py; points: points.py."""

from __future__ import annotations

from typing import Any

from duelo.words import LANGUAGES

# what differs from the defaults of the chapter's data; None for a chapter that is a page only
CHAPTERS: dict[str, dict[str, Any] | None] = {
    "networks": {"data": "ring"},
    "expert": {
        "data": "ring",
        "objective": "minimax",
        "discriminator_rate": 0.02,
        "generator_rate": 1e-4,
        "r1": 0.0,
        "r2": 0.0,
    },
    "equilibrium": {"data": "ring", "pair": "islands", "latent": 12, "r1": 1.0, "r2": 1.0, "discriminator_rate": 6e-3},
    "collapse": {"data": "ring", "r1": 0.0, "r2": 0.0},
    "copying": {"data": "digits", "members": 20, "neighbours": True, "width": 16},
    "strides": None,
    "vae": {"data": "digits", "rival": True, "width": 16},
    "actor_critic": {"data": "ring", "generator_steps": 0},
}


def chapter_settings(chapter: str) -> dict[str, Any]:
    """What a chapter sets, its own name among it."""
    return {**(CHAPTERS[chapter] or {}), "chapter": chapter}


def chapters() -> list[dict[str, Any]]:
    """The chapters in their order, as a page needs them: the keys of their words, and their settings.

    title_key: lab.lesson.ID.title; text_keys: all keys that begin with lab.lesson.ID.text; point: lab.lesson.ID.point.
    """
    listed = []
    for name, settings in CHAPTERS.items():
        start = f"lab.lesson.{name}"
        texts = [key for key in LANGUAGES["en"] if key.startswith(f"{start}.text")]
        entry: dict[str, Any] = {"id": name, "title_key": f"{start}.title", "text_keys": texts}
        entry["settings"] = None if settings is None else chapter_settings(name)
        entry["point"] = None if settings is None else {"what": f"{start}.point"}
        listed.append(entry)
    return listed

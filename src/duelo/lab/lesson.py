"""The lesson's chapters: what the live game is set to in each. Words: words/en_lesson.py; points: points.py."""

from __future__ import annotations

from typing import Any

from duelo.words import LANGUAGES

ISLANDS = {"data": "ring", "pair": "islands", "latent": 12}
FREE = {"r1": 0.0, "r2": 0.0, "anneal": 0}  # no penalty holds D back
SMALL = {"data": "digits", "width": 16}
# what differs from the defaults of the chapter's data; None for a chapter that is a page only
CHAPTERS: dict[str, dict[str, Any] | None] = {
    "networks": {"data": "ring", "speed": 30},
    # slow, so that one sees it happen; "islands" has a discriminator that can become perfect
    "expert": {**ISLANDS, **FREE, "objective": "minimax", "discriminator_rate": 2e-3, "generator_rate": 1e-4, "speed": 20},
    "equilibrium": {**ISLANDS, "r1": 1.0, "r2": 1.0, "discriminator_rate": 6e-3, "anneal": 300},
    # the game of "equilibrium" without its penalties
    "collapse": {**ISLANDS, **FREE, "discriminator_rate": 1e-3, "generator_rate": 5e-4, "beta1": 0.5, "beta2": 0.99},
    "copying": {**SMALL, "members": 20, "batch": 32, "neighbours": True},
    "strides": None,
    "vae": {**SMALL, "rival": True},
    "actor_critic": {"data": "ring", "generator_steps": 0, "speed": 12},
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

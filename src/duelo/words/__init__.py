"""Every sentence a learner meets, in English and Spanish.

``say("key", name=value)`` gives the sentence in the language in force: that of ``speaking``, else ``DUELO_LANG`` if set,
else the locale's, else English. The two dictionaries hold the same keys and the same placeholders (tested).
"""

from __future__ import annotations

import difflib
import os
import string
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from duelo.words import (
    en,
    en_alarms,
    en_lab,
    en_lesson,
    en_pages,
    en_runs,
    es,
    es_alarms,
    es_lab,
    es_lesson,
    es_pages,
    es_runs,
)

LANGUAGES = {
    "en": en.WORDS | en_pages.PAGES | en_lab.LAB | en_alarms.ALARMS | en_lesson.LESSON | en_runs.RUNS,
    "es": es.WORDS | es_pages.PAGES | es_lab.LAB | es_alarms.ALARMS | es_lesson.LESSON | es_runs.RUNS,
}


_asked: ContextVar[str | None] = ContextVar("language", default=None)


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Inside, in this thread or task alone, the language in force is `lang`: a server is asked in several at once."""
    token = _asked.set(lang)
    try:
        yield
    finally:
        _asked.reset(token)


def language() -> str:
    """The language in force: "en" or "es"."""
    asked = _asked.get()
    if asked is not None:
        return asked
    for variable in ("DUELO_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable, "")
        if value:
            return "es" if value.lower().startswith("es") else "en"
    return "en"


class Writer(string.Formatter):
    """Fills placeholders as the texts are written: 53 % with a space at which no line breaks; in Spanish with a thin space
    between thousands, and with the decimal point that the Ortografía of 2010 recommends, which is also what one types."""

    def __init__(self, lang: str) -> None:
        self.thousands = "\u202f" if lang == "es" else ","

    def format_field(self, value: Any, format_spec: str) -> Any:
        text = super().format_field(value, format_spec)
        if format_spec and isinstance(value, int | float):
            return text.replace(",", self.thousands).replace("%", "\u00a0%")
        return text


WRITERS = {lang: Writer(lang) for lang in LANGUAGES}


def as_written(value: float, form: str, lang: str | None = None) -> str:
    """A number as in the sentences of `lang` (default: the language in force), by a format such as ".1%"."""
    return str(WRITERS[lang or language()].format_field(value, form))


def say(key: str, /, lang: str | None = None, **values: object) -> str:
    """The sentence `key` in `lang` (default: the language in force), its placeholders filled."""
    lang = lang or language()
    return WRITERS[lang].format(LANGUAGES[lang][key], **values)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The question whether a known word was meant, with a space before it; nothing when none is close."""
    close = difflib.get_close_matches(word, list(known), 1)
    return say("did_you_mean", word=close[0]) if close else ""


class UserError(Exception):
    """The user's input is wrong. Its text is one sentence: what, where, and what to do. Exit code 2."""

    exit_code = 2

    def __init__(self, key: str, /, **values: object) -> None:
        self.key, self.values = key, values
        super().__init__("\\n".join(say(key, None, **values).splitlines()))  # also if a path has a line break in it


class TrainingFailed(UserError):
    """Training went wrong by itself (not the user's input); the last good checkpoint stands. Exit code 3."""

    exit_code = 3

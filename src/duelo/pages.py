"""What all pages share: filling a template, a sentence in both languages, a figure, a picture inside the page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from duelo import __version__
from duelo.words import LANGUAGES, language, say

REAL, FAKE, NEUTRAL = "#2f7fc9", "#dd6b20", "#8a94a0"  # legible on light and on dark


@dataclass(frozen=True)
class Curve:
    """One line of a figure. label: the key of its name in the legend, if it is there. dashes: lengths on and off."""

    x: list[float]
    y: list[float]
    colour: str
    label: str | None = None
    dashes: tuple[float, ...] = ()
    dots: bool = False


def fill(template: str, **values: object) -> str:
    """One of the package's pages, with what all of them need."""
    environment = Environment(
        loader=PackageLoader("duelo"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template(template).render(t=both, lang=language(), version=__version__, **values)


def both(key: str, /, **values: object) -> Markup:
    """A sentence in both languages, of which the page shows one."""
    return in_both({lang: say(key, lang, **values) for lang in LANGUAGES})


def in_both(texts: dict[str, str]) -> Markup:
    """A text in both languages, of which the page shows one. texts: by language."""
    return Markup("".join(f'<span lang="{lang}">{escape(text)}</span>' for lang, text in texts.items()))


def draw(
    lang: str,
    title: str,
    series: list[Curve],
    marks: list[tuple[float, str, str]],
    x: str = "report.kimg",
    log: bool = False,
    from_zero: bool = False,
) -> Markup:
    """One figure as inline SVG without a background, so that it suits a light and a dark page.

    marks: horizontal dashed lines as (value, label, colour), of which the first is in the legend. x: what is along the axis.
    from_zero: the axis begins at 0, for shares that are to be compared.
    """
    style: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": title + lang,
        "font.family": "sans-serif",
        "font.size": 11,
        "text.color": NEUTRAL,
        "axes.edgecolor": NEUTRAL,
        "axes.labelcolor": NEUTRAL,
        "xtick.color": NEUTRAL,
        "ytick.color": NEUTRAL,
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(4.6, 3.1), layout="constrained")
        axes = figure.add_subplot()
        for curve in series:
            label = say(curve.label, lang) if curve.label else None
            (line,) = axes.plot(curve.x, curve.y, color=curve.colour, linewidth=1.6, markersize=3, label=label)
            line.set_linestyle((0, curve.dashes) if curve.dashes else "-")
            line.set_marker("o" if curve.dots else "")
        for i, (value, name, colour) in enumerate(marks):
            axes.axhline(value, color=colour, linewidth=1, linestyle=(0, (4, 3)), label=None if i else say(name, lang))
        if log:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        if from_zero:
            axes.set_ylim(bottom=0)
        axes.set_title(say(title, lang), loc="left", fontsize=12)
        axes.set_xlabel(say(x, lang))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.2)
        if marks or any(curve.label for curve in series):
            axes.legend(frameon=False, fontsize=9, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.2))
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    return Markup(text[text.index("<svg") :])


def picture(content: bytes) -> str:
    """A PNG as a data: address."""
    return "data:image/png;base64," + base64.b64encode(content).decode()

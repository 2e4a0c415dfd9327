"""The verdict's part of the report: what was measured, with intervals and floors, and the pictures that show it."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from duelo.folder import RunFolder
from duelo.pages import FAKE, NEUTRAL, REAL, Curve, both, draw, in_both, picture
from duelo.words import LANGUAGES, as_written

FEW_CLASSES = 20  # in a figure
PICTURES = ("nearest", "worst", "best", "interpolation", "discriminators")


def section(folder: RunFolder) -> dict[str, Any] | None:
    """What the report shows of the verdict; None if the run was not measured."""
    verdict = folder.verdict()
    if not verdict:
        return None
    told = verdict["sentences"]
    files = {name: folder.verdict_picture(name) for name in PICTURES}
    return {
        "sentences": [in_both({lang: told[lang][i] for lang in LANGUAGES}) for i in range(len(told["en"]))],
        "facts": both(
            "page.measured",
            n=verdict["n"],
            kimg=round(verdict["kimg"], 1),
            heldout=verdict["n_heldout"],
            seed=verdict["seed"],
            features=verdict["features"]["name"],
            hash=verdict["features"]["fingerprint"][:12],
            fingerprint=verdict["fingerprint"],
        ),
        "brief": verdict["brief"],
        "quality": quality_rows(verdict.get("quality")),
        "equilibrium": opponent_rows(verdict.get("equilibrium")),
        "copying": copying_rows(verdict.get("copying")),
        "modes": mode_rows(verdict.get("modes")),
        "class_curves": class_curves(verdict.get("quality")),
        "curves": opponent_curves(verdict.get("equilibrium")),
        "pictures": {name: picture(file.read_bytes()) for name, file in files.items() if file.is_file()},
    }


Row = tuple[Markup, str, str, str]  # name, value, interval, floor


def row(name: Markup, estimate: dict[str, Any], form: str) -> Row:
    """An estimate's value, interval and floor, written by the format `form`."""

    def number(value: float | None) -> str:
        return "–" if value is None else as_written(value, form)

    low, high = number(estimate["low"]), number(estimate["high"])
    return name, number(estimate["value"]), f"{low} … {high}", number(estimate["floor"])


def quality_rows(found: dict[str, Any] | None) -> list[Row]:
    """Distance, its ratio, kernel distance, precision, recall, density, coverage, classes."""
    if not found:
        return []
    name = found["distance_name"]
    rows = [
        row(Markup(name), found["frechet"], ".3g"),
        row(both("page.ratio", name=name), found["ratio"], ".3g"),
        row(Markup("KID"), found["kid"], ".2e"),
        *[row(both(f"page.{key}"), found[key], ".1%") for key in ("precision", "recall")],
        row(both("page.density"), found["density"], ".2f"),
        row(both("page.coverage"), found["coverage"], ".1%"),
    ]
    if found.get("classes"):
        rows.append(row(both("page.classes"), found["classes"]["distance"], ".1%"))
    if found.get("test"):
        rows.append(row(both("page.test", name=name), found["test"], ".3g"))
    return rows


def opponent_rows(found: dict[str, Any] | None) -> list[Row]:
    """How often each opponent was right, and its area under the ROC curve; the duality gap."""
    rows = []
    for opponent in (found or {}).get("opponents", []):
        size = both(f"page.{opponent['size']}", n=opponent["parameters"])
        rows.append(row(size, opponent["accuracy"], ".1%"))
        rows.append(row(Markup("{} · AUC").format(size), opponent["auc"], ".3f"))
    gaps = (found or {}).get("gap", {})
    for name, key in (("plain", "page.gap"), ("perturbed", "page.gap_perturbed")):
        if name in gaps:
            rows.append(row(both(key, k=gaps[name]["steps"]), gaps[name], ".3g"))
    return rows


def copying_rows(found: dict[str, Any] | None) -> list[Row]:
    """The share of copies, and the measures of the whole set."""
    if not found:
        return []
    forms = {"share": ".2%", "c_t": ".2f", "authenticity": ".1%", "fld_gap": ".2f", "memorisation": ".4f"}
    planted = [row(both(f"page.planted.{kind}"), share, ".0%") for kind, share in found.get("power", {}).items()]
    return [*(row(both(f"page.{key}"), found[key], form) for key, form in forms.items()), *planted]


def mode_rows(found: dict[str, Any] | None) -> list[Row]:
    """Modes, and what is known of them."""
    if not found:
        return []
    if "k" in found:
        return [
            (both("page.modes"), f"{found['modes']} / {found['k']}", "", f"{found['modes_floor']} / {found['k']}"),
            (both("page.kl"), f"{found['kl']:.4f}", "", f"{found['kl_floor']:.4f}"),
            (both("page.excess"), f"{found['excess']:.4f}", "", "0"),
            (both("page.sure"), *sure_of(found)),
        ]
    ours, floor = found["found"], found["floor"]
    return [
        (both("page.modes"), f"{ours['modes']} / {ours['k']}", "", f"{floor['modes']} / {floor['k']}"),
        (both("page.good"), as_written(ours["good"], ".2%"), "", as_written(floor["good"], ".2%")),
        (both("page.kl"), f"{ours['kl']:.2e}", "", f"{floor['kl']:.2e}"),
        *[
            (both(f"page.{key}"), "–" if ours[key] is None else f"{ours[key]:.3f}", "", f"{floor[key]:.3f}")
            for key in ("narrowest", "widest")
        ],
    ]


def sure_of(found: dict[str, Any]) -> tuple[str, str, str]:
    """Of the samples that the classifier is sure of: their share, modes and KL, and the same of real ones."""
    told = [
        f"{as_written(found[f'sure_n{floor}'] / found['n'], '.0%')}: {found[f'sure_modes{floor}']} / {found['k']}, "
        f"KL {found[f'sure_kl{floor}']:.4f}"
        for floor in ("", "_floor")
        if f"sure_n{floor}" in found  # older verdicts have no floor
    ]
    return told[0], "", (told[1] if len(told) > 1 else "")


def class_curves(found: dict[str, Any] | None) -> list[dict[str, Any]]:
    """How often each class comes, where the features know some and they can be told apart in a figure."""
    classes = (found or {}).get("classes")
    if not classes or len(classes["heldout"]) > FEW_CLASSES:
        return []
    places = [float(i) for i in range(len(classes["heldout"]))]
    shares = [
        Curve(places, classes["heldout"], REAL, "page.real", (5, 2), dots=True),
        Curve(places, classes["generated"], FAKE, "page.generated", dots=True),
    ]
    drawn = {lang: draw(lang, "page.class_shares", shares, [], "page.class", from_zero=True) for lang in LANGUAGES}
    return [{"caption": "page.class_caption", **drawn}]


def strongest(found: dict[str, Any] | None) -> dict[str, Any]:
    """The opponent that was right most often, of what a verdict says of the equilibrium; empty if it says nothing."""
    return next((each for each in found["opponents"] if each["size"] == found["strongest"]), {}) if found else {}


def opponent_curves(found: dict[str, Any] | None) -> list[dict[str, Any]]:
    """How the opponents learnt, and what the strongest says of both kinds."""
    if not found:
        return []
    dashes = {"small": (1, 1.4), "medium": (5, 2), "large": ()}
    series = [
        Curve([p[0] for p in o["curve"]], [p[2] for p in o["curve"]], FAKE, f"page.{o['size']}_short", dashes[o["size"]])
        for o in found["opponents"]
    ]
    marks = [(0.5, "report.draw", NEUTRAL)]
    learnt = {lang: draw(lang, "page.opponent_curve", series, marks, "page.opponent_kimg") for lang in LANGUAGES}
    logits = strongest(found)["logits"]
    places = [logits["reach"] * ((2 * i + 1) / len(logits["real"]) - 1) for i in range(len(logits["real"]))]
    said = [
        Curve(places, [count / max(1, sum(logits[kind])) for count in logits[kind]], colour, f"page.{kind}")
        for kind, colour in (("real", REAL), ("generated", FAKE))
    ]
    histogram = {lang: draw(lang, "page.logits", said, [], "page.logit") for lang in LANGUAGES}
    return [
        {"caption": "page.curve_caption", **learnt},
        {"caption": "page.logits_caption", **histogram},
        *own_curve(found.get("own")),
    ]


def own_curve(own: dict[str, Any] | None) -> list[dict[str, Any]]:
    """What the run's own discriminator says of members that it was trained on, of others, and of generated ones."""
    if not own:
        return []
    width = (own["high"] - own["low"]) / len(own["counts"]["real"])
    places = [own["low"] + width * (i + 0.5) for i in range(len(own["counts"]["real"]))]
    looks = {"train": (REAL, ()), "real": (NEUTRAL, (5, 2)), "generated": (FAKE, ())}
    said = [
        Curve(places, [count / own["n"] for count in own["counts"][kind]], colour, f"page.{kind}", dashes)
        for kind, (colour, dashes) in looks.items()
    ]
    drawn = {lang: draw(lang, "page.own", said, [], "page.plain_logit") for lang in LANGUAGES}
    right = {kind: f"{as_written(share['value'], '.0%')}" for kind, share in own["right"].items()}
    error = max(share["high"] - share["low"] for share in own["right"].values()) / 2
    figures = right | {"n": own["n"], "border": f"{own['border']:.2g}", "error": f"{100 * error:.0f}"}
    return [{"caption": "page.own_caption", "figures": figures, **drawn}]

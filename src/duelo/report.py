"""A run's folder -> one self-contained page: it works offline, on a phone, in English and Spanish."""

from __future__ import annotations

import io
import statistics
from pathlib import Path
from typing import Any

from PIL import Image

from duelo import recipes, verdict_page
from duelo.build import setting
from duelo.checkpoint import write_atomically
from duelo.diagnosis import Finding, named
from duelo.folder import RunFolder
from duelo.objectives import rules_of
from duelo.pages import FAKE, NEUTRAL, REAL, Curve, draw, fill, in_both, picture
from duelo.words import LANGUAGES, UserError, as_written

MACHINE = {key: f"machine.{key}" for key in ("device", "cpu", "cores", "threads", "system", "python", "torch")}
STRIP = 9  # moments in the evolution strip


def write(path: Path) -> Path:
    """Write report.html into the run folder `path`: its path. Raises UserError if there is no run, or nothing to show."""
    folder = RunFolder(path)
    page = render(folder)
    write_atomically(folder.report_file, page.encode())
    return folder.report_file


def render(folder: RunFolder) -> str:
    """The page's HTML."""
    recipe, lines, grids = folder.recipe(), folder.stats(), folder.samples()
    if not lines or not grids:
        raise UserError("run.no_checkpoint", path=folder.path)
    machine = folder.machine()
    points = recipe.points
    seen = lines[-1]["nimg"] / 1000
    chosen = spaced(grids, STRIP)
    return fill(
        "report.html",
        name=folder.path.name,
        title="report.title." + (recipe.data.replace("-", "_") if recipe.images is None else "images"),
        data=Path(recipe.data).name,
        data_facts=data_facts(folder),
        data_picture=picture(folder.data_picture.read_bytes()) if folder.data_picture.is_file() else None,
        points=points,
        kimg=f"{seen:g}",
        drawn_at=f"{grids[-1][0]:g}",
        recipe_kimg=f"{recipe.kimg:g}",
        done=folder.finished(),
        final=picture(grids[-1][1].read_bytes()),
        numbers=numbers(lines),
        strip=[(f"{at:g}", picture(file.read_bytes() if points else top_row(file))) for at, file in chosen],
        curves=curves(lines, recipe),
        findings=findings(folder, recipe, lines),
        judged=any("duel" in line for line in lines),
        verdict=verdict_page.section(folder),
        recipe=[(key, written(value)) for key, value in recipes.flat(recipe).items() if value is not None],
        machine=[(name, machine[key]) for key, name in MACHINE.items() if key in machine],
    )


def written(value: object) -> str:
    """A recipe's value as a person writes it."""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def numbers(lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The few figures that sum a run up, of its last tenth where they vary: (key of the name, value)."""
    seconds = lines[-1]["time"]["seconds"]
    return [
        ("report.time", f"{seconds / 60:.1f} min"),
        ("report.images", f"{lines[-1]['nimg']:,}".replace(",", "\u202f")),
        ("report.speed", speed(lines)),
        *[(f"report.{name}", share_at_end(lines, name)) for name in ("real_right", "fake_right") if name in lines[-1]],
    ]


def speed(lines: list[dict[str, Any]]) -> str:
    """Images per second over the whole run."""
    return f"{lines[-1]['nimg'] / max(lines[-1]['time']['seconds'], 1e-9):,.0f}/s".replace(",", "\u202f")


def share_at_end(lines: list[dict[str, Any]], name: str) -> str:
    """The mean of a share over the last tenth of the run; "-" if the run has none, as a VAE, which has no discriminator."""
    end = [line[name]["mean"] for line in lines[-max(1, len(lines) // 10) :] if name in line]
    return as_written(statistics.fmean(end), ".1%") if end else "-"


def data_facts(folder: RunFolder) -> list[tuple[str, str]]:
    """What is known of the data: (key of the name, value)."""
    facts = folder.data()
    parts = [(f"report.part_{name}", f"{n:,}".replace(",", "\u202f")) for name, n in facts.get("parts", {}).items()]
    classes = [("report.classes", str(facts["classes"]))] if facts.get("classes") else []
    shape = facts.get("shape", [])
    size = [("report.size", f"{shape[2]} x {shape[1]}")] if len(shape) == 3 else []
    return [*size, *classes, *parts]


def findings(folder: RunFolder, recipe: recipes.Recipe, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the diagnosis found in the whole run, in both languages: title, sentence and remedy, and from when to when."""
    spells = named(lines, setting(recipe, folder.data().get("parts", {}), folder.rescues()))
    texts = {"title": Finding.title, "sentence": Finding.sentence, "remedy": Finding.remedy}
    return [
        {"first": f"{spell.first / 1000:.4g}", "last": f"{spell.last / 1000:.4g}"}
        | {name: in_both({lang: text(spell.finding, lang) for lang in LANGUAGES}) for name, text in texts.items()}
        for spell in spells
    ]


def judgement_curve(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How far the generated images were from the referee part, with what real training images get; none in older runs."""
    judged = [line for line in lines if "judgement" in line]
    if not judged:
        return []
    kimg = [line["nimg"] / 1000 for line in judged]
    values, floors = ([line["judgement"][key] for line in judged] for key in ("value", "floor"))
    best = min(judged, key=lambda line: line["judgement"]["value"])
    series = [Curve(kimg, values, FAKE, "report.generated")]
    marks = [(floors[-1], "report.floor", NEUTRAL)]
    figures = {
        "best": f"{best['judgement']['value']:.3g}",
        "kimg": f"{best['nimg'] / 1000:g}",
        "floor": f"{floors[-1]:.3g}",
        "n": str(best["judgement"]["n"]),
    }
    drawn = {lang: draw(lang, "report.judgement", series, marks) for lang in LANGUAGES}
    points = judged[-1]["judgement"]["measure"] == "nearest-neighbour"
    return [{"caption": "report.judgement_points" if points else "report.judgement_caption", "figures": figures, **drawn}]


def curves(lines: list[dict[str, Any]], recipe: recipes.Recipe) -> list[dict[str, Any]]:
    """The figures of the duel, each drawn once in each language."""
    kimg = [line["nimg"] / 1000 for line in lines]

    def figure(
        caption: str,
        title: str,
        names: list[tuple[str, str, str]],
        marks: list[tuple[float, str, str]],
        **values: str,
    ) -> dict[str, Any]:
        series = [Curve(kimg, [line[name]["mean"] for line in lines], colour, label) for name, label, colour in names]
        drawn = {lang: draw(lang, title, series, marks) for lang in LANGUAGES}
        return {"caption": caption, "figures": values, **drawn}

    if recipe.rival:
        parts = [("reconstruction", "report.reconstruction", REAL), ("divergence", "report.divergence", FAKE)]
        whole = [("loss", "report.loss_vae", REAL)]
        return [
            *judgement_curve(lines),
            figure("report.vae_caption", "report.vae_loss", whole, []),
            figure("report.vae_parts_caption", "report.vae_parts", parts, []),
        ]
    rules = rules_of(recipe.objective.loss, recipe.objective.smoothing)
    d, g = rules.discriminator_equilibrium, rules.generator_equilibrium
    return [
        *judgement_curve(lines),
        figure(
            "report.accuracy_caption",
            "report.accuracy",
            [("real_right", "report.on_real", REAL), ("fake_right", "report.on_fake", FAKE)],
            [(0.5, "report.draw", NEUTRAL)],
        ),
        figure(
            "report.loss_caption",
            "report.losses",
            [("discriminator_loss", "report.loss_d", REAL), ("generator_loss", "report.loss_g", FAKE)],
            [(value, "report.draw", NEUTRAL) for value in {d, g} if value is not None],
            d=f"{d:.2f}",
            g="-" if g is None else f"{g:.2f}",
        ),
        figure(
            "report.logit_caption",
            "report.logits",
            [("real_logit", "report.on_real", REAL), ("fake_logit", "report.on_fake", FAKE)],
            [],
        ),
    ]


def spaced(grids: list[tuple[float, Path]], count: int) -> list[tuple[float, Path]]:
    """At most `count` of the grids: the first, the last, and between them steps that grow, as progress slows."""
    if len(grids) <= count:
        return grids
    wanted = {round((len(grids) - 1) * (i / (count - 1)) ** 1.5) for i in range(count)}
    return [grids[i] for i in sorted(wanted)]


def top_row(file: Path, columns: int = 10) -> bytes:
    """The first row of a sample grid, as PNG."""
    return top_rows(file, 1, columns)


def top_rows(file: Path, rows: int, of: int = 10, widest: int | None = None) -> bytes:
    """The first `rows` of a sample grid, as PNG; made smaller if it is wider than `widest` pixels."""
    with Image.open(file) as grid:
        part = grid.crop((0, 0, grid.width, grid.height * rows // of))
    if widest is not None and part.width > widest:
        part.thumbnail((widest, part.height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    part.save(buffer, "PNG")
    return buffer.getvalue()

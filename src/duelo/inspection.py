"""What is there to know of a data set before training on it: facts as plain values, and what to say of them."""

from __future__ import annotations

import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from duelo import data, recipes
from duelo.checkpoint import write_atomically
from duelo.data import Dataset, Pack
from duelo.data.packed import is_pack
from duelo.data.pixels import png, scatter, tile
from duelo.data.split import PARTS
from duelo.pace import images_per_second
from duelo.run import Moment, fetch, packed
from duelo.words import UserError, say

FEW, ENOUGH = 200, 2000  # training images below which copying is all that can be learnt, and below which it is likely
SLOW_MINUTES = 60
UNEVEN = 10  # times as many images in the largest class as in the smallest
CUT, ENLARGED, NAMED = 0.15, 0.1, 3
SHEET_ROWS, SHEET_COLUMNS = 8, 12


@dataclass(frozen=True)
class Inspection:
    """facts: plain values, as --json prints them. sheet: a picture of some training members."""

    facts: dict[str, Any]
    sheet: Image.Image


def inspect(recipe: recipes.Recipe, device: str = "cpu") -> Generator[Moment, None, Inspection]:
    """Look at a recipe's data; a user's images are packed into the cache first. Raises UserError."""
    pack = None
    work = fetch(recipe)
    while True:
        try:
            moment = next(work)
        except StopIteration as end:
            recipe, dataset = end.value
            break
        pack = moment.pack or pack
        yield moment
    facts = of_pack(pack) if pack is not None else of_dataset(dataset)
    facts["estimate"] = estimate(recipe, dataset, device)
    facts["warnings"] = warnings(facts)
    return Inspection(facts, sheet(dataset))


def pack(recipe: recipes.Recipe, out: Path) -> Generator[Moment, None, Pack]:
    """Pack a user's images into the file `out`. Raises UserError, also if there is a file of another kind."""
    if out.is_dir() or (out.exists() and not is_pack(out)):
        raise UserError("pack.exists", path=out)
    return (yield from packed(recipe, out))


def of_dataset(dataset: Dataset) -> dict[str, Any]:
    """The facts of one of duelo's own data sets."""
    parts = {"train": dataset.train, "referee": dataset.referee, "heldout": dataset.heldout, "test": dataset.test}
    sizes = {name: len(part) for name, part in parts.items() if part is not None}
    return {
        "data": dataset.name,
        "kind": "duelo",
        "images": sum(sizes.values()),
        "shape": list(dataset.shape),
        "parts": sizes,
        "classes": dict.fromkeys(dataset.classes, 0),
    }


def of_pack(pack: Pack) -> dict[str, Any]:
    """The facts of packed images."""
    info = pack.info
    counts = [] if pack.labels is None else np.bincount(pack.labels, minlength=len(info["classes"])).tolist()
    return {
        "data": info["source"],
        "heldout": info["heldout"],
        "kind": info["kind"],
        "images": len(pack.images),
        "shape": list(pack.shape),
        "parts": {name: int((pack.parts == i).sum()) for i, name in enumerate(PARTS)},
        "classes": dict(zip(info["classes"], counts, strict=True)),
        **{
            key: info[key]
            for key in ("fit", "alpha", "sizes", "different_sizes", "modes", "formats", "transparent", "animated")
        },
        **{key: info[key] for key in ("resized", "enlarged", "cut", "exact", "near", "alike", "unreadable")},
        "bad": [[name, say(key, None, **values)] for name, key, values in info["bad"]],
        **{key: info[key] for key in ("others", "links", "mixed_labels")},
        "fingerprint": pack.fingerprint,
        "packed": str(pack.path),
        "bytes": pack.path.stat().st_size,
    }


def estimate(recipe: recipes.Recipe, dataset: Dataset, device: str) -> dict[str, Any]:
    """How long and how much memory the default recipe takes here, measured by playing it for a second."""
    speed = images_per_second(recipe, dataset, device, 1.0)
    return {
        "images_per_second": round(speed, 1),
        "seconds_per_kimg": round(1000 / speed, 2),
        "kimg": recipe.kimg,
        "minutes": round(1000 * recipe.kimg / speed / 60, 1),
        "memory_mib": peak_memory(),
    }


def peak_memory() -> int | None:
    """The most memory that this process has held so far, in MiB; None where the system does not say."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (2**20 if sys.platform == "darwin" else 1024)


def sheet(dataset: Dataset) -> Image.Image:
    """Some training members as one picture: a row for each class where there are classes."""
    if dataset.truth is not None:
        points = dataset.train.first(5000)
        return scatter(points[:0], points, dataset.truth.extent)
    labels = dataset.train.labels
    if labels is None or not 1 < len(dataset.classes) <= SHEET_ROWS * 2:
        return tile(dataset.train.first(SHEET_ROWS * SHEET_COLUMNS), SHEET_COLUMNS)
    chosen = []
    for label in range(len(dataset.classes)):
        members = (labels == label).nonzero().flatten()[:SHEET_COLUMNS]
        if len(members):
            images = dataset.train.take(members)
            blank = torch.full((SHEET_COLUMNS - len(images), *images.shape[1:]), 96, dtype=torch.uint8)
            chosen.append(torch.cat([images, blank]))
    return tile(torch.cat(chosen), SHEET_COLUMNS)


def sheet_file(recipe: recipes.Recipe, facts: dict[str, Any]) -> Path:
    """Where the picture belongs: beside the packed images, or in the cache."""
    packed = facts.get("packed")
    return Path(packed).with_suffix(".png") if packed else data.cache_folder() / f"{recipe.data}.png"


def save_sheet(picture: Image.Image, path: Path) -> None:
    """Write the picture. Raises UserError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, png(picture))


def warnings(facts: dict[str, Any]) -> list[str]:
    """What a person should know before training, the gravest first."""
    found: list[str] = []
    train, n = facts["parts"]["train"], max(1, facts["images"])
    classes = facts["classes"]

    def note(condition: object, key: str, **values: object) -> None:
        if condition:
            found.append(say(key, None, **values))

    note(train < FEW, "warn.few", n=train)
    note(FEW <= train < ENOUGH, "warn.rather_few", n=train)
    minutes = facts["estimate"]["minutes"] if "estimate" in facts else 0
    note(minutes > SLOW_MINUTES, "warn.slow", hours=f"{minutes / 60:.1f}")
    if "packed" not in facts:
        return found
    names = "; ".join(f"{name}: {why}" for name, why in facts["bad"][:NAMED])
    note(facts["unreadable"], "warn.unreadable", n=facts["unreadable"], names=names)
    copies = facts["exact"] + facts["near"]
    example = ", ".join(facts["alike"][0][:NAMED]) if facts["alike"] else ""
    note(copies, "warn.alike", n=copies, exact=facts["exact"], near=facts["near"], names=example)
    note(facts["parts"]["left out"], "warn.left_out", n=facts["parts"]["left out"])
    note(facts["fit"] == "crop" and facts["cut"] > CUT, "warn.cut", share=f"{100 * facts['cut']:.0f}")
    note(facts["enlarged"] > ENLARGED * n, "warn.enlarged", n=facts["enlarged"], w=facts["shape"][2], h=facts["shape"][1])
    grey = sum(
        count for mode, count in facts["modes"].items() if mode in ("1", "L", "LA", "I", "F") or mode.startswith("I;")
    )
    note(facts["shape"][0] >= 3 and grey, "warn.mixed_colour", n=grey)
    note(facts["transparent"] and facts["shape"][0] in (1, 3), "warn.alpha", n=facts["transparent"], colour=facts["alpha"])
    note(facts["animated"], "warn.animated", n=facts["animated"])
    note(facts["mixed_labels"], "warn.mixed_labels")
    note(facts["links"], "warn.links", n=facts["links"])
    if classes and max(classes.values()) > UNEVEN * min(classes.values()):
        least, most = min(classes, key=classes.__getitem__), max(classes, key=classes.__getitem__)
        note(True, "warn.uneven", most=most, n_most=classes[most], least=least, n_least=classes[least])
    return found


def short(facts: dict[str, Any]) -> list[str]:
    """The few lines that training prints before it begins."""
    c, h, w = facts["shape"]
    kind = say(f"inspect.channels_{c}")
    parts = facts["parts"]
    lines = [
        say("inspect.images", None, n=facts["images"], w=w, h=h, kind=kind, data=facts["data"]),
        say("inspect.parts", None, train=parts["train"], referee=parts["referee"], heldout=parts["heldout"]),
    ]
    if facts["classes"]:
        lines.append(say("inspect.classes", None, n=len(facts["classes"]), names=listed(facts["classes"])))
    if facts["resized"]:
        how = say(f"inspect.fit_{facts['fit']}", None, share=f"{100 * facts['cut']:.0f}")
        lines.append(say("inspect.resized", None, n=facts["resized"], w=w, h=h, how=how))
    return lines


def listed(counts: dict[str, int], most: int = 10) -> str:
    """ "a (12), b (7), ..." """
    texts = [f"{name} ({n})" for name, n in counts.items()]
    return ", ".join(texts[:most] + ["..."] * (len(texts) > most))


def text(facts: dict[str, Any], picture: Path) -> list[str]:
    """All of it in words."""
    estimate = facts["estimate"]
    if "packed" in facts:
        lines = short(facts)
        sizes = ", ".join(f"{w} x {h} ({count})" for h, w, count in facts["sizes"][:4])
        more = ", ..." if facts["different_sizes"] > 4 else ""
        lines.append(say("inspect.sizes", None, n=facts["different_sizes"], sizes=sizes + more))
        lines.append(say("inspect.kinds", None, modes=listed(facts["modes"]), formats=listed(facts["formats"])))
        lines.append(say("inspect.packed", None, mib=f"{facts['bytes'] / 2**20:.1f}", path=facts["packed"]))
    else:
        shape = " x ".join(map(str, facts["shape"]))
        lines = [say("inspect.own", None, data=facts["data"], n=facts["images"], shape=shape)]
        parts = facts["parts"]
        lines.append(say("inspect.parts", None, train=parts["train"], referee=parts["referee"], heldout=parts["heldout"]))
    lines.append(
        say(
            "inspect.estimate",
            None,
            seconds=f"{estimate['seconds_per_kimg']:.1f}",
            kimg=f"{estimate['kimg']:g}",
            minutes=f"{estimate['minutes']:.0f}",
            memory=estimate["memory_mib"] or "?",
        )
    )
    lines.append(say("inspect.sheet", None, path=picture))
    return lines + [say("inspect.warning", None, text=warning) for warning in facts["warnings"]]

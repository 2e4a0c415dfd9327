"""A study in cells: each finished one is a line of bench/results/NAME.jsonl, and a study that was stopped goes on there."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any

from PIL import Image

Cell = dict[str, Any]
IMAGES = Path(__file__).parents[1] / "docs/images"
GAP = 12  # pixels between pictures that stand side by side


def study(name: str, wanted: Iterable[tuple[Hashable, ...]], keys: tuple[str, ...], play: Callable[..., Cell]) -> list[Cell]:
    """All cells of a study. `wanted`: each cell's place, named by `keys`; ``play(*place)`` gives what was measured there."""
    results = Path(__file__).parent / "results" / f"{name}.jsonl"
    cells = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    done = {tuple(cell[key] for key in keys) for cell in cells}
    for place in wanted:
        if place in done:
            continue
        cells.append(dict(zip(keys, place, strict=True)) | play(*place))
        with results.open("a") as file:
            file.write(json.dumps(cells[-1]) + "\n")
        print(*place, flush=True)
    return cells


def side_by_side(pictures: list[Path], name: str) -> None:
    """Grids of one size in a row, as docs/images/NAME."""
    grids = [Image.open(picture).convert("L") for picture in pictures]
    whole = Image.new("L", (sum(grid.width + GAP for grid in grids) - GAP, grids[0].height), 255)
    for i, grid in enumerate(grids):
        whole.paste(grid, (i * (grid.width + GAP), 0))
    whole.save(IMAGES / name, optimize=True)

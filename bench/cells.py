"""A study in cells: each finished one is a line of bench/results/NAME.jsonl, and a study that was stopped goes on there."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any

Cell = dict[str, Any]


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

"""The curves of the live game so far, for a page that comes later: reloaded, in the other language, in a second window."""

from __future__ import annotations

from typing import Any

KEPT = 1200  # points of a curve; beyond, every second one of the older goes (static/live.js keeps them in the same way)
OF = {  # where in a tick
    "discriminator_loss": ("losses", "discriminator"),
    "generator_loss": ("losses", "generator"),
    "real_right": ("real_right",),
    "fake_right": ("fake_right",),
    "referee_right": ("referee_right",),
    "generator_gradient": ("gradients", "generator"),
    "discriminator_gradient": ("gradients", "discriminator"),
    "generator_rate": ("controls", "generator_learning_rate"),
    "discriminator_rate": ("controls", "discriminator_learning_rate"),
}
DIGITS = 4


class Curves:
    """Columns of equal length: "nimg", and of each key of OF the values then, None where there was none."""

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {"nimg": [], **{name: [] for name in OF}}

    def add(self, tick: dict[str, Any]) -> None:
        """What a tick tells, unless it tells of the same moment again."""
        last = self.columns["nimg"][-1] if self.columns["nimg"] else -1
        if tick["nimg"] == last:
            return
        if tick["nimg"] < last:  # a game that began anew
            self.columns = Curves().columns
        self.columns["nimg"].append(tick["nimg"])
        for name, path in OF.items():
            value: Any = tick
            for key in path:
                value = None if value is None else value.get(key)
            self.columns[name].append(None if value is None else float(f"{value:.{DIGITS}g}"))
        if len(self.columns["nimg"]) > KEPT:
            for name, column in self.columns.items():
                self.columns[name] = [value for i, value in enumerate(column) if i % 2 or i > KEPT * 0.75]

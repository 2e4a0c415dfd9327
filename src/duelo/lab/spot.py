"""A spot among the latents of a run: what a page can name, and the explorer find again."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

SLIDERS = 8
FARTHEST = 5.0  # standard deviations that a slider goes, and more than any latent needs
Offset = Annotated[float, Field(ge=-FARTHEST, le=FARTHEST)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Label = Annotated[int, Field(ge=0, lt=65_536)]


class Spot(BaseModel):
    """Sample `index` of `seed`, moved by `offsets` along the directions that change the picture most; of class `label`.

    end: if given, `step` of `steps` on the way to that spot, on the sphere, which begins at the sample moved by `start`;
    `offsets` then move what lies there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seed: Seed = 0
    index: Annotated[int, Field(ge=0, lt=10_000)] = 0
    offsets: Annotated[tuple[Offset, ...], Field(max_length=SLIDERS)] = ()
    label: Label | None = None
    end: Spot | None = None
    start: Annotated[tuple[Offset, ...], Field(max_length=SLIDERS)] = ()
    step: Annotated[int, Field(ge=0, le=64)] = 0
    steps: Annotated[int, Field(ge=2, le=64)] = 2

    @property
    def depth(self) -> int:
        """How many ways lead to it, one inside the other."""
        return 0 if self.end is None else 1 + self.end.depth

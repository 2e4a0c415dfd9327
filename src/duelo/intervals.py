"""How well a share is known, by how many it was counted from. Needs nothing but Python."""

from __future__ import annotations

import math


def wilson(p: float, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval (1927) of a share `p` of `n` members: its bounds are `z` of their own standard errors away."""
    z2 = z**2
    middle, reach = (p + z2 / (2 * n)) / (1 + z2 / n), math.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return middle - reach, middle + reach

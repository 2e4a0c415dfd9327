"""The kernel distance (KID, Bińkowski et al. 2018, section 4): unbiased for any number of samples, as Fréchet's is not.

    MMD^2 = mean of k(x, x') + mean of k(y, y') - 2 mean of k(x, y),    k(x, y) = (x y / d + 1)^3

over all pairs, of distinct members within a set. The published protocol takes the mean over random subsets of 1,000 to save
memory; over all pairs it estimates the same number, with less noise.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

ROWS, COLUMNS = 256, 2048  # 4 MB of float64, for the cache's sake


def kernel_distance(a: Tensor, b: Tensor, within_b: float | None = None) -> float:
    """MMD^2 of features a [n, d] and b [m, d], any floating type, by the unbiased estimator; symmetric.

    Near 0, or a little below, for samples of one distribution. within_b: `within(b)`, if it is known.
    Raises ValueError for fewer than two vectors in a set.
    """
    own = within(a) + (within(b) if within_b is None else within_b)
    return own - 2 * float(_sums(a, b).sum()) / (len(a) * len(b))


def within(features: Tensor) -> float:
    """The mean of the kernel over all pairs of distinct rows of `features` [n, d]."""
    n = len(features)
    if n < 2:
        raise ValueError(f"a kernel distance needs at least two vectors, not {n}")
    return float((_sums(features, features).sum() - _own(features).sum()) / (n * (n - 1)))


def distances_without_each(a: Tensor, b: Tensor, groups: list[Tensor], within_b: float | None = None) -> Iterator[float]:
    """The distance of all of `a` [n, d] from `b` [m, d], then without each group of rows of a; groups: int64, [g] each."""
    n, m = len(a), len(b)
    own, among, across = _own(a), _sums(a, a), _sums(a, b)
    constant = within(b) if within_b is None else within_b
    groups = [groups[0][:0], *groups]
    for group in groups:
        left = n - len(group)
        # each pair of a left-out and a kept row is in the sums twice, each pair of two left-out ones once
        inside = _sums(a[group], a[group]).sum()
        kept = among.sum() - own.sum() - 2 * among[group].sum() + inside + own[group].sum()
        yield float(kept / (left * (left - 1)) + constant - 2 * (across.sum() - across[group].sum()) / (left * m))


def _own(features: Tensor) -> Tensor:
    """k(x, x) of each row of `features` [n, d]: [n] float64."""
    x = features.double()
    result: Tensor = (x.square().sum(1) / x.shape[1] + 1) ** 3
    return result


def _sums(a: Tensor, b: Tensor) -> Tensor:
    """Each row's sum of the kernel over all rows of the other set: [n] float64."""
    d = a.shape[1]
    if b.shape[1] != d:
        raise ValueError(f"vectors of {d} and {b.shape[1]} features have no kernel")
    a, b = a.double() / d, b.double()
    result = a.new_zeros(len(a))
    for rows, total in zip(a.split(ROWS), result.split(ROWS), strict=True):
        for columns in b.split(COLUMNS):
            products = (rows @ columns.mT).add_(1)
            total += (products * products).mul_(products).sum(1)
    return result

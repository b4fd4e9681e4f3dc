"""Draws people inside strata with known probabilities: in proportion, at random, the same for the same seed. It knows positions, never a person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from iceberg.arrays import IntArray


def share_out(number: int, sizes: Sequence[int]) -> IntArray:
    """(S,) so many in proportion to the sizes, by largest remainders, and never more than there are.

    Every member of a stratum is then drawn with nearly the same probability, the number over the sum of the sizes.
    """
    members = np.asarray(sizes, dtype=np.float64)
    whole = members.sum()
    if whole <= 0:
        return np.zeros(len(members), dtype=np.int64)
    exact = min(float(number), whole) * members / whole
    taken = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(-(exact - taken), kind="stable")
    taken[order[: round(exact.sum()) - int(taken.sum())]] += 1
    return np.asarray(taken, dtype=np.int64)


def draw_positions(taken: Sequence[int], sizes: Sequence[int], rng: np.random.Generator) -> tuple[IntArray, ...]:
    """Per stratum the positions of those drawn, each as likely as any other, in random order."""
    return tuple(rng.permutation(int(size))[: int(number)].astype(np.int64) for number, size in zip(taken, sizes, strict=True))

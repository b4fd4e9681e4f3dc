"""Takes small groups of leavers together, so that no count of one to four customers is shown, nor follows from the others."""

from __future__ import annotations

from collections.abc import Sequence

from iceberg.model.scores.estimate import Declared, LastWords
from iceberg.report.small_cells import SMALLEST

OTHERS = "\x00others"  # name of the group of small ones, which no file can have


def is_safe(group: LastWords, *, smallest: int = SMALLEST) -> bool:
    """Whether no part of the group counts one to `smallest` - 1 customers."""
    return not any(0 < part < smallest for part in group.parts)


def safe_groups(groups: Sequence[LastWords], *, smallest: int = SMALLEST) -> tuple[LastWords, ...]:
    """The groups with the unsafe ones as one, named `OTHERS`, joined by the next smaller ones until it is safe too; none where only one is left.

    An unsafe group that stood alone would follow from the sum of all, so at least two are taken together.
    """
    unsafe = [one for one in groups if not is_safe(one, smallest=smallest)]
    if not unsafe:
        return tuple(groups)
    alone = sorted((one for one in groups if is_safe(one, smallest=smallest)), key=lambda one: (one.leavers, one.name))
    while alone and (len(unsafe) < 2 or not is_safe(_as_one(unsafe), smallest=smallest)):
        unsafe.append(alone.pop(0))
    pooled = _as_one(unsafe)
    if len(unsafe) < 2 or not alone or not is_safe(pooled, smallest=smallest):
        return ()
    return (*(one for one in groups if one in alone), pooled)


def _as_one(groups: Sequence[LastWords]) -> LastWords:
    total = LastWords(OTHERS)
    for one in groups:
        total = total.plus(one, name=OTHERS)
    return total


def groups_by_complaint(declared: Declared) -> tuple[LastWords, ...]:
    """Leavers by the category that they had complained of first, and those who had not complained (named ""): together everybody, or nothing."""
    if declared.without_complaint is None or not is_safe(declared.everybody):
        return ()
    found = safe_groups((declared.without_complaint, *declared.categories))
    return found if any(one.name == "" for one in found) else ()


def groups_by_segment(declared: Declared) -> tuple[LastWords, ...]:
    """Leavers by segment: together everybody, or nothing."""
    return safe_groups(declared.segments) if is_safe(declared.everybody) else ()
